// SPDX-License-Identifier: MIT

/// How hard a prompt looks, by the rule of `mode: vibe`.
///
/// The rule reads the last message only, whatever its role, and searches its words anywhere in the text: `hi` is found in
/// "this". Its users tuned their thresholds to that, so it is kept to the letter.
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
        let scan = text.withUTF8 { VibeScan($0) }
        length = min(scan.trimmedLength, 200)
        simpleWords = (scan.words & Self.simpleMask).nonzeroBitCount
        complexWords = (scan.words & Self.complexMask).nonzeroBitCount
        hasCode = scan.words & Self.codeMask != 0
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
    static let simpleMask: UInt64 = (1 << UInt64(simpleList.count)) - 1
    static let complexMask: UInt64 = ((1 << UInt64(complexList.count)) - 1) << UInt64(simpleList.count)
    static let codeMask: UInt64 = 0b111 << UInt64(simpleList.count + complexList.count)
    static let matcher = PatternMatcher(substrings: simpleList + complexList + codeList)
}

/// Everything the score needs from a text, in one pass over its bytes.
private struct VibeScan {
    var words: UInt64 = 0
    var sentenceEnds = 0
    /// Code points after trimming what Python calls white space.
    var trimmedLength = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        let matcher = ComplexityScore.matcher
        let width = matcher.symbolCount
        var state = PatternMatcher.start
        var words: UInt64 = 0
        var sentenceEnds = 0
        var codePoints = 0
        matcher.symbols.withUnsafeBufferPointer { symbols in
            matcher.transitions.withUnsafeBufferPointer { transitions in
                matcher.hits.withUnsafeBufferPointer { hits in
                    PromptText.forEachFoldedByte(of: bytes) { byte in
                        state = transitions[Int(state) * width + Int(symbols[Int(byte)])]
                        words |= hits[Int(state)]
                        if byte & 0xc0 != 0x80 { codePoints += 1 }
                        if byte < 0x40, byte == 0x2e || byte == 0x21 || byte == 0x3f { sentenceEnds += 1 }
                    }
                }
            }
        }
        self.words = words
        self.sentenceEnds = sentenceEnds
        let leading = Self.spaces(in: bytes, fromEnd: false)
        trimmedLength = leading == codePoints ? 0 : codePoints - leading - Self.spaces(in: bytes, fromEnd: true)
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
