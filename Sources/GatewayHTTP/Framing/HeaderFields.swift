// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Part of a head, as offsets into its bytes.
package struct ByteSpan: Equatable, Sendable {
    package let start: Int
    package let count: Int

    package init(start: Int, end: Int) {
        self.start = start
        self.count = end - start
    }

    package var end: Int { start + count }
}

/// Headers that mean something to the gateway; all others are only copied.
package enum HeaderKind: UInt8, Sendable {
    case other
    case accept, acceptEncoding, authorization, connection, contentEncoding, contentLength, contentType, cookie, date,
        expect, host, hopByHop, requestID, retryAfter, server, setCookie, transferEncoding, userAgent, apiKey, ownPrefix
}

/// One header of a head, in its written order.
package struct HeaderField: Equatable, Sendable {
    package let kind: HeaderKind
    package let name: ByteSpan
    package let value: ByteSpan
}

/// How the end of a message's body is found.
package enum BodyFraming: Equatable, Sendable {
    case empty
    case length(Int)
    case chunked
    /// Only responses: the body ends with the connection.
    case untilClose
}

/// Reads header lines strictly: CR LF only, no folding, token names, no control characters.
struct HeaderBlockReader {
    let bytes: UnsafeRawBufferPointer
    private(set) var index: Int
    private let end: Int

    /// Reads `bytes[start..<end]`, which ends with the CR LF of the last header line (the blank line excluded).
    init(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        self.bytes = bytes
        self.index = start
        self.end = end
    }

    /// Where the head ends (after its blank line), or nil when more bytes are needed. `from` is where the last search stopped.
    static func endOfHead(_ bytes: UnsafeRawBufferPointer, from: Int) throws(FramingError) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var index = max(0, from)
        while index < bytes.count, let found = memchr(base + index, 0x0A, bytes.count - index) {
            let position = base.distance(to: UnsafeRawPointer(found))
            guard position > 0, bytes[position - 1] == 0x0D else { throw .bareLineFeed }
            if position >= 3, bytes[position - 2] == 0x0A { return position + 1 }
            index = position + 1
        }
        return nil
    }

    /// The next header, or nil at the end of the block.
    mutating func next() throws(FramingError) -> HeaderField? {
        guard index < end else { return nil }
        let nameStart = index
        guard bytes[index] != 0x20, bytes[index] != 0x09 else { throw .foldedHeader }
        while index < end, ByteClass.isToken(bytes[index]) { index += 1 }
        guard index > nameStart, index < end, bytes[index] == UInt8(ascii: ":") else { throw .invalidHeaderName }
        let name = ByteSpan(start: nameStart, end: index)
        index += 1
        while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        let valueStart = index
        while index < end, ByteClass.isFieldContent(bytes[index]) { index += 1 }
        guard index + 1 < end, bytes[index] == 0x0D, bytes[index + 1] == 0x0A else { throw .invalidHeaderValue }
        var valueEnd = index
        while valueEnd > valueStart, bytes[valueEnd - 1] == 0x20 { valueEnd -= 1 }
        // Readers disagree about whether a tab at the end belongs to the value.
        guard valueEnd == valueStart || bytes[valueEnd - 1] != 0x09 else { throw .invalidHeaderValue }
        index += 2
        return HeaderField(
            kind: HeaderKind.of(bytes, name), name: name, value: ByteSpan(start: valueStart, end: valueEnd))
    }
}

/// Character classes of RFC 9110.
enum ByteClass {
    // One bit a character: !#$%&'*+-.^_`|~, digits and letters.
    private static let lowTokens: UInt64 = 0x03FF_6CFA_0000_0000
    private static let highTokens: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return lowTokens >> UInt64(byte) & 1 == 1 }
        return byte < 128 && highTokens >> UInt64(byte - 64) & 1 == 1
    }

    @inline(__always)
    static func isFieldContent(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }

    @inline(__always)
    static func isVisible(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10
    }

    static func hexDigit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x37
        case 0x61...0x66: Int(byte) - 0x57
        default: nil
        }
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes of `span` are `word` (lower case), whatever their case.
    func matches(_ span: ByteSpan, _ word: StaticString) -> Bool {
        guard span.count == word.utf8CodeUnitCount else { return false }
        let expected = word.utf8Start
        for offset in 0..<span.count where ByteClass.lowercased(self[span.start + offset]) != expected[offset] {
            return false
        }
        return true
    }

    /// The bytes of `span` as text; only for values that were checked or are compared with text.
    func text(_ span: ByteSpan) -> String {
        String(decoding: self[span.start..<span.end], as: UTF8.self)
    }

    /// A Content-Length value: digits only, no more than 15 of them.
    func contentLength(_ span: ByteSpan) throws(FramingError) -> Int {
        guard span.count > 0, span.count <= 15 else { throw .invalidContentLength }
        var total = 0
        for index in span.start..<span.end {
            guard ByteClass.isDigit(self[index]) else { throw .invalidContentLength }
            total = total * 10 + Int(self[index] - 0x30)
        }
        return total
    }

    /// Whether a comma-separated list has `token` as a member.
    func list(_ span: ByteSpan, contains token: StaticString) -> Bool {
        var start = span.start
        var index = span.start
        while index <= span.end {
            if index == span.end || self[index] == UInt8(ascii: ",") {
                var end = index
                while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
                while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
                if matches(ByteSpan(start: start, end: end), token) { return true }
                start = index + 1
            }
            index += 1
        }
        return false
    }
}

extension HeaderKind {
    /// Finds the meaning of a name by its length first, since nearly all names are told apart by it.
    static func of(_ bytes: UnsafeRawBufferPointer, _ name: ByteSpan) -> HeaderKind {
        switch name.count {
        case 2: return bytes.matches(name, "te") ? .hopByHop : .other
        case 4:
            if bytes.matches(name, "host") { return .host }
            return bytes.matches(name, "date") ? .date : .other
        case 6:
            if bytes.matches(name, "accept") { return .accept }
            if bytes.matches(name, "cookie") { return .cookie }
            if bytes.matches(name, "expect") { return .expect }
            return bytes.matches(name, "server") ? .server : .other
        case 7:
            if bytes.matches(name, "api-key") { return .apiKey }
            return bytes.matches(name, "trailer") || bytes.matches(name, "upgrade") ? .hopByHop : .other
        case 9: return bytes.matches(name, "x-api-key") ? .apiKey : .other
        case 10:
            if bytes.matches(name, "connection") { return .connection }
            if bytes.matches(name, "user-agent") { return .userAgent }
            if bytes.matches(name, "keep-alive") { return .hopByHop }
            if bytes.matches(name, "set-cookie") { return .setCookie }
            return .other
        case 11: return bytes.matches(name, "retry-after") ? .retryAfter : .other
        case 12:
            if bytes.matches(name, "content-type") { return .contentType }
            return bytes.matches(name, "x-request-id") ? .requestID : .other
        default: return ofLong(bytes, name)
        }
    }

    private static func ofLong(_ bytes: UnsafeRawBufferPointer, _ name: ByteSpan) -> HeaderKind {
        switch name.count {
        case 13: if bytes.matches(name, "authorization") { return .authorization }
        case 14:
            if bytes.matches(name, "content-length") { return .contentLength }
            if bytes.matches(name, "http2-settings") { return .hopByHop }
            if bytes.matches(name, "x-goog-api-key") { return .apiKey }
        case 15: if bytes.matches(name, "accept-encoding") { return .acceptEncoding }
        case 16:
            if bytes.matches(name, "content-encoding") { return .contentEncoding }
            if bytes.matches(name, "proxy-connection") { return .hopByHop }
        case 17: if bytes.matches(name, "transfer-encoding") { return .transferEncoding }
        case 18: if bytes.matches(name, "proxy-authenticate") { return .hopByHop }
        case 19: if bytes.matches(name, "proxy-authorization") { return .hopByHop }
        default: break
        }
        if startsWith(bytes, name, "x-llm-router-") || startsWith(bytes, name, "x-litellm-") { return .ownPrefix }
        return .other
    }

    private static func startsWith(_ bytes: UnsafeRawBufferPointer, _ name: ByteSpan, _ prefix: StaticString) -> Bool {
        let length = prefix.utf8CodeUnitCount
        return name.count > length && bytes.matches(ByteSpan(start: name.start, end: name.start + length), prefix)
    }
}
