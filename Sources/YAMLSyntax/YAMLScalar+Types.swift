// SPDX-License-Identifier: MIT

/// The types that YAML 1.1 gives to plain scalars, as PyYAML's safe loader (which LiteLLM uses) does.
package enum YAMLScalarType: Equatable, Sendable {
    case null, bool, integer, float, timestamp, string
}

extension YAMLScalar {
    /// The type a YAML 1.1 reader gives this scalar; quoted and block scalars are strings unless tagged.
    package var resolvedType: YAMLScalarType {
        switch tag {
        case nil, "!": break
        case "tag:yaml.org,2002:null": return .null
        case "tag:yaml.org,2002:bool": return .bool
        case "tag:yaml.org,2002:int": return .integer
        case "tag:yaml.org,2002:float": return .float
        case "tag:yaml.org,2002:timestamp": return .timestamp
        default: return .string
        }
        guard style == .plain, tag == nil else { return .string }
        return Self.type(ofPlain: text)
    }

    package var boolValue: Bool? {
        guard resolvedType == .bool else { return nil }
        return ["yes", "true", "on"].contains(text.lowercased())
    }

    package var integerValue: Int? {
        guard resolvedType == .integer else { return nil }
        var digits = textWithoutUnderscores
        let isNegative = digits.hasPrefix("-")
        if digits.hasPrefix("-") || digits.hasPrefix("+") { digits.removeFirst() }
        let magnitude: Int? =
            if digits.hasPrefix("0b") {
                Int(digits.dropFirst(2), radix: 2)
            } else if digits.hasPrefix("0x") {
                Int(digits.dropFirst(2), radix: 16)
            } else if digits.utf8.contains(UInt8(ascii: ":")) {
                digits.split(separator: ":").reduce(Optional(0)) { total, part in
                    guard let total, let part = Int(part) else { return nil }
                    let (product, overflow) = total.multipliedReportingOverflow(by: 60)
                    return overflow ? nil : product + part
                }
            } else if digits.count > 1, digits.hasPrefix("0") {
                Int(digits, radix: 8)
            } else {
                Int(digits)
            }
        return magnitude.map { isNegative ? -$0 : $0 }
    }

    /// The number, for integers as well.
    package var doubleValue: Double? {
        switch resolvedType {
        case .integer: return integerValue.map(Double.init)
        case .float:
            let digits = textWithoutUnderscores.lowercased()
            switch digits {
            case ".inf", "+.inf": return .infinity
            case "-.inf": return -.infinity
            case ".nan": return .nan
            default: return Double(digits.hasSuffix(".") ? digits + "0" : digits)
            }
        case .null, .bool, .timestamp, .string: return nil
        }
    }

    private var textWithoutUnderscores: String {
        let underscore = UInt8(ascii: "_")
        return text.utf8.contains(underscore)
            ? String(decoding: text.utf8.filter { $0 != underscore }, as: UTF8.self) : text
    }

    /// Whether `text` would be read as something else than this string when written plainly.
    package static func needsQuotes(_ text: String) -> Bool {
        guard type(ofPlain: text) == .string, let first = text.unicodeScalars.first, let last = text.unicodeScalars.last
        else { return true }
        if "-?:,[]{}#&*!|>'\"%@`= \t".unicodeScalars.contains(first) || " \t:".unicodeScalars.contains(last) {
            return true
        }
        if text == "<<" || text == "---" || text == "..." || text.hasPrefix("--- ") || text.hasPrefix("... ") {
            return true
        }
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.value > 0xFFFC { return true }
            if scalar == "\u{2028}" || scalar == "\u{2029}" || scalar == "\u{FEFF}" { return true }
            if scalar == "#", previous == " " { return true }
            if previous == ":", scalar == " " { return true }
            if ",[]{}".unicodeScalars.contains(scalar) { return true }
            previous = scalar
        }
        return false
    }

    private static let nullWords: Set<String> = ["", "~", "null", "Null", "NULL"]
    private static let boolWords: Set<String> = [
        "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE", "on", "On", "ON",
        "off", "Off", "OFF",
    ]

    private static func type(ofPlain text: String) -> YAMLScalarType {
        let bytes = text.utf8
        guard let first = bytes.first else { return .null }
        switch first {
        // Only these can start a number or a date, so most strings are done here.
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): break
        default:
            // The longest of the words is `false`.
            guard bytes.count <= 5, "~nNyYtTfFoO".utf8.contains(first) else { return .string }
            if nullWords.contains(text) { return .null }
            return boolWords.contains(text) ? .bool : .string
        }
        var reader = PlainScalarReader(text)
        if reader.isInteger() { return .integer }
        if reader.isFloat() { return .float }
        if reader.isTimestamp() { return .timestamp }
        return .string
    }
}

/// Matches the implicit number and date forms of YAML 1.1 in PyYAML's reading of them.
private struct PlainScalarReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    // [-+]?0b[0-1_]+, [-+]?0[0-7_]+, [-+]?(?:0|[1-9][0-9_]*), [-+]?0x[0-9a-fA-F_]+,
    // [-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+
    mutating func isInteger() -> Bool {
        restart()
        skipSign()
        let start = index
        if take("0") {
            if isAtEnd { return true }
            if take("b") { return skip(where: { "01_".utf8.contains($0) }) > 0 && isAtEnd }
            if take("x") { return skip(where: { Self.isHex($0) || $0 == UInt8(ascii: "_") }) > 0 && isAtEnd }
            return skip(where: { "01234567_".utf8.contains($0) }) > 0 && isAtEnd
        }
        guard skip(where: { Self.isDigit($0) || $0 == UInt8(ascii: "_") }) > 0, Self.isDigit(bytes[start]) else {
            return false
        }
        return isAtEnd || (skipSexagesimal() && isAtEnd)
    }

    // [-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)? | \.[0-9][0-9_]*(?:[eE][-+][0-9]+)? |
    // [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]* | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
    mutating func isFloat() -> Bool {
        restart()
        let signed = skipSign()
        if take(".") {
            let rest = String(decoding: bytes[index...], as: UTF8.self)
            if ["inf", "Inf", "INF"].contains(rest) { return true }
            if ["nan", "NaN", "NAN"].contains(rest) { return !signed }
            guard !signed, !isAtEnd, Self.isDigit(bytes[index]) else { return false }
            skip(where: { Self.isDigit($0) || $0 == UInt8(ascii: "_") })
            return isAtEnd || (skipExponent() && isAtEnd)
        }
        guard !isAtEnd, Self.isDigit(bytes[index]) else { return false }
        skip(where: { Self.isDigit($0) || $0 == UInt8(ascii: "_") })
        if skipSexagesimal() {
            guard take(".") else { return false }
            skip(where: { Self.isDigit($0) || $0 == UInt8(ascii: "_") })
            return isAtEnd
        }
        guard take(".") else { return false }
        skip(where: { Self.isDigit($0) || $0 == UInt8(ascii: "_") })
        return isAtEnd || (skipExponent() && isAtEnd)
    }

    // YYYY-MM-DD, or YYYY-M-D with a time of day.
    mutating func isTimestamp() -> Bool {
        restart()
        let year = skip(where: Self.isDigit)
        guard year == 4, take("-") else { return false }
        let month = skip(where: Self.isDigit)
        guard (1...2).contains(month), take("-") else { return false }
        let day = skip(where: Self.isDigit)
        guard (1...2).contains(day) else { return false }
        if isAtEnd { return month == 2 && day == 2 }
        guard take("T") || take("t") || skip(where: { $0 == 0x20 || $0 == 0x09 }) > 0 else { return false }
        guard (1...2).contains(skip(where: Self.isDigit)), take(":"), skip(where: Self.isDigit) == 2, take(":"),
            skip(where: Self.isDigit) == 2
        else { return false }
        if take(".") { skip(where: Self.isDigit) }
        skip(where: { $0 == 0x20 || $0 == 0x09 })
        if isAtEnd || (take("Z") && isAtEnd) { return true }
        guard take("+") || take("-"), (1...2).contains(skip(where: Self.isDigit)) else { return false }
        return isAtEnd || (take(":") && skip(where: Self.isDigit) == 2 && isAtEnd)
    }

    private var isAtEnd: Bool { index == bytes.count }

    private mutating func restart() {
        index = 0
    }

    @discardableResult
    private mutating func skipSign() -> Bool {
        take("+") || take("-")
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    @discardableResult
    private mutating func skip(where matches: (UInt8) -> Bool) -> Int {
        let start = index
        while index < bytes.count, matches(bytes[index]) { index += 1 }
        return index - start
    }

    private mutating func skipSexagesimal() -> Bool {
        var groups = 0
        while take(":") {
            let start = index
            let digits = skip(where: Self.isDigit)
            guard digits == 1 || (digits == 2 && bytes[start] <= UInt8(ascii: "5")) else { return false }
            groups += 1
        }
        return groups > 0
    }

    private mutating func skipExponent() -> Bool {
        guard take("e") || take("E"), take("+") || take("-") else { return false }
        return skip(where: Self.isDigit) > 0
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
    }
}
