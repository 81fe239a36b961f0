// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

/// Reads typed values out of nodes and collects what is wrong with them; a value that is wrong reads as nil.
///
/// References of the form `os.environ/NAME` are resolved wherever a value may stand, as LiteLLM does it.
struct ValueReader {
    static let referencePrefix = "os.environ/"

    /// nil leaves references unresolved: their values read as nil, without a complaint.
    let environment: EnvironmentLookup?
    /// What `environment_variables` sets; consulted before the environment.
    var overrides: [String: Secret<String>] = [:]
    private(set) var problems: [Diagnostic] = []
    /// Whom the values belong to, in words: "model `x`".
    var owner = ""

    init(environment: EnvironmentLookup?) {
        self.environment = environment
    }

    /// NAME, where the whole text is `os.environ/NAME`.
    static func variable(of text: String) -> String? {
        guard text.hasPrefix(referencePrefix) else { return nil }
        return String(text.dropFirst(referencePrefix.count))
    }

    mutating func report(_ code: String, _ message: String, at node: YAMLNode, hints: [String] = []) {
        problems.append(Diagnostic("litellm/\(code)", message, at: node.span, hints: hints))
    }

    mutating func text(_ entry: YAMLNode.Entry) -> String? {
        guard let scalar = scalar(entry, wanted: "a string") else { return nil }
        return scalar.text
    }

    mutating func secret(_ entry: YAMLNode.Entry) -> SecretValue? {
        guard let scalar = entry.value.scalar else {
            wrongType(entry, wanted: "a string")
            return nil
        }
        guard scalar.resolvedType != .null else { return nil }
        guard let variable = Self.variable(of: scalar.text) else {
            return SecretValue(variable: nil, value: Secret(scalar.text), span: entry.value.span)
        }
        let value = resolve(variable, at: entry.value)
        return SecretValue(variable: variable, value: value.map(Secret.init), span: entry.value.span)
    }

    mutating func integer(_ entry: YAMLNode.Entry) -> Int? {
        guard let scalar = scalar(entry, wanted: "a whole number") else { return nil }
        if let number = scalar.integerValue ?? Int(scalar.text) { return number }
        if let number = scalar.doubleValue, let whole = Int(exactly: number) { return whole }
        wrongType(entry, wanted: "a whole number")
        return nil
    }

    /// A count that must not be negative.
    mutating func count(_ entry: YAMLNode.Entry) -> Int? {
        guard let number = integer(entry) else { return nil }
        guard number >= 0 else {
            wrongType(entry, wanted: "0 or more")
            return nil
        }
        return number
    }

    mutating func number(_ entry: YAMLNode.Entry) -> Double? {
        guard let scalar = scalar(entry, wanted: "a number") else { return nil }
        if let number = scalar.doubleValue ?? DecimalText(scalar.text)?.doubleValue, number.isFinite { return number }
        wrongType(entry, wanted: "a number")
        return nil
    }

    mutating func decimal(_ entry: YAMLNode.Entry) -> DecimalText? {
        guard let scalar = scalar(entry, wanted: "a number") else { return nil }
        if let decimal = DecimalText(scalar.text) { return decimal }
        wrongType(entry, wanted: "a number")
        return nil
    }

    /// A number of seconds; none and negative ones are refused.
    mutating func seconds(_ entry: YAMLNode.Entry) -> Duration? {
        guard let seconds = number(entry) else { return nil }
        // Beyond 30 years nothing is meant as a time-out, and Duration would trap further on.
        guard (0...1e9).contains(seconds) else {
            wrongType(entry, wanted: "a number of seconds")
            return nil
        }
        return .nanoseconds(Int64((seconds * 1e9).rounded()))
    }

    mutating func flag(_ entry: YAMLNode.Entry) -> Bool? {
        guard let scalar = scalar(entry, wanted: "true or false") else { return nil }
        if let flag = scalar.boolValue { return flag }
        switch scalar.text.lowercased() {
        case "true": return true
        case "false": return false
        default:
            wrongType(entry, wanted: "true or false")
            return nil
        }
    }

    mutating func texts(_ entry: YAMLNode.Entry) -> [String]? {
        if entry.value.isNull { return nil }
        guard let elements = entry.value.elements else {
            wrongType(entry, wanted: "a list of strings")
            return nil
        }
        return elements.compactMap { element in text(YAMLNode.Entry(key: entry.key, value: element)) }
    }

    mutating func entries(_ entry: YAMLNode.Entry) -> [YAMLNode.Entry]? {
        if entry.value.isNull { return nil }
        guard let entries = entry.value.entries else {
            wrongType(entry, wanted: "a mapping")
            return nil
        }
        return entries
    }

    mutating func wrongType(_ entry: YAMLNode.Entry, wanted: String) {
        let name = entry.key.scalar?.text ?? "?"
        let place = owner.isEmpty ? "" : " of \(owner)"
        // The text itself is not repeated: a secret may have slipped in here.
        report("type", "`\(name)`\(place) must be \(wanted), not \(entry.value.kindInWords)", at: entry.value)
    }

    /// The scalar with its reference resolved; nil for null, and for what is no scalar, which is reported.
    private mutating func scalar(_ entry: YAMLNode.Entry, wanted: String) -> YAMLScalar? {
        guard let scalar = entry.value.scalar else {
            wrongType(entry, wanted: wanted)
            return nil
        }
        guard scalar.resolvedType != .null else { return nil }
        guard let variable = Self.variable(of: scalar.text) else { return scalar }
        return resolve(variable, at: entry.value).map { YAMLScalar($0) }
    }

    private mutating func resolve(_ variable: String, at node: YAMLNode) -> String? {
        guard let environment else { return nil }
        if let value = overrides[variable]?.reveal() ?? environment(variable) { return value }
        let place = owner.isEmpty ? "" : ", which \(owner) needs,"
        report(
            "unset-variable", "the environment variable `\(variable)`\(place) is not set", at: node,
            hints: ["set it in the service's `env_file` or `env`, or export \(variable) before the start"])
        return nil
    }
}
