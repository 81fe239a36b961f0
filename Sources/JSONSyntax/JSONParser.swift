// SPDX-License-Identifier: MIT

package import Diagnostics

/// What is wrong with a JSON text and at which byte.
package struct JSONError: Error, Equatable, Sendable {
    package enum Problem: Equatable, Sendable {
        case unexpectedEnd
        case unexpectedByte
        case invalidEscape
        case invalidUTF8
        case invalidNumber
        case controlCharacter
        case tooDeep(limit: Int)
        case tooManyValues(limit: Int)
        case trailingContent
    }

    package let problem: Problem
    package let byteOffset: Int
}

extension JSONError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        Diagnostic("json/invalid", "invalid JSON at byte \(byteOffset): \(words)")
    }

    private var words: String {
        switch problem {
        case .unexpectedEnd: "the text ends too early"
        case .unexpectedByte: "unexpected character"
        case .invalidEscape: "invalid escape sequence"
        case .invalidUTF8: "not valid UTF-8"
        case .invalidNumber: "invalid number"
        case .controlCharacter: "unescaped control character in a string"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .tooManyValues(let limit): "more than \(limit) values"
        case .trailingContent: "more text after the value"
        }
    }
}

/// A strict RFC 8259 parser with a depth limit. Of members with the same name the last one counts.
package struct JSONParser {
    /// Deeper texts are refused, since they can only be an attack on the stack.
    package static let depthLimit = 128

    private let bytes: [UInt8]
    private let valueLimit: Int
    private var index = 0
    private var values = 0

    private init(_ bytes: [UInt8], valueLimit: Int) {
        self.bytes = bytes
        self.valueLimit = valueLimit
    }

    /// Parses one value with nothing but white space around it.
    ///
    /// - Parameter valueLimit: how many values there may be in all, for texts of strangers: each costs time and memory.
    package static func parse(_ bytes: [UInt8], valueLimit: Int = .max) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes, valueLimit: valueLimit)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.error(.trailingContent) }
        return value
    }

    /// Parses the UTF-8 of `text`.
    package static func parse(_ text: String) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8))
    }

    private func error(_ problem: JSONError.Problem) -> JSONError {
        JSONError(problem: problem, byteOffset: index)
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.depthLimit else { throw error(.tooDeep(limit: Self.depthLimit)) }
        guard index < bytes.count else { throw error(.unexpectedEnd) }
        values += 1
        guard values <= valueLimit else { throw error(.tooManyValues(limit: valueLimit)) }
        switch bytes[index] {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error(.unexpectedByte)
        }
    }

    private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for byte in word.utf8 {
            guard index < bytes.count else { throw error(.unexpectedEnd) }
            guard bytes[index] == byte else { throw error(.unexpectedByte) }
            index += 1
        }
        return value
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        index += 1
        var elements: [JSONValue] = []
        skipSpace()
        if peek() == UInt8(ascii: "]") {
            index += 1
            return elements
        }
        while true {
            skipSpace()
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if try endsList(with: UInt8(ascii: "]")) { return elements }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        index += 1
        var members: [(name: String, value: JSONValue)] = []
        var names = MemberNames()
        skipSpace()
        if peek() == UInt8(ascii: "}") {
            index += 1
            return JSONObject(members)
        }
        while true {
            skipSpace()
            guard let byte = peek() else { throw error(.unexpectedEnd) }
            guard byte == UInt8(ascii: "\"") else { throw error(.unexpectedByte) }
            let name = try string()
            skipSpace()
            guard let colon = peek() else { throw error(.unexpectedEnd) }
            guard colon == UInt8(ascii: ":") else { throw error(.unexpectedByte) }
            index += 1
            skipSpace()
            let member = try value(depth: depth + 1)
            if let place = names.place(of: name, in: members) {
                members[place].value = member
            } else {
                members.append((name, member))
            }
            skipSpace()
            if try endsList(with: UInt8(ascii: "}")) { return JSONObject(members) }
        }
    }

    /// Consumes the comma (false) or the closing byte (true) after an element.
    private mutating func endsList(with close: UInt8) throws(JSONError) -> Bool {
        guard let byte = peek() else { throw error(.unexpectedEnd) }
        guard byte == close || byte == UInt8(ascii: ",") else { throw error(.unexpectedByte) }
        index += 1
        return byte == close
    }

    private func peek() -> UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        if peek() == UInt8(ascii: "\"") {
            let text = try decoded(bytes[start..<index])
            index += 1
            return text
        }
        var content = Array(bytes[start..<index])
        while true {
            guard let byte = peek() else { throw error(.unexpectedEnd) }
            switch byte {
            case UInt8(ascii: "\""):
                let text = try decoded(content[...])
                index += 1
                return text
            case UInt8(ascii: "\\"): content.append(contentsOf: try escape())
            case 0..<0x20: throw error(.controlCharacter)
            default:
                content.append(byte)
                index += 1
            }
        }
    }

    private func decoded(_ slice: ArraySlice<UInt8>) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw error(.invalidUTF8) }
        return text
    }

    private mutating func escape() throws(JSONError) -> [UInt8] {
        index += 1
        guard let byte = peek() else { throw error(.unexpectedEnd) }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(Character(try unicodeEscape())).utf8)
        default: throw error(.invalidEscape)
        }
    }

    /// The scalar of `\uXXXX`, joined with its second half where it is a surrogate; a lone half becomes U+FFFD.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let first = try hexUnit()
        if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
        guard first < 0xDC00, peek() == UInt8(ascii: "\\"), index + 1 < bytes.count,
            bytes[index + 1] == UInt8(ascii: "u")
        else { return replacement }
        let rewind = index
        index += 2
        let second = try hexUnit()
        guard (0xDC00..<0xE000).contains(second) else {
            index = rewind
            return replacement
        }
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        return Unicode.Scalar(value) ?? replacement
    }

    private mutating func hexUnit() throws(JSONError) -> UInt16 {
        guard index + 4 <= bytes.count else { throw error(.unexpectedEnd) }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue, bytes[index] < 0x80 else {
                throw error(.invalidEscape)
            }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = index
        if peek() == UInt8(ascii: "-") { index += 1 }
        let integerStart = index
        try digits()
        if bytes[integerStart] == UInt8(ascii: "0"), index > integerStart + 1 { throw error(.invalidNumber) }
        var isInteger = true
        if peek() == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            try digits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            isInteger = false
            index += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let number = Int(text) { return .integer(number) }
        guard let number = Double(text) else { throw error(.invalidNumber) }
        return .double(number)
    }

    private mutating func digits() throws(JSONError) {
        let start = index
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        guard index > start else { throw error(.invalidNumber) }
    }
}

/// Finds names that an object has twice. Most objects are small and have none, and need no table to know it.
private struct MemberNames {
    /// Beyond this many members a table is faster, and the only thing that stays fast for a hostile text.
    private static let linearLimit = 32

    /// A bit for each kind of name that was met; kinds are cheap to tell apart and mostly different.
    private var kinds: UInt64 = 0
    private var table: [String: Int] = [:]

    /// Where `name` is in `members`; nil when it is new and about to be added at their end.
    mutating func place(of name: String, in members: [(name: String, value: JSONValue)]) -> Int? {
        if members.count < Self.linearLimit {
            let bit = UInt64(1) << UInt64(Self.kind(of: name))
            defer { kinds |= bit }
            return kinds & bit == 0 ? nil : members.firstIndex { $0.name == name }
        }
        if table.isEmpty {
            for (index, member) in members.enumerated() { table[member.name] = index }
        }
        if let place = table[name] { return place }
        table[name] = members.count
        return nil
    }

    private static func kind(of name: String) -> Int {
        let bytes = name.utf8
        guard let first = bytes.first, let last = bytes.last else { return 0 }
        return (Int(first) &* 7 &+ Int(last) &* 3 &+ bytes.count &* 5) & 63
    }
}
