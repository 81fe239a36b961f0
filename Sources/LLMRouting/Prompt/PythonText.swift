// SPDX-License-Identifier: MIT

/// JSON values as Python prints them: the old complexity score reads message content that is no string this way.
public enum PythonText {
    /// What `str()` gives for a decoded JSON text: the string itself for a string, `None` for null, and a printed form
    /// for arrays and objects. Nil for what is no JSON.
    public static func printed(_ json: some Sequence<UInt8>) -> String? {
        var printer = Printer(bytes: Array(json))
        guard printer.value(atTop: true), printer.isAtEnd else { return nil }
        return printer.output
    }

    private struct Printer {
        let bytes: [UInt8]
        var index = 0
        var output = ""
        var depth = 0

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return index == bytes.count
            }
        }

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        private mutating func skipSpace() {
            while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func value(atTop: Bool = false) -> Bool {
            skipSpace()
            guard index < bytes.count else { return false }
            switch bytes[index] {
            case UInt8(ascii: "{"): return list(UInt8(ascii: "{"), UInt8(ascii: "}"), pairs: true)
            case UInt8(ascii: "["): return list(UInt8(ascii: "["), UInt8(ascii: "]"), pairs: false)
            case UInt8(ascii: "\""):
                guard let text = string() else { return false }
                output += atTop ? text : Self.quoted(text)
                return true
            case UInt8(ascii: "n"): return word("null", "None")
            case UInt8(ascii: "t"): return word("true", "True")
            case UInt8(ascii: "f"): return word("false", "False")
            default: return number()
            }
        }

        private mutating func list(_ open: UInt8, _ close: UInt8, pairs: Bool) -> Bool {
            guard depth < 256, take(open) else { return false }
            depth += 1
            defer { depth -= 1 }
            output.unicodeScalars.append(Unicode.Scalar(open))
            var isFirst = true
            while !take(close) {
                if !isFirst {
                    guard take(UInt8(ascii: ",")) else { return false }
                    output += ", "
                }
                isFirst = false
                if pairs {
                    skipSpace()
                    guard let key = string() else { return false }
                    output += Self.quoted(key)
                    guard take(UInt8(ascii: ":")) else { return false }
                    output += ": "
                }
                guard value() else { return false }
            }
            output.unicodeScalars.append(Unicode.Scalar(close))
            return true
        }

        private mutating func word(_ json: String, _ python: String) -> Bool {
            guard bytes[index...].starts(with: json.utf8) else { return false }
            index += json.utf8.count
            output += python
            return true
        }

        private mutating func number() -> Bool {
            let start = index
            while index < bytes.count, "+-0123456789.eE".utf8.contains(bytes[index]) { index += 1 }
            let text = String(decoding: bytes[start..<index], as: UTF8.self)
            guard let number = Double(text) else { return false }
            let isWhole = !text.utf8.contains { ".eE".utf8.contains($0) }
            output += isWhole ? text : "\(number)"
            return true
        }

        /// The text of a JSON string; the cursor is on its opening quote.
        private mutating func string() -> String? {
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return nil }
            index += 1
            var units: [UInt16] = []
            var start = index
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\""):
                    units.append(contentsOf: String(decoding: bytes[start..<index], as: UTF8.self).utf16)
                    index += 1
                    return String(decoding: units, as: UTF16.self)
                case UInt8(ascii: "\\"):
                    units.append(contentsOf: String(decoding: bytes[start..<index], as: UTF8.self).utf16)
                    guard let unit = escape() else { return nil }
                    units.append(unit)
                    start = index
                default:
                    index += 1
                }
            }
            return nil
        }

        private mutating func escape() -> UInt16? {
            guard index + 1 < bytes.count else { return nil }
            let letter = bytes[index + 1]
            index += 2
            switch letter {
            case UInt8(ascii: "n"): return 0x0a
            case UInt8(ascii: "t"): return 0x09
            case UInt8(ascii: "r"): return 0x0d
            case UInt8(ascii: "b"): return 0x08
            case UInt8(ascii: "f"): return 0x0c
            case UInt8(ascii: "u"):
                guard index + 4 <= bytes.count,
                    let unit = UInt16(String(decoding: bytes[index..<(index + 4)], as: UTF8.self), radix: 16)
                else { return nil }
                index += 4
                return unit
            default: return UInt16(letter)
            }
        }

        /// Single quotes, unless the text holds single quotes and no double ones.
        static func quoted(_ text: String) -> String {
            let quote: Unicode.Scalar = text.contains("'") && !text.contains("\"") ? "\"" : "'"
            var printed = String(quote)
            for scalar in text.unicodeScalars {
                switch scalar {
                case quote, "\\":
                    printed += "\\"
                    printed.unicodeScalars.append(scalar)
                case "\n": printed += "\\n"
                case "\t": printed += "\\t"
                case "\r": printed += "\\r"
                case "\u{00}"..<"\u{20}", "\u{7f}"..."\u{a0}", "\u{ad}":
                    let hex = String(scalar.value, radix: 16)
                    printed += "\\x" + (hex.utf8.count < 2 ? "0" + hex : hex)
                default: printed.unicodeScalars.append(scalar)
                }
            }
            printed.unicodeScalars.append(quote)
            return printed
        }
    }
}
