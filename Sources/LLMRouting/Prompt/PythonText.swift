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

    /// What `str()` gives for the content of the last message in a request's body: from its bytes, since numbers and
    /// halves of characters are printed as they were written. Nil where there is none.
    public static func contentOfLastMessage(in body: [UInt8]) -> String? {
        var cursor = Printer(bytes: body)
        guard let messages = cursor.member("messages") else { return nil }
        cursor.index = messages.lowerBound
        guard let message = cursor.lastElement() else { return nil }
        cursor.index = message.lowerBound
        guard let content = cursor.member("content") else { return nil }
        return printed(body[content])
    }

    fileprivate struct Printer {
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

        mutating func skipSpace() {
            while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func value(atTop: Bool = false) -> Bool {
            skipSpace()
            guard index < bytes.count else { return false }
            switch bytes[index] {
            case UInt8(ascii: "{"): return object()
            case UInt8(ascii: "["): return array()
            case UInt8(ascii: "\""):
                guard let text = string() else { return false }
                output += atTop ? String(decoding: text, as: UTF16.self) : Self.quoted(text)
                return true
            case UInt8(ascii: "n"): return word("null", "None")
            case UInt8(ascii: "t"): return word("true", "True")
            case UInt8(ascii: "f"): return word("false", "False")
            default: return number()
            }
        }

        private mutating func array() -> Bool {
            guard enter("[") else { return false }
            defer { depth -= 1 }
            output += "["
            var isFirst = true
            while !take(UInt8(ascii: "]")) {
                guard isFirst || take(UInt8(ascii: ",")) else { return false }
                if !isFirst { output += ", " }
                isFirst = false
                guard value() else { return false }
            }
            output += "]"
            return true
        }

        /// Of members with the same name the last one counts, in the place of the first.
        private mutating func object() -> Bool {
            guard enter("{") else { return false }
            defer { depth -= 1 }
            // Set aside and not copied: there may be megabytes of it.
            var before = ""
            swap(&before, &output)
            var members: [String] = []
            var places: [[UInt16]: Int] = [:]
            while !take(UInt8(ascii: "}")) {
                guard members.isEmpty || take(UInt8(ascii: ",")) else { return false }
                skipSpace()
                guard let name = string(), take(UInt8(ascii: ":")) else { return false }
                output = Self.quoted(name) + ": "
                guard value() else { return false }
                if let place = places[name] {
                    members[place] = output
                } else {
                    places[name] = members.count
                    members.append(output)
                }
            }
            swap(&before, &output)
            output += "{" + members.joined(separator: ", ") + "}"
            return true
        }

        /// Takes an opening bracket, unless there are too many around it.
        private mutating func enter(_ bracket: Unicode.Scalar) -> Bool {
            guard depth < 256, take(UInt8(ascii: bracket)) else { return false }
            depth += 1
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
            output += isWhole ? (text == "-0" ? "0" : text) : Self.printed(number)
            return true
        }

        /// As Python, which writes exponents from 1e16 on; here they begin a little later.
        private static func printed(_ number: Double) -> String {
            let text = "\(number)"
            guard number.magnitude >= 1e16, number.isFinite, !text.utf8.contains(UInt8(ascii: "e")) else { return text }
            let sign = number < 0 ? "-" : ""
            let digits = text.drop { $0 == "-" }.prefix { $0 != "." }
            var fraction = digits.dropFirst()
            while fraction.last == "0" { fraction.removeLast() }
            return "\(sign)\(digits.prefix(1))\(fraction.isEmpty ? "" : ".")\(fraction)e+\(digits.utf8.count - 1)"
        }

        /// The units of a JSON string, halves of surrogates without their other half included; the cursor is on its opening quote.
        mutating func string() -> [UInt16]? {
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return nil }
            index += 1
            var units: [UInt16] = []
            var start = index
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\""):
                    units.append(contentsOf: String(decoding: bytes[start..<index], as: UTF8.self).utf16)
                    index += 1
                    return units
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

        /// Single quotes, unless the text holds single quotes and no double ones. Python escapes what it does not call
        /// printable: spaces other than the usual one, format characters, private and unassigned ones.
        static func quoted(_ units: [UInt16]) -> String {
            let quote: Unicode.Scalar = units.contains(0x27) && !units.contains(0x22) ? "\"" : "'"
            var printed = String(quote)
            var index = 0
            while index < units.count {
                var value = UInt32(units[index])
                index += 1
                if UTF16.isLeadSurrogate(UInt16(value)), index < units.count, UTF16.isTrailSurrogate(units[index]) {
                    value = 0x10000 + (value - 0xd800) << 10 + (UInt32(units[index]) - 0xdc00)
                    index += 1
                }
                guard let scalar = Unicode.Scalar(value) else {
                    printed += escaped(value)
                    continue
                }
                switch scalar {
                case quote, "\\":
                    printed += "\\"
                    printed.unicodeScalars.append(scalar)
                case " "..<"\u{7f}": printed.unicodeScalars.append(scalar)
                case "\n": printed += "\\n"
                case "\t": printed += "\\t"
                case "\r": printed += "\\r"
                default:
                    if isPrintable(scalar) {
                        printed.unicodeScalars.append(scalar)
                    } else {
                        printed += escaped(value)
                    }
                }
            }
            printed.unicodeScalars.append(quote)
            return printed
        }

        private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
                .spaceSeparator:
                false
            default: true
            }
        }

        private static func escaped(_ value: UInt32) -> String {
            let (letter, width) = value > 0xffff ? ("U", 8) : value > 0xff ? ("u", 4) : ("x", 2)
            let hex = String(value, radix: 16)
            return "\\" + letter + String(repeating: "0", count: width - hex.utf8.count) + hex
        }
    }
}

/// Finding one value among others, without printing any.
extension PythonText.Printer {
    /// Where the value of a member is; the cursor is on the object.
    fileprivate mutating func member(_ wanted: String) -> Range<Int>? {
        var found: Range<Int>?
        guard take(UInt8(ascii: "{")) else { return nil }
        while !take(UInt8(ascii: "}")) {
            skipSpace()
            guard let name = string(), take(UInt8(ascii: ":")), let range = skip() else { return nil }
            if name.elementsEqual(wanted.utf16) { found = range }
            _ = take(UInt8(ascii: ","))
        }
        return found
    }

    /// Where the last element is; the cursor is on the array.
    fileprivate mutating func lastElement() -> Range<Int>? {
        var found: Range<Int>?
        guard take(UInt8(ascii: "[")) else { return nil }
        while !take(UInt8(ascii: "]")) {
            guard let range = skip() else { return nil }
            found = range
            _ = take(UInt8(ascii: ","))
        }
        return found
    }

    /// Goes past one value.
    private mutating func skip() -> Range<Int>? {
        skipSpace()
        let start = index
        var open = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
                if open == 0 { return start < index ? start..<index : nil }
                if bytes[index] != UInt8(ascii: ",") { open -= 1 }
            default: break
            }
            index += 1
        }
        return nil
    }
}
