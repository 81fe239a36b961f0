// SPDX-License-Identifier: MIT

/// How hard a prompt is, by whole words and the shape of all its messages: the default for virtual models.
///
/// The weights were fitted on the tuning part of the labelled prompts in the tests and rounded; docs/routing.md has the
/// accuracy on both parts, beside that of ``ComplexityScore``.
public struct PromptDifficulty: Hashable, Sendable {
    /// Different words of work in the last user message, at most 3.
    public var workWords = 0
    /// Different words that describe work, at most 6.
    public var detailWords = 0
    /// Different words of short questions, at most 3.
    public var lookupWords = 0
    /// Words, at most 40.
    public var length = 0
    /// Commas, colons and semicolons, at most 6.
    public var clauses = 0
    /// The last user message has a code fence.
    public var hasCode = false
    /// Some message calls a tool or carries its result.
    public var usesTools = false
    /// Images and files, at most 2.
    public var attachments = 0
    /// From the hardest earlier user message, when the last one is a short follow-up that is no question of its own.
    public var followUp = 0

    /// 50 is where simple and complex prompts part.
    public var total: Int {
        -67 + 70 * (workWords + detailWords) - 45 * lookupWords + 46 * length / 10 + 9 * clauses + (hasCode ? 40 : 0)
            + (usesTools ? 60 : 0) + 20 * attachments + followUp
    }

    public init(_ prompt: Prompt) {
        usesTools = prompt.messages.contains { $0.usesTools }
        attachments = min(prompt.messages.reduce(0) { $0 + max(0, $1.attachments) }, 2)
        let last = prompt.messages.lastIndex { $0.role == .user } ?? prompt.messages.indices.last
        guard let last else { return }
        read(prompt.messages[last].text)
        guard lookupWords == 0, length <= Self.shortFollowUp else { return }
        // A bound on what a long conversation may cost; what was said long ago matters little.
        let earlier = prompt.messages[..<last].suffix(Self.messagesRead).filter { $0.role == .user }
        followUp = earlier.map { PromptDifficulty(text: $0.text).weightForFollowUp }.max() ?? 0
    }

    private init(text: String) {
        read(text)
    }

    private static let shortFollowUp = 25
    private static let messagesRead = 8

    private mutating func read(_ text: String) {
        let scan = PromptText.scan(text, with: Self.matcher)
        workWords = min(scan.words.count(in: Self.workMask), 3)
        detailWords = min(scan.words.count(in: Self.detailMask), 6)
        lookupWords = min(scan.words.count(in: Self.lookupMask), 3)
        length = min(scan.wordCount, 40)
        clauses = min(scan.clauseMarks, 6)
        hasCode = text.utf8.contains(UInt8(ascii: "`")) && text.contains("```")
    }

    private var weightForFollowUp: Int {
        max(0, 39 * workWords + 16 * detailWords + 12 * length / 10 + (hasCode ? 58 : 0) - 20 * lookupWords)
    }

    private static let workMask = WordSet.places(0..<workWords.count)
    private static let detailMask = WordSet.places(workWords.count..<(workWords.count + detailWords.count))
    private static let lookupMask = WordSet.places(
        (workWords.count + detailWords.count)..<(workWords.count + detailWords.count + lookupWords.count))
    private static let matcher = PatternMatcher(words: workWords + detailWords + lookupWords)
}
