// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// What a place in the config may hold, without Swift types: the part of a definition that editors and people read.
indirect enum ConfigShape: Sendable {
    /// One value; `words` end the sentence "must be …".
    case scalar(words: String, json: JSONObject)
    case list(ConfigShape, minimumCount: Int)
    /// Free names, each with a value of the same shape.
    case mapping(nameWords: String, ConfigShape)
    case section(@Sendable () -> SectionShape)
    case either([ConfigShape])
    /// A mapping that belongs to somebody else, such as LiteLLM.
    case foreignMapping

    /// A noun phrase for errors and the reference: "a list of …".
    var words: String {
        switch self {
        case .scalar(let words, _): words
        case .list(let element, let minimum):
            (minimum > 0 ? "a non-empty list, each " : "a list, each ") + element.words
        case .mapping(let name, let value): "a mapping from \(name) to \(value.words)"
        case .section, .foreignMapping: "a mapping"
        case .either(let shapes): shapes.map(\.words).joined(separator: ", or ")
        }
    }
}

/// The keys of one section.
struct SectionShape: Sendable {
    /// One or more sentences for the reference page.
    let summary: String
    let keys: [KeyShape]
}

/// One key of a section as an editor or a reader sees it.
struct KeyShape: Sendable {
    let name: String
    let makeShape: @Sendable () -> ConfigShape
    let summary: String
    let isRequired: Bool
    /// How the default would be written in the file, or in words; nil when there is none.
    let defaultText: @Sendable () -> String?

    var shape: ConfigShape { makeShape() }
}
