// SPDX-License-Identifier: MIT

/// A value from a config file, whatever language it was written in: how role configurations and provider settings reach
/// this library without a parser of its own.
public indirect enum SettingValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([SettingValue])
    case map(Settings)

    /// The text; nil for values of other kinds.
    public var textValue: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The members; nil for values of other kinds.
    public var mapValue: Settings? {
        if case .map(let settings) = self { settings } else { nil }
    }

    /// A name, which a file may write without quotes although it looks like a number. Nil for values that name nothing.
    public var nameValue: String? {
        switch self {
        case .text(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bool(let flag): flag ? "True" : "False"
        case .null, .list, .map: nil
        }
    }

    var numberValue: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        case .text(let text): Self.number(text)
        case .null, .bool, .list, .map: nil
        }
    }

    /// A finite decimal number in a text: `1e3` is one for many readers, and a text for YAML.
    private static func number(_ text: String) -> Double? {
        let trimmed = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        guard trimmed.allSatisfy({ "+-.0123456789eE".contains($0) }) else { return nil }
        return Double(String(trimmed)).flatMap { $0.isFinite ? $0 : nil }
    }
}

/// Named values in written order.
public struct Settings: Hashable, Sendable {
    /// One named value.
    public struct Member: Hashable, Sendable {
        /// As written.
        public let name: String
        /// As written, without its syntax.
        public var value: SettingValue
    }

    /// In written order.
    public private(set) var members: [Member]

    public init(_ members: [(String, SettingValue)] = []) {
        self.members = members.map { Member(name: $0.0, value: $0.1) }
    }

    /// The value of that name; setting nil removes it.
    public subscript(name: String) -> SettingValue? {
        get { members.first { $0.name == name }?.value }
        set {
            if let index = members.firstIndex(where: { $0.name == name }) {
                if let newValue { members[index].value = newValue } else { members.remove(at: index) }
            } else if let newValue {
                members.append(Member(name: name, value: newValue))
            }
        }
    }

    /// Whether nothing is set.
    public var isEmpty: Bool { members.isEmpty }

    /// These settings with others on top.
    public func merging(_ others: Settings) -> Settings {
        var merged = self
        for member in others.members { merged[member.name] = member.value }
        return merged
    }
}
