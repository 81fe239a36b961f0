// SPDX-License-Identifier: MIT

/// What a prompt is about, as far as the choice of a specialist goes.
public enum TaskClass: String, Hashable, Sendable, CaseIterable {
    case code, writing, analysis

    /// Words are searched anywhere in the text, also inside other words ("default" is code): the rule is old, known to
    /// its users, and cheap. Code words win over writing words; a text with neither is analysis.
    public init(prompt: String) {
        let found = PromptText.scan(prompt, with: Self.matcher).words
        if found.count(in: Self.codeWords) > 0 {
            self = .code
        } else if found.count(in: Self.writingWords) > 0 {
            self = .writing
        } else {
            self = .analysis
        }
    }

    private static let words = ["def", "class", "import", "exception", "essay", "blog", "email", "summarize"]
    private static let codeWords = WordSet.places(0..<4)
    private static let writingWords = WordSet.places(4..<8)
    private static let matcher = PatternMatcher(substrings: words)
}
