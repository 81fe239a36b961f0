// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Why bytes are not a JSON object that may be passed on.
package enum JSONScanError: Error, Equatable, Sendable {
    case notAnObject
    case malformed(byteOffset: Int)
    case tooDeep(limit: Int)
}

/// The place of one member of a scanned object.
package struct JSONMember: Equatable, Sendable {
    package enum Kind: Sendable {
        case string, number, object, array, literal
    }

    /// The name without its quotes, as it was written.
    package let name: ByteSpan
    /// Whether the name has escapes and must be decoded before it is compared.
    package let nameHasEscapes: Bool
    /// The value; for strings without the quotes.
    package let value: ByteSpan
    package let kind: Kind
}

/// Finds the members of a JSON object without decoding their values; checks nesting, quotes and separators on the way.
///
/// Strings are crossed with memchr, which is what makes it cheap: a prompt of kilobytes is one string.
package struct JSONScanner {
    package static let depthLimit = 128

    private let bytes: UnsafeRawBufferPointer
    private var index: Int
    private let end: Int

    private init(_ bytes: UnsafeRawBufferPointer, _ span: ByteSpan) {
        self.bytes = bytes
        self.index = span.start
        self.end = span.end
    }

    /// Calls `visit` for each member of the object that is the whole of `bytes[span]`.
    package static func members(
        of bytes: UnsafeRawBufferPointer, in span: ByteSpan? = nil, _ visit: (JSONMember) -> Void
    ) throws(JSONScanError) {
        var scanner = JSONScanner(bytes, span ?? ByteSpan(start: 0, end: bytes.count))
        try scanner.object(visit)
    }

    /// Calls `visit` with the place of each element of the array that is the whole of `bytes[span]`.
    package static func elements(
        of bytes: UnsafeRawBufferPointer, in span: ByteSpan, _ visit: (ByteSpan) -> Void
    ) throws(JSONScanError) {
        var scanner = JSONScanner(bytes, span)
        try scanner.array(visit)
    }

    private mutating func object(_ visit: (JSONMember) -> Void) throws(JSONScanError) {
        skipSpace()
        guard index < end, bytes[index] == UInt8(ascii: "{") else { throw .notAnObject }
        index += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return try finish() }
        while true {
            skipSpace()
            guard take(UInt8(ascii: "\"")) else { throw .malformed(byteOffset: index) }
            let (name, hasEscapes) = try stringBody()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw .malformed(byteOffset: index) }
            skipSpace()
            let (value, kind) = try value()
            visit(JSONMember(name: name, nameHasEscapes: hasEscapes, value: value, kind: kind))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw .malformed(byteOffset: index) }
            return try finish()
        }
    }

    private mutating func array(_ visit: (ByteSpan) -> Void) throws(JSONScanError) {
        skipSpace()
        guard take(UInt8(ascii: "[")) else { throw .malformed(byteOffset: index) }
        skipSpace()
        if take(UInt8(ascii: "]")) { return try finish() }
        while true {
            skipSpace()
            let start = index
            _ = try value()
            visit(ByteSpan(start: start, end: index))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw .malformed(byteOffset: index) }
            return try finish()
        }
    }

    private mutating func finish() throws(JSONScanError) {
        skipSpace()
        guard index == end else { throw .malformed(byteOffset: index) }
    }

    @inline(__always)
    private mutating func skipSpace() {
        while index < end {
            let byte = bytes[index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            index += 1
        }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < end, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func value() throws(JSONScanError) -> (ByteSpan, JSONMember.Kind) {
        guard index < end else { throw .malformed(byteOffset: index) }
        let start = index
        switch bytes[index] {
        case UInt8(ascii: "\""):
            index += 1
            return (try stringBody().0, .string)
        case UInt8(ascii: "{"):
            try nested()
            return (ByteSpan(start: start, end: index), .object)
        case UInt8(ascii: "["):
            try nested()
            return (ByteSpan(start: start, end: index), .array)
        case UInt8(ascii: "-"), 0x30...0x39:
            try number()
            return (ByteSpan(start: start, end: index), .number)
        default:
            try literal()
            return (ByteSpan(start: start, end: index), .literal)
        }
    }

    /// Reads to the closing quote; the opening one is behind.
    private mutating func stringBody() throws(JSONScanError) -> (ByteSpan, Bool) {
        let start = index
        guard let base = bytes.baseAddress else { throw .malformed(byteOffset: index) }
        var hasEscapes = false
        while index < end, let found = memchr(base + index, 0x22, end - index) {
            let quote = base.distance(to: UnsafeRawPointer(found))
            var slashes = 0
            while quote - slashes > start, bytes[quote - slashes - 1] == UInt8(ascii: "\\") { slashes += 1 }
            index = quote + 1
            if slashes & 1 == 0 {
                if slashes > 0 || hasEscapes == false {
                    hasEscapes = hasEscapes || memchr(base + start, 0x5C, quote - start) != nil
                }
                return (ByteSpan(start: start, end: quote), hasEscapes)
            }
            hasEscapes = true
        }
        throw .malformed(byteOffset: start)
    }

    /// Crosses an object or array; which bracket is open at each depth is a bit.
    private mutating func nested() throws(JSONScanError) {
        var kinds: (UInt64, UInt64) = (0, 0)
        var depth = 0
        while index < end {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard depth + 1 < Self.depthLimit else { throw .tooDeep(limit: Self.depthLimit) }
                Self.set(&kinds, depth, byte == UInt8(ascii: "{"))
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                guard Self.get(kinds, depth) == (byte == UInt8(ascii: "}")) else {
                    throw .malformed(byteOffset: index - 1)
                }
                if depth == 0 { return }
            default: break
            }
        }
        throw .malformed(byteOffset: index)
    }

    @inline(__always)
    private mutating func skipString() throws(JSONScanError) {
        let start = index
        guard let base = bytes.baseAddress else { throw .malformed(byteOffset: index) }
        while index < end, let found = memchr(base + index, 0x22, end - index) {
            let quote = base.distance(to: UnsafeRawPointer(found))
            var slashes = 0
            while quote - slashes > start, bytes[quote - slashes - 1] == UInt8(ascii: "\\") { slashes += 1 }
            index = quote + 1
            if slashes & 1 == 0 { return }
        }
        throw .malformed(byteOffset: start)
    }

    private static func set(_ kinds: inout (UInt64, UInt64), _ depth: Int, _ isObject: Bool) {
        let bit: UInt64 = 1 << UInt64(depth & 63)
        if depth < 64 {
            kinds.0 = isObject ? kinds.0 | bit : kinds.0 & ~bit
        } else {
            kinds.1 = isObject ? kinds.1 | bit : kinds.1 & ~bit
        }
    }

    private static func get(_ kinds: (UInt64, UInt64), _ depth: Int) -> Bool {
        (depth < 64 ? kinds.0 : kinds.1) >> UInt64(depth & 63) & 1 == 1
    }

    private mutating func number() throws(JSONScanError) {
        let start = index
        while index < end {
            switch bytes[index] {
            case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"),
                UInt8(ascii: "E"):
                index += 1
            default:
                guard index > start else { throw .malformed(byteOffset: index) }
                return
            }
        }
    }

    private mutating func literal() throws(JSONScanError) {
        let word: StaticString =
            switch bytes[index] {
            case UInt8(ascii: "t"): "true"
            case UInt8(ascii: "f"): "false"
            default: "null"
            }
        let span = ByteSpan(start: index, end: min(end, index + word.utf8CodeUnitCount))
        guard bytes.isExactly(span, word) else { throw .malformed(byteOffset: index) }
        index = span.end
    }
}
