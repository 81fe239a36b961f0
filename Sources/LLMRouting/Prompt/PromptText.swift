// SPDX-License-Identifier: MIT

/// Lower-cased scanning of texts without lower-cased copies.
enum PromptText {
    /// The set of words of a matcher that occur in a text, whatever their case.
    static func scan(_ text: String, with matcher: PatternMatcher, state: inout UInt16) -> UInt64 {
        var text = text
        var current = state
        let found = text.withUTF8 { bytes in
            matcher.symbols.withUnsafeBufferPointer { symbols in
                matcher.transitions.withUnsafeBufferPointer { transitions in
                    matcher.hits.withUnsafeBufferPointer { hits in
                        var found: UInt64 = 0
                        let width = matcher.symbolCount
                        forEachFoldedByte(of: bytes) { byte in
                            current = transitions[Int(current) * width + Int(symbols[Int(byte)])]
                            found |= hits[Int(current)]
                        }
                        return found
                    }
                }
            }
        }
        state = current
        return found
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
}
