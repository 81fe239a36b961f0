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
                    var pass = Pass(
                        symbols: symbols, transitions: transitions, accepts: accepts, width: matcher.symbolCount,
                        separator: matcher.separatorSymbol.map { Int($0) } ?? -1, matcher: matcher)
                    // Both ends of a text are ends of a word.
                    if matcher.separatorSymbol != nil { pass.match(PatternMatcher.separator) }
                    forEachFoldedByte(of: bytes) { pass.take($0) }
                    if matcher.separatorSymbol != nil { pass.match(PatternMatcher.separator) }
                    pass.scan.wordCount += pass.ideographs / 2
                    return pass.scan
                }
            }
        }
    }

    /// Visits the bytes of the lower-cased text as far as the words of our lists can tell: ASCII letters, the Kelvin
    /// sign (a `k` in lower case) and the dotted capital I (an `i` and a combining dot).
    @inline(__always)
    static func forEachFoldedByte(of bytes: UnsafeBufferPointer<UInt8>, _ visit: (UInt8) -> Void) {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte &- UInt8(ascii: "A") < 26 {
                visit(byte | 0x20)
            } else if byte == 0xe2, index + 1 < bytes.count, bytes[index] == 0x84, bytes[index + 1] == 0xaa {
                visit(UInt8(ascii: "k"))
                index += 2
            } else if byte == 0xc4, index < bytes.count, bytes[index] == 0xb0 {
                visit(UInt8(ascii: "i"))
                visit(0xcc)
                visit(0x87)
                index += 1
            } else {
                visit(byte)
            }
        }
    }

    private struct Pass {
        let symbols: UnsafeBufferPointer<UInt8>
        let transitions: UnsafeBufferPointer<UInt16>
        let accepts: UnsafeBufferPointer<UInt16>
        let width: Int
        let separator: Int
        let matcher: PatternMatcher
        var scan = TextScan()
        var ideographs = 0
        private var state = 0
        private var lastSymbol = -1
        private var isInWord = false

        init(
            symbols: UnsafeBufferPointer<UInt8>, transitions: UnsafeBufferPointer<UInt16>,
            accepts: UnsafeBufferPointer<UInt16>, width: Int, separator: Int, matcher: PatternMatcher
        ) {
            self.symbols = symbols
            self.transitions = transitions
            self.accepts = accepts
            self.width = width
            self.separator = separator
            self.matcher = matcher
        }

        @inline(__always)
        mutating func take(_ byte: UInt8) {
            match(byte)
            if byte & 0xc0 != 0x80 {
                scan.codePoints += 1
                // Ideographs and kana have no spaces between words.
                if byte >= 0xe3 { ideographs += 1 }
            }
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                UInt8(ascii: "'"), 0x80...0xff:
                if !isInWord { scan.wordCount += 1 }
                isInWord = true
            case UInt8(ascii: "."), UInt8(ascii: "?"), UInt8(ascii: "!"):
                scan.sentenceEnds += 1
                isInWord = false
            case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"):
                scan.clauseMarks += 1
                isInWord = false
            default:
                isInWord = false
            }
        }

        @inline(__always)
        mutating func match(_ byte: UInt8) {
            let symbol = Int(symbols[Int(byte)])
            if symbol == separator, symbol == lastSymbol { return }
            lastSymbol = symbol
            state = Int(transitions[state * width + symbol])
            let accepted = accepts[state]
            if accepted != 0 { scan.words |= matcher.hits[Int(accepted)] }
        }
    }
}
