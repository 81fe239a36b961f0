// SPDX-License-Identifier: MIT

/// Writes JSON text; every character outside ASCII is escaped, so a line is safe in any terminal and log.
package struct JSONWriter: Sendable {
    package enum Layout: Sendable {
        /// No white space at all: one line.
        case compact
        /// Two spaces a level, one member a line.
        case indented
    }

    private let layout: Layout
    private var bytes: [UInt8] = []

    private init(_ layout: Layout) {
        self.layout = layout
    }

    /// The JSON text of `value` in UTF-8, without a final line break. Numbers that JSON lacks become null.
    package static func bytes(of value: JSONValue, layout: Layout = .compact) -> [UInt8] {
        var writer = JSONWriter(layout)
        writer.write(value, depth: 0)
        return writer.bytes
    }

    /// The JSON text of `value`, without a final line break.
    package static func text(of value: JSONValue, layout: Layout = .compact) -> String {
        String(decoding: bytes(of: value, layout: layout), as: UTF8.self)
    }

    private mutating func write(_ value: JSONValue, depth: Int) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .integer(let number): append(String(number))
        case .double(let number): append(number.isFinite ? "\(number)" : "null")
        case .string(let text): write(text)
        case .array(let elements):
            writeList(open: "[", close: "]", count: elements.count, depth: depth) { writer, index in
                writer.write(elements[index], depth: depth + 1)
            }
        case .object(let object):
            let members = object.members
            writeList(open: "{", close: "}", count: members.count, depth: depth) { writer, index in
                writer.write(members[index].name)
                writer.append(writer.layout == .compact ? ":" : ": ")
                writer.write(members[index].value, depth: depth + 1)
            }
        }
    }

    private mutating func writeList(
        open: String, close: String, count: Int, depth: Int, element: (inout JSONWriter, Int) -> Void
    ) {
        append(open)
        for index in 0..<count {
            if index > 0 { append(",") }
            breakLine(depth: depth + 1)
            element(&self, index)
        }
        if count > 0 { breakLine(depth: depth) }
        append(close)
    }

    private mutating func breakLine(depth: Int) {
        guard layout == .indented else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 && $0 != 0x22 && $0 != 0x5C }) {
            bytes.append(contentsOf: text.utf8)
        } else {
            writeEscaped(text)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func writeEscaped(_ text: String) {
        for unit in text.utf16 {
            switch unit {
            case 0x22: append("\\\"")
            case 0x5C: append("\\\\")
            case 0x08: append("\\b")
            case 0x0C: append("\\f")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0x20..<0x7F: bytes.append(UInt8(unit))
            default:
                append("\\u")
                for shift in [12, 8, 4, 0] {
                    bytes.append(Self.hexDigits[Int(unit >> UInt16(shift)) & 0xF])
                }
            }
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }
}
