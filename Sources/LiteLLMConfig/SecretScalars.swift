// SPDX-License-Identifier: MIT

internal import Diagnostics
package import YAMLSyntax

/// Knows which values of a LiteLLM config are secrets, so that no diff and no excerpt of a diagnostic shows one.
package enum SecretScalars {
    /// Whether a value under the key `name` is a secret when it stands there in clear text.
    package static func isSecretKey(_ name: String) -> Bool {
        let name = name.lowercased()
        if exactNames.contains(name) { return true }
        if notSecretBeginnings.contains(where: name.hasPrefix) || name.hasSuffix("_per_token") { return false }
        return suffixes.contains { name.hasSuffix($0) }
    }

    /// Whether every value below the key `name` is a secret: headers and variables have names of their own.
    package static func holdsSecrets(_ name: String) -> Bool {
        name == "extra_headers" || name == "headers" || name == "environment_variables"
    }

    /// Whether the scalar says something that must not be shown; references to variables, numbers and nothing do not.
    static func isClearText(_ scalar: YAMLScalar) -> Bool {
        switch scalar.resolvedType {
        case .null, .bool: false
        case .integer, .float, .timestamp, .string: !scalar.text.isEmpty && !isReference(scalar.text)
        }
    }

    /// Whether the scalar must not be shown where it stands.
    ///
    /// `isSecret` says whether its key, or one above it, is that of a secret.
    package static func isHidden(_ scalar: YAMLScalar, isSecret: Bool) -> Bool {
        (isSecret && isClearText(scalar)) || carriesPassword(scalar.text)
    }

    /// Whether the text is an address with a password in it: `https://user:password@host/`.
    private static func carriesPassword(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let at = bytes.firstIndex(of: UInt8(ascii: "@")), let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            colon < at, bytes[colon...].starts(with: "://".utf8)
        else { return false }
        let user = bytes[bytes.index(colon, offsetBy: 3)..<at]
        return user.contains(UInt8(ascii: ":")) && !user.contains(UInt8(ascii: "/"))
    }

    private static func isReference(_ text: String) -> Bool {
        text.hasPrefix("os.environ/") || (text.hasPrefix("${") && text.hasSuffix("}"))
    }

    /// The tree with every secret in clear text replaced by `<redacted>`.
    package static func redacting(_ root: YAMLNode) -> YAMLNode {
        redacting(root, isSecret: false, holdsSecrets: false)
    }

    private static func redacting(_ node: YAMLNode, isSecret: Bool, holdsSecrets: Bool) -> YAMLNode {
        switch node.content {
        case .scalar(let scalar):
            return isHidden(scalar, isSecret: isSecret)
                ? YAMLNode(.scalar(YAMLScalar("<redacted>")), span: node.span) : node
        case .sequence(let elements):
            let shown = elements.map { redacting($0, isSecret: isSecret, holdsSecrets: holdsSecrets) }
            return YAMLNode(.sequence(shown), span: node.span)
        case .mapping(let entries):
            let shown = entries.map { entry in
                let name = entry.key.scalar?.text ?? ""
                let below = holdsSecrets || Self.holdsSecrets(name)
                let value = redacting(entry.value, isSecret: below || isSecretKey(name), holdsSecrets: below)
                return YAMLNode.Entry(key: entry.key, value: value)
            }
            return YAMLNode(.mapping(shown), span: node.span)
        }
    }

    /// The tree with secrets blotted out in the lines that its spans quote; the values themselves stay.
    package static func blottingLines(of root: YAMLNode) -> YAMLNode {
        var blots = Blots()
        blots.collect(root, isSecret: false)
        return blots.isEmpty ? root : blots.apply(to: root)
    }

    private static let exactNames: Set<String> = [
        "authorization", "bearer", "database_url", "proxy_auth", "redis_url", "token", "vertex_credentials",
    ]
    private static let notSecretBeginnings = ["input_cost_", "max_", "output_cost_"]
    private static let suffixes = ["_key", "apikey", "password", "secret", "_token", "_credentials", "webhook_url"]
}

/// Where on which lines secrets stand.
private struct Blots {
    private struct Line: Hashable {
        let file: String
        let number: Int
    }

    private var ranges: [Line: [Range<Int>]] = [:]

    var isEmpty: Bool { ranges.isEmpty }

    mutating func collect(_ node: YAMLNode, isSecret: Bool) {
        switch node.content {
        case .scalar(let scalar):
            guard SecretScalars.isHidden(scalar, isSecret: isSecret), let span = node.span else { return }
            // A scalar that goes on below is known by its first position only: blot out the rest of the line.
            let isWhole = span.length >= scalar.text.unicodeScalars.count
            let start = span.start.column - 1
            let range = start..<(isWhole ? start + span.length : Int.max)
            ranges[Line(file: span.file, number: span.start.line), default: []].append(range)
        case .sequence(let elements):
            for element in elements { collect(element, isSecret: isSecret) }
        case .mapping(let entries):
            for entry in entries {
                let name = entry.key.scalar?.text ?? ""
                let below = isSecret || SecretScalars.holdsSecrets(name)
                collect(entry.value, isSecret: below || SecretScalars.isSecretKey(name))
            }
        }
    }

    func apply(to node: YAMLNode) -> YAMLNode {
        let content: YAMLNode.Content =
            switch node.content {
            case .scalar: node.content
            case .sequence(let elements): .sequence(elements.map(apply))
            case .mapping(let entries):
                .mapping(entries.map { YAMLNode.Entry(key: apply(to: $0.key), value: apply(to: $0.value)) })
            }
        return YAMLNode(content, span: node.span.map(apply))
    }

    private func apply(to span: SourceSpan) -> SourceSpan {
        guard let found = ranges[Line(file: span.file, number: span.start.line)] else { return span }
        let scalars = span.lineText.unicodeScalars.enumerated().map { index, scalar -> Unicode.Scalar in
            found.contains { $0.contains(index) } ? "*" : scalar
        }
        return SourceSpan(
            file: span.file, start: span.start, length: span.length,
            lineText: String(String.UnicodeScalarView(scalars)))
    }
}
