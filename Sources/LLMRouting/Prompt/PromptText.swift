// SPDX-License-Identifier: MIT

/// What one pass over a text finds.
struct TextScan {
    var words = WordSet.empty
    /// `.`, `?` and `!`.
    var sentenceEnds = 0
    /// `,`, `;` and `:`.
    var clauseMarks = 0
    /// Of the lower-cased text.
    var codePoints = 0
    /// Runs of letters and digits; two ideographs count as one.
    var wordCount = 0
}

/// Lower-cased scanning of texts without lower-cased copies.
enum PromptText {
    static func scan(_ text: String, with matcher: PatternMatcher) -> TextScan {
        var text = text
        return text.withUTF8 { scan($0, with: matcher) }
    }

    static func scan(_ bytes: UnsafeBufferPointer<UInt8>, with matcher: PatternMatcher) -> TextScan {
        matcher.symbols.withUnsafeBufferPointer { symbols in
            matcher.transitions.withUnsafeBufferPointer { transitions in
                matcher.accepts.withUnsafeBufferPointer { accepts in
                    matcher.hits.withUnsafeBufferPointer { hits in
                        kinds.withUnsafeBufferPointer { kinds in
                            var pass = Pass(
                                symbols: symbols, transitions: transitions, accepts: accepts, hits: hits, kinds: kinds,
                                width: matcher.symbolCount, separator: matcher.separatorSymbol.map { Int($0) } ?? -1)
                            pass.take(bytes)
                            return pass.scan
                        }
                    }
                }
            }
        }
    }

    /// What each byte counts as: bit 0 in a word, 1 ends a sentence, 2 parts clauses, 3 begins a code point, 4 begins
    /// an ideograph or kana.
    private static let kinds: [UInt8] = (0...255).map { value in
        let byte = UInt8(value)
        var kind: UInt8 = byte & 0xc0 == 0x80 ? 0 : 8
        if PatternMatcher.isWordByte(byte) || byte == UInt8(ascii: "'") { kind |= 1 }
        if ".?!".utf8.contains(byte) { kind |= 2 }
        if ",;:".utf8.contains(byte) { kind |= 4 }
        if byte >= 0xe3 { kind |= 16 }
        return kind
    }

    private struct Pass {
        let symbols: UnsafeBufferPointer<UInt8>
        let transitions: UnsafeBufferPointer<UInt16>
        let accepts: UnsafeBufferPointer<UInt16>
        let hits: UnsafeBufferPointer<WordSet>
        let kinds: UnsafeBufferPointer<UInt8>
        let width: Int
        let separator: Int
        var scan = TextScan()
        var ideographs = 0
        var state = 0
        var lastSymbol = -1
        var wasInWord = 0

        /// Bytes of the lower-cased text as far as the words of our lists can tell: ASCII letters, the Kelvin sign
        /// (a `k` in lower case) and the dotted capital I (an `i` and a combining dot).
        mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) {
            // Both ends of a text are ends of a word.
            if separator >= 0 { match(PatternMatcher.separator) }
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if byte == 0xe2, index + 1 < bytes.count, bytes[index] == 0x84, bytes[index + 1] == 0xaa {
                    take(UInt8(ascii: "k"))
                    index += 2
                } else if byte == 0xc4, index < bytes.count, bytes[index] == 0xb0 {
                    for folded in [UInt8(ascii: "i"), 0xcc, 0x87] { take(folded) }
                    index += 1
                } else {
                    take(byte)
                }
            }
            if separator >= 0 { match(PatternMatcher.separator) }
            scan.wordCount += ideographs / 2
        }

        @inline(__always)
        private mutating func take(_ byte: UInt8) {
            match(byte)
            let kind = Int(kinds[Int(byte)])
            let isInWord = kind & 1
            scan.wordCount &+= isInWord & ~wasInWord
            wasInWord = isInWord
            scan.sentenceEnds &+= kind >> 1 & 1
            scan.clauseMarks &+= kind >> 2 & 1
            scan.codePoints &+= kind >> 3 & 1
            ideographs &+= kind >> 4 & 1
        }

        @inline(__always)
        private mutating func match(_ byte: UInt8) {
            let symbol = Int(symbols[Int(byte)])
            if symbol == separator, symbol == lastSymbol { return }
            lastSymbol = symbol
            state = Int(transitions[state &* width &+ symbol])
            let accepted = accepts[state]
            if accepted != 0 { scan.words |= hits[Int(accepted)] }
        }
    }
}
