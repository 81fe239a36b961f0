// SPDX-License-Identifier: MIT

internal import Diagnostics

/// Everything that can be wrong with a config; `key` is a place such as `services.litellm.port`.
enum ConfigProblem: Sendable {
    case noFile(path: String)
    case notMapping(found: String)
    case unsupportedVersion(found: String)
    case unknownKey(String, place: String, known: [String])
    case missingKey(String, place: String)
    case wrongType(key: String, expected: String, found: String)
    case outOfRange(key: String, expected: String, found: String)
    case invalidValue(key: String, expected: String, found: String)
    case invalidDuration(key: String, text: String)
    case invalidSize(key: String, text: String)
    case unknownWord(key: String, word: String, known: [String])
    case emptyList(key: String)
    case renamed(old: String, new: String)
    case renamedTwice(old: String, new: String)

    func diagnostic(at span: SourceSpan?) -> Diagnostic {
        switch self {
        case .noFile(let path):
            Diagnostic(
                "config/not-found", "there is no config file `\(path)`", at: span,
                hints: ["create one with `llm-router init`, or name another with `--config FILE`"])
        case .notMapping(let found):
            Diagnostic("config/not-a-mapping", "a config file holds a mapping, not \(found)", at: span)
        case .unsupportedVersion(let found):
            Diagnostic(
                "config/unsupported-version", "`config_version` \(found) is unknown; versions 1 and 2 are supported",
                at: span,
                hints: ["set `config_version: 2`, or use the llm-router release that the file was written for"])
        case .unknownKey(let name, let place, let known):
            Diagnostic(
                "config/unknown-key", "unknown key `\(name)`\(Self.inside(place))", at: span,
                hints: Self.hints(for: name, known, what: "keys"))
        case .missingKey(let name, let place):
            Diagnostic("config/missing-key", "the key `\(name)` is missing\(Self.inside(place))", at: span)
        case .wrongType(let key, let expected, let found):
            Diagnostic(
                "config/wrong-type", "`\(key)` must be \(expected), not \(found)", at: span,
                hints: Self.quotingHints(expected: expected, found: found))
        case .outOfRange(let key, let expected, let found):
            Diagnostic("config/out-of-range", "`\(key)` must be \(expected), not `\(found)`", at: span)
        case .invalidValue(let key, let expected, let found):
            Diagnostic("config/invalid-value", "`\(key)` must be \(expected), not `\(found)`", at: span)
        case .invalidDuration(let key, let text):
            Diagnostic(
                "config/invalid-duration", "`\(key)` must be a time, not `\(text)`", at: span,
                hints: ["write it as `250ms`, `10s`, `2m`, `1h` or `30d`; a plain number counts seconds"])
        case .invalidSize(let key, let text):
            Diagnostic(
                "config/invalid-size", "`\(key)` must be a size, not `\(text)`", at: span,
                hints: ["write it as `512KiB`, `10MiB` or `1GiB`; a plain number counts bytes"])
        case .unknownWord(let key, let word, let known):
            Diagnostic(
                "config/unknown-word", "`\(key)` is `\(word)`, which is none of its words", at: span,
                hints: Self.hints(for: word, known, what: "words"))
        case .emptyList(let key):
            Diagnostic("config/empty-list", "`\(key)` must have at least one element", at: span)
        case .renamed(let old, let new):
            Diagnostic(
                "config/renamed", "`\(old)` is read as `\(new)`, its name since config version 2", severity: .note,
                at: span,
                hints: ["rename it to `\(new)`; the file itself is never rewritten"])
        case .renamedTwice(let old, let new):
            Diagnostic(
                "config/renamed-twice", "`\(old)` is the old name of `\(new)`, and both are there", at: span,
                hints: ["remove `\(old)`"])
        }
    }
}

extension ConfigProblem {
    private static func inside(_ place: String) -> String {
        place.isEmpty ? " at the top level" : " in `\(place)`"
    }

    static func hints(for word: String, _ known: [String], what: String) -> [String] {
        if let closest = Suggestion.closest(to: word, among: known) { return ["did you mean `\(closest)`?"] }
        guard !known.isEmpty else { return [] }
        return ["the \(what) here are \(known.map { "`\($0)`" }.joined(separator: ", "))"]
    }

    private static func quotingHints(expected: String, found: String) -> [String] {
        let isPlain = ["the number", "the truth value", "the date"].contains { found.hasPrefix($0) }
        guard expected.hasPrefix("a string"), isPlain, let text = found.split(separator: "`").last else { return [] }
        return ["quote it: \"\(text)\""]
    }
}
