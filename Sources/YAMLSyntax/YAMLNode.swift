// SPDX-License-Identifier: MIT

package import Diagnostics

/// A YAML value with the place where it was written.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package var key: YAMLNode
        package var value: YAMLNode

        package init(key: YAMLNode, value: YAMLNode) {
            self.key = key
            self.value = value
        }
    }

    package var content: Content
    /// nil for nodes that were made, not read.
    package var span: SourceSpan?

    package init(_ content: Content, span: SourceSpan? = nil) {
        self.content = content
        self.span = span
    }
}

/// A scalar as it was written; its type follows from tag and style only when somebody asks.
package struct YAMLScalar: Equatable, Sendable {
    package enum Style: Sendable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    package var text: String
    package var style: Style
    /// An explicit tag such as `!!str`, in its long form.
    package var tag: String?

    package init(_ text: String, style: Style = .plain, tag: String? = nil) {
        self.text = text
        self.style = style
        self.tag = tag
    }
}

extension YAMLNode {
    package static func string(_ text: String) -> YAMLNode {
        YAMLNode(.scalar(YAMLScalar(text, style: YAMLScalar.needsQuotes(text) ? .doubleQuoted : .plain)))
    }

    /// A scalar that is written exactly as `text`: a number, a truth value, null.
    package static func plain(_ text: String) -> YAMLNode {
        YAMLNode(.scalar(YAMLScalar(text)))
    }

    package static func sequence(_ elements: [YAMLNode]) -> YAMLNode {
        YAMLNode(.sequence(elements))
    }

    package static func mapping(_ entries: [(String, YAMLNode)]) -> YAMLNode {
        YAMLNode(.mapping(entries.map { Entry(key: .string($0.0), value: $0.1) }))
    }

    package var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    package var elements: [YAMLNode]? {
        if case .sequence(let elements) = content { elements } else { nil }
    }

    package var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The value of the key with this text, where the node is a mapping.
    package subscript(key: String) -> YAMLNode? {
        entries?.first { $0.key.scalar?.text == key }?.value
    }

    /// The text of a scalar that YAML 1.1 reads as a string.
    package var stringValue: String? {
        guard let scalar, scalar.resolvedType == .string else { return nil }
        return scalar.text
    }

    package var integerValue: Int? { scalar?.integerValue }
    package var doubleValue: Double? { scalar?.doubleValue }
    package var boolValue: Bool? { scalar?.boolValue }
    package var isNull: Bool { scalar?.resolvedType == .null }

    /// What the node is, in words for an error: "a list", "the string `x`".
    package var kindInWords: String {
        switch content {
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .scalar(let scalar):
            switch scalar.resolvedType {
            case .null: return "nothing"
            case .bool: return "the truth value `\(scalar.text)`"
            case .integer, .float: return "the number `\(scalar.text)`"
            case .timestamp: return "the date `\(scalar.text)`"
            case .string: return "a string"
            }
        }
    }
}
