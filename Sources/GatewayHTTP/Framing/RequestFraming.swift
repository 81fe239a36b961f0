// SPDX-License-Identifier: MIT

package import GatewayConfig

/// The methods that every server should know; others get 501.
package enum RequestMethod: UInt8, Equatable, Sendable {
    case get, head, post, put, delete, patch, options, query, trace
}

/// The head of a request as offsets into the bytes it was read from.
package struct RequestHead: Equatable, Sendable {
    package let method: RequestMethod
    /// The request target in origin form, query included.
    package let target: ByteSpan
    package let minorVersion: Int
    package let fields: [HeaderField]
    package let body: BodyFraming
    /// Whether the client wants to use the connection again.
    package let keepsAlive: Bool
    package let expectsContinue: Bool
    /// How many bytes the head takes, its blank line included.
    package let byteCount: Int

    /// The first header of this kind.
    package func first(_ kind: HeaderKind) -> HeaderField? {
        fields.first { $0.kind == kind }
    }
}

/// Reads request heads from the start of a buffer; holds only where the search for the end of the head stopped.
package struct RequestFraming: Sendable {
    private let limits: HeadLimits
    private var searched = 0

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
    }

    /// The head at the start of `bytes`, or nil when it is not whole yet. After a head the same value reads the next one.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) throws(FramingError) -> RequestHead? {
        guard let end = try HeaderBlockReader.endOfHead(bytes, from: searched - 3) else {
            // A client that speaks something else is told at once, not when its header bound is reached.
            if let first = bytes.first, !ByteClass.isToken(first) { throw .invalidStartLine }
            guard bytes.count <= limits.bytes else { throw .headersTooLarge(limit: limits.bytes) }
            searched = bytes.count
            return nil
        }
        searched = 0
        guard end <= limits.bytes else { throw .headersTooLarge(limit: limits.bytes) }
        return try Self.parse(bytes, end: end, limits: limits)
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer, end: Int, limits: HeadLimits) throws(FramingError)
        -> RequestHead
    {
        let line = try startLine(bytes, end: end)
        var reader = HeaderBlockReader(bytes, from: line.next, to: end - 2)
        var fields: [HeaderField] = []
        fields.reserveCapacity(16)
        var facts = MessageFacts()
        var hosts = 0
        var expectsContinue = false
        while let field = try reader.next() {
            guard fields.count < limits.fields else { throw .tooManyHeaders(limit: limits.fields) }
            fields.append(field)
            switch field.kind {
            case .host: hosts += 1
            case .expect:
                guard bytes.matches(field.value, "100-continue") else { throw .unsupportedExpectation }
                expectsContinue = true
            default: try facts.note(field, in: bytes)
            }
        }
        guard hosts <= 1 else { throw .repeatedHost }
        guard hosts == 1 || line.minorVersion == 0 else { throw .missingHost }
        // A transfer coding means nothing to HTTP/1.0, so readers differ about where such a request ends.
        guard !facts.isChunked || line.minorVersion == 1 else { throw .unsupportedTransferEncoding }
        let body: BodyFraming =
            facts.isChunked ? .chunked : facts.length.map { $0 == 0 ? .empty : .length($0) } ?? .empty
        return RequestHead(
            method: line.method, target: line.target, minorVersion: line.minorVersion, fields: fields, body: body,
            keepsAlive: facts.keepsAlive(minorVersion: line.minorVersion),
            expectsContinue: expectsContinue && line.minorVersion == 1 && body != .empty, byteCount: end)
    }

    private struct StartLine {
        let method: RequestMethod
        let target: ByteSpan
        let minorVersion: Int
        let next: Int
    }

    private static func startLine(_ bytes: UnsafeRawBufferPointer, end: Int) throws(FramingError) -> StartLine {
        var index = 0
        while index < end, ByteClass.isToken(bytes[index]) { index += 1 }
        guard index > 0, index < end, bytes[index] == 0x20 else { throw .invalidStartLine }
        let method = try method(bytes, ByteSpan(start: 0, end: index))
        let targetStart = index + 1
        index = targetStart
        while index < end, ByteClass.isVisible(bytes[index]) { index += 1 }
        guard index > targetStart, index < end, bytes[index] == 0x20 else { throw .invalidStartLine }
        let target = ByteSpan(start: targetStart, end: index)
        let isAsterisk = method == .options && target.count == 1 && bytes[targetStart] == UInt8(ascii: "*")
        guard bytes[targetStart] == UInt8(ascii: "/") || isAsterisk else { throw .invalidStartLine }
        // A fragment is never sent by a client that follows the rules.
        for place in targetStart..<index where bytes[place] == UInt8(ascii: "#") { throw .invalidStartLine }
        let versionStart = index + 1
        guard versionStart + 10 <= end, bytes[versionStart + 8] == 0x0D, bytes[versionStart + 9] == 0x0A else {
            throw .invalidStartLine
        }
        let minor = try minorVersion(bytes, at: versionStart)
        return StartLine(method: method, target: target, minorVersion: minor, next: versionStart + 10)
    }

    /// The minor version of the `HTTP/1.x` at `start`; the caller knows that 8 bytes are there.
    static func minorVersion(_ bytes: UnsafeRawBufferPointer, at start: Int) throws(FramingError) -> Int {
        let expected: StaticString = "HTTP/"
        for offset in 0..<5 where bytes[start + offset] != expected.utf8Start[offset] { throw .invalidStartLine }
        guard ByteClass.isDigit(bytes[start + 5]), bytes[start + 6] == UInt8(ascii: "."),
            ByteClass.isDigit(bytes[start + 7])
        else { throw .invalidStartLine }
        switch (bytes[start + 5], bytes[start + 7]) {
        case (0x31, 0x30): return 0
        case (0x31, 0x31): return 1
        default: throw .unsupportedVersion
        }
    }

    private static func method(_ bytes: UnsafeRawBufferPointer, _ span: ByteSpan) throws(FramingError) -> RequestMethod
    {
        switch span.count {
        case 3:
            if isExactly(bytes, span, "GET") { return .get }
            if isExactly(bytes, span, "PUT") { return .put }
        case 4:
            if isExactly(bytes, span, "POST") { return .post }
            if isExactly(bytes, span, "HEAD") { return .head }
        case 5:
            if isExactly(bytes, span, "PATCH") { return .patch }
            if isExactly(bytes, span, "QUERY") { return .query }
            if isExactly(bytes, span, "TRACE") { return .trace }
        case 6: if isExactly(bytes, span, "DELETE") { return .delete }
        case 7: if isExactly(bytes, span, "OPTIONS") { return .options }
        default: break
        }
        throw .unsupportedMethod
    }

    private static func isExactly(_ bytes: UnsafeRawBufferPointer, _ span: ByteSpan, _ word: StaticString) -> Bool {
        for offset in 0..<span.count where bytes[span.start + offset] != word.utf8Start[offset] { return false }
        return true
    }
}

/// What the headers of a message say about its framing, collected while they are read.
struct MessageFacts {
    private(set) var length: Int?
    private(set) var isChunked = false
    private var closes = false
    private var persists = false

    mutating func note(_ field: HeaderField, in bytes: UnsafeRawBufferPointer) throws(FramingError) {
        switch field.kind {
        case .contentLength:
            guard length == nil else { throw .repeatedContentLength }
            guard !isChunked else { throw .lengthWithTransferEncoding }
            length = try bytes.contentLength(field.value)
        case .transferEncoding:
            guard length == nil else { throw .lengthWithTransferEncoding }
            guard !isChunked, bytes.matches(field.value, "chunked") else { throw .unsupportedTransferEncoding }
            isChunked = true
        case .connection:
            if bytes.list(field.value, contains: "close") { closes = true }
            if bytes.list(field.value, contains: "keep-alive") { persists = true }
        default: break
        }
    }

    func keepsAlive(minorVersion: Int) -> Bool {
        !closes && (minorVersion == 1 || persists)
    }
}
