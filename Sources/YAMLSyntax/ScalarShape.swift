// SPDX-License-Identifier: MIT

/// What one look at a scalar's bytes says about how it may be written.
struct ScalarShape {
    /// May stand without quotes in block style and is read as the same text.
    private(set) var isPlain = true
    /// Has characters that only double quotes can spell.
    private(set) var needsEscapes = false
    private(set) var hasQuoteOrBackslash = false
    /// May be a `|` block without an indentation indicator.
    private(set) var canBeLiteral = true

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let first = bytes.first, let last = bytes.last else {
            isPlain = false
            canBeLiteral = false
            return
        }
        let space = UInt8(ascii: " ")
        let colon = UInt8(ascii: ":")
        if first == space || last == space || last == colon { isPlain = false }
        if Self.isIndicator(first), !Self.mayStart(bytes) { isPlain = false }
        if Self.isDocumentMark(bytes) { isPlain = false }
        // Blank lines at the beginning or spaces there would need to say how far the block is indented.
        if first == space || first == UInt8(ascii: "\n") || first == UInt8(ascii: "\t") { canBeLiteral = false }
        var previous = UInt8(ascii: "x")
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "#"): if previous == space { isPlain = false }
            case space: if previous == colon { isPlain = false }
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): hasQuoteOrBackslash = true
            case UInt8(ascii: "\n"):
                isPlain = false
                needsEscapes = true
                // Spaces at the end of a line survive, but nobody sees them, and a line of spaces confuses readers.
                if previous == space || previous == UInt8(ascii: "\t") { canBeLiteral = false }
            case UInt8(ascii: "\t"):
                isPlain = false
                needsEscapes = true
            case 0..<0x20, 0x7F: refuseAllButEscapes()
            case 0x80...:
                if !Self.isPrintable(bytes, at: index) { refuseAllButEscapes() }
            default: break
            }
            previous = byte
            index += 1
        }
    }

    private mutating func refuseAllButEscapes() {
        isPlain = false
        needsEscapes = true
        canBeLiteral = false
    }

    /// Whether every YAML reader takes the character as it is.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: false
        default: true
        }
    }

    /// The same for the non-ASCII character that begins at `index`; continuation bytes are fine.
    private static func isPrintable(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        let second = index + 1 < bytes.count ? bytes[index + 1] : 0
        let third = index + 2 < bytes.count ? bytes[index + 2] : 0
        switch bytes[index] {
        case 0xC2: return second >= 0xA0
        case 0xE2: return !(second == 0x80 && (third == 0xA8 || third == 0xA9))
        case 0xEF: return !(second == 0xBB && third == 0xBF) && !(second == 0xBF && third >= 0xBE)
        default: return true
        }
    }

    private static func isIndicator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: "&"),
            UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "'"),
            UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"):
            true
        default: false
        }
    }

    /// `-`, `?` and `:` begin a plain scalar when something else than a space follows.
    private static func mayStart(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        switch bytes[0] {
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
            bytes.count > 1 && bytes[1] != UInt8(ascii: " ") && bytes[1] != UInt8(ascii: "\t")
        default: false
        }
    }

    /// `---` and `...` end a document where they begin a line.
    private static func isDocumentMark(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count >= 3, bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: ".") else { return false }
        guard bytes[1] == bytes[0], bytes[2] == bytes[0] else { return false }
        return bytes.count == 3 || bytes[3] == UInt8(ascii: " ")
    }
}
