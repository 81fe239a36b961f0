// SPDX-License-Identifier: MIT

/// Writes nodes as YAML; every scalar keeps its text, style and tag, so what was read comes out with the same type.
///
/// It writes one dialect only, in block style without line folding, which is why it needs no library and is several
/// times faster than one (docs/decisions/0021).
package struct YAMLWriter {
    private var output: [UInt8] = []

    /// The YAML of `root` in block style, UTF-8, with a final line break.
    package static func bytes(of root: YAMLNode) -> [UInt8] {
        var writer = YAMLWriter()
        writer.output.reserveCapacity(4096)
        switch root.content {
        case .scalar(let scalar):
            writer.write(scalar, as: .value, indent: 0)
            writer.append("\n")
        case .sequence(let elements):
            writer.writeRoot(isEmpty: elements.isEmpty, "[]") { $0.write(elements, indent: 0) }
        case .mapping(let entries): writer.writeRoot(isEmpty: entries.isEmpty, "{}") { $0.write(entries, indent: 0) }
        }
        return writer.output
    }

    private mutating func writeRoot(isEmpty: Bool, _ empty: StaticString, _ write: (inout YAMLWriter) -> Void) {
        if isEmpty {
            append(empty)
            append("\n")
        } else {
            write(&self)
        }
    }

    /// Writes the elements; the first line's indentation is there already.
    private mutating func write(_ elements: [YAMLNode], indent: Int) {
        for index in elements.indices {
            if index > 0 { append(spaces: indent) }
            append("- ")
            writeCompact(elements[index], indent: indent)
        }
    }

    /// Writes the entries; the first line's indentation is there already.
    private mutating func write(_ entries: [YAMLNode.Entry], indent: Int) {
        for index in entries.indices {
            if index > 0 { append(spaces: indent) }
            if case .scalar(let key) = entries[index].key.content, canBeSimpleKey(key) {
                write(key, as: .key, indent: indent)
                append(":")
                writeValue(entries[index].value, indent: indent)
            } else {
                append("? ")
                writeCompact(entries[index].key, indent: indent)
                append(spaces: indent)
                append(": ")
                writeCompact(entries[index].value, indent: indent)
            }
        }
    }

    /// Writes what follows `key:`.
    private mutating func writeValue(_ node: YAMLNode, indent: Int) {
        switch node.content {
        case .scalar(let scalar):
            append(" ")
            writeLine(scalar, indent: indent)
        case .sequence(let elements):
            guard !elements.isEmpty else { return append(" []\n") }
            append("\n")
            append(spaces: indent)
            write(elements, indent: indent)
        case .mapping(let entries):
            guard !entries.isEmpty else { return append(" {}\n") }
            append("\n")
            append(spaces: indent + 2)
            write(entries, indent: indent + 2)
        }
    }

    /// Writes what follows `- `, `? ` or `: `, whose first line begins two columns further in.
    private mutating func writeCompact(_ node: YAMLNode, indent: Int) {
        switch node.content {
        case .scalar(let scalar):
            writeLine(scalar, indent: indent)
        case .sequence(let elements):
            guard !elements.isEmpty else { return append("[]\n") }
            write(elements, indent: indent + 2)
        case .mapping(let entries):
            guard !entries.isEmpty else { return append("{}\n") }
            write(entries, indent: indent + 2)
        }
    }
}

// MARK: Scalars

extension YAMLWriter {
    private enum Role {
        case key, value
    }

    /// libyaml and PyYAML look for the `:` of a simple key no further than 1024 characters away.
    private static let simpleKeyLimit = 128

    private func canBeSimpleKey(_ scalar: YAMLScalar) -> Bool {
        scalar.text.utf8.count <= Self.simpleKeyLimit
    }

    /// Writes a value to the end of its line; one that is nothing at all leaves no space before it.
    private mutating func writeLine(_ scalar: YAMLScalar, indent: Int) {
        write(scalar, as: .value, indent: indent)
        if scalar.style == .plain, scalar.text.isEmpty { output.removeLast() }
        append("\n")
    }

    private mutating func write(_ scalar: YAMLScalar, as role: Role, indent: Int) {
        if let tag = scalar.tag { write(tag: tag) }
        var text = scalar.text
        text.withUTF8 { bytes in
            let shape = ScalarShape(bytes)
            switch scalar.style {
            case .plain:
                if bytes.isEmpty {
                    // An empty key would be no key at all; both spellings are null.
                    if role == .key { append("null") }
                } else if shape.isPlain {
                    output.append(contentsOf: bytes)
                } else {
                    write(quoted: bytes, shape)
                }
            case .singleQuoted, .doubleQuoted: write(quoted: bytes, shape, prefersSingle: scalar.style == .singleQuoted)
            case .literal, .folded:
                if role == .value, shape.canBeLiteral {
                    write(literal: bytes, indent: indent + 2)
                } else {
                    write(quoted: bytes, shape)
                }
            }
        }
    }

    private mutating func write(tag: String) {
        let core = "tag:yaml.org,2002:"
        if tag.hasPrefix(core) {
            append("!!")
            output.append(contentsOf: tag.dropFirst(core.count).utf8)
        } else if tag.hasPrefix("!") {
            output.append(contentsOf: tag.utf8)
        } else {
            append("!<")
            output.append(contentsOf: tag.utf8)
            append(">")
        }
        append(" ")
    }

    private mutating func write(
        quoted bytes: UnsafeBufferPointer<UInt8>, _ shape: ScalarShape, prefersSingle: Bool = false
    ) {
        let quote = prefersSingle && !shape.needsEscapes ? UInt8(ascii: "'") : UInt8(ascii: "\"")
        output.append(quote)
        if quote == UInt8(ascii: "'") {
            for byte in bytes {
                output.append(byte)
                if byte == quote { output.append(byte) }
            }
        } else if shape.needsEscapes || shape.hasQuoteOrBackslash {
            for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { write(escaped: scalar) }
        } else {
            output.append(contentsOf: bytes)
        }
        output.append(quote)
    }

    private mutating func write(escaped scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": append("\\\"")
        case "\\": append("\\\\")
        case "\n": append("\\n")
        case "\t": append("\\t")
        case "\r": append("\\r")
        case "\0": append("\\0")
        case " "..."~": output.append(UInt8(ascii: scalar))
        default:
            guard ScalarShape.isPrintable(scalar) else { return write(hexadecimal: scalar.value) }
            output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    private mutating func write(hexadecimal value: UInt32) {
        let (letter, width): (UInt8, Int) =
            value <= 0xFF ? (UInt8(ascii: "x"), 2) : value <= 0xFFFF ? (UInt8(ascii: "u"), 4) : (UInt8(ascii: "U"), 8)
        output.append(UInt8(ascii: "\\"))
        output.append(letter)
        let digits = String(value, radix: 16)
        output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width - digits.utf8.count))
        output.append(contentsOf: digits.utf8)
    }

    /// `|`, with the chomping indicator that keeps exactly the text's own line breaks at the end.
    private mutating func write(literal bytes: UnsafeBufferPointer<UInt8>, indent: Int) {
        let newline = UInt8(ascii: "\n")
        var end = bytes.count
        while end > 0, bytes[end - 1] == newline { end -= 1 }
        let breaks = bytes.count - end
        append(breaks == 0 ? "|-" : breaks == 1 ? "|" : "|+")
        for line in UnsafeBufferPointer(rebasing: bytes[..<end]).split(
            separator: newline, omittingEmptySubsequences: false)
        {
            output.append(newline)
            guard !line.isEmpty else { continue }
            append(spaces: indent)
            output.append(contentsOf: line)
        }
        // The caller ends the last line; with `|+` every break of the text is one of the file.
        for _ in 1..<max(1, breaks) { output.append(newline) }
    }

    private mutating func append(spaces count: Int) {
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: count))
    }

    private mutating func append(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
