// SPDX-License-Identifier: MIT

/// How hard a prompt looks, by the rule of `mode: vibe`.
///
/// The rule reads the last message only, whatever its role, and searches its words anywhere in the text: `hi` is found
/// in "this". Its users tuned their thresholds to that, so it is kept to the letter.
public struct ComplexityScore: Hashable, Sendable {
    /// +1 for each code point of the trimmed text, at most 200.
    public var length = 0
    /// -100 for each different simple word.
    public var simpleWords = 0
    /// +150 for each different complex word.
    public var complexWords = 0
    /// The text has a code fence, `def ` or `function `: +100.
    public var hasCode = false
    /// More than two of `.`, `?`, `!`: +50.
    public var hasSentences = false
    /// More than five messages: +30.
    public var hasHistory = false

    /// The sum, which may be negative.
    public var total: Int {
        length - 100 * simpleWords + 150 * complexWords + (hasCode ? 100 : 0) + (hasSentences ? 50 : 0)
            + (hasHistory ? 30 : 0)
    }

    private init() {}

    /// Scores the last message of a prompt; an empty prompt scores 0.
    public init(_ prompt: Prompt) {
        guard let last = prompt.messages.last else {
            self.init()
            return
        }
        self.init(text: last.printedContent ?? last.text, messageCount: prompt.messages.count)
    }

    public init(text: String, messageCount: Int) {
        var text = text
        let scan = text.withUTF8 { bytes in
            let scan = PromptText.scan(bytes, with: Self.matcher)
            length = min(Self.trimmedLength(bytes, codePoints: scan.codePoints), 200)
            return scan
        }
        simpleWords = scan.words.count(in: Self.simpleMask)
        complexWords = scan.words.count(in: Self.complexMask)
        hasCode = scan.words.count(in: Self.codeMask) > 0
        hasSentences = scan.sentenceEnds > 2
        hasHistory = messageCount > 5
    }

    static let simpleList = [
        "ls", "cat", "pwd", "cd", "grep", "find", "echo", "cp", "mv", "rm", "hi", "hello", "hey", "你好", "nihao",
        "test", "ping", "status", "help",
    ]
    static let complexList = [
        "implement", "algorithm", "architecture", "analyze", "design", "refactor", "optimize", "debug", "philosophical",
        "comprehensive", "concurrent", "distributed", "recursive",
    ]
    static let codeList = ["```", "def ", "function "]
    private static let simpleMask = WordSet.places(0..<simpleList.count)
    private static let complexMask = WordSet.places(simpleList.count..<(simpleList.count + complexList.count))
    private static let codeMask = WordSet.places(
        (simpleList.count + complexList.count)..<(simpleList.count + complexList.count + codeList.count))
    private static let matcher = PatternMatcher(substrings: simpleList + complexList + codeList)

    /// Code points of a text without what Python calls white space at its ends.
    private static func trimmedLength(_ bytes: UnsafeBufferPointer<UInt8>, codePoints: Int) -> Int {
        let leading = spaces(in: bytes, fromEnd: false)
        return leading == codePoints ? 0 : codePoints - leading - spaces(in: bytes, fromEnd: true)
    }

    /// White-space code points at one end.
    private static func spaces(in bytes: UnsafeBufferPointer<UInt8>, fromEnd: Bool) -> Int {
        var count = 0
        var start = 0
        var end = bytes.count
        while start < end {
            let length: Int
            if fromEnd {
                var first = end - 1
                while first > start, bytes[first] & 0xc0 == 0x80 { first -= 1 }
                length = end - first
                guard isSpace(bytes, first, length) else { break }
                end = first
            } else {
                var next = start + 1
                while next < end, bytes[next] & 0xc0 == 0x80 { next += 1 }
                length = next - start
                guard isSpace(bytes, start, length) else { break }
                start = next
            }
            count += 1
        }
        return count
    }

    /// Python's `str.isspace`: wider than Unicode's white space by the four ASCII separators.
    private static func isSpace(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int, _ length: Int) -> Bool {
        switch length {
        case 1: return (0x09...0x0d).contains(bytes[index]) || (0x1c...0x20).contains(bytes[index])
        case 2: return bytes[index] == 0xc2 && (bytes[index + 1] == 0x85 || bytes[index + 1] == 0xa0)
        case 3:
            switch (bytes[index], bytes[index + 1], bytes[index + 2]) {
            case (0xe1, 0x9a, 0x80), (0xe2, 0x80, 0x80...0x8a), (0xe2, 0x80, 0xa8), (0xe2, 0x80, 0xa9),
                (0xe2, 0x80, 0xaf), (0xe2, 0x81, 0x9f), (0xe3, 0x80, 0x80):
                return true
            default: return false
            }
        default: return false
        }
    }
}
