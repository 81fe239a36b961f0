// SPDX-License-Identifier: MIT

import GatewayConfig
import GatewayHTTP
import Testing

@Suite struct RequestFramingTests {
    private func parse(_ text: String, limits: HeadLimits = HeadLimits()) throws(FramingError) -> RequestHead? {
        var framing = RequestFraming(limits: limits)
        let outcome = Array(text.utf8).withUnsafeBytes { bytes in
            Result { () throws(FramingError) in try framing.next(bytes) }
        }
        return try outcome.get()
    }

    @Test func `reads a request head and where it ends`() throws {
        let text =
            "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nX-Odd: \ta b  \r\n\r\nrest"
        let head = try #require(try parse(text))
        #expect(head.method == .post)
        #expect(head.body == .length(12))
        #expect(head.keepsAlive)
        #expect(head.byteCount == text.utf8.count - 4)
        let bytes = Array(text.utf8)
        #expect(
            String(decoding: bytes[head.target.start..<head.target.end], as: UTF8.self) == "/v1/chat/completions?x=1")
        let odd = try #require(head.fields.last)
        #expect(String(decoding: bytes[odd.value.start..<odd.value.end], as: UTF8.self) == "a b")
    }

    @Test func `a head that arrives byte by byte is read once it is whole`() throws {
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var framing = RequestFraming()
        for count in 1..<text.count {
            let early = try text[..<count].withUnsafeBytes { try framing.next($0) }
            #expect(early == nil)
        }
        let head = try text.withUnsafeBytes { try framing.next($0) }
        #expect(head?.byteCount == text.count)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\nHost: a\n\n", FramingError.bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", .foldedHeader),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .invalidHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", .invalidHeaderName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", .invalidHeaderValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", .invalidHeaderValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\t\r\n\r\n", .invalidHeaderValue),
        ("GET / HTTP/1.1\r\n\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidStartLine),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidStartLine),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .invalidStartLine),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .invalidStartLine),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .invalidStartLine),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", .unsupportedMethod),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", .unsupportedMethod),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .repeatedContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", .invalidContentLength),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            .lengthWithTransferEncoding
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            .lengthWithTransferEncoding
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferEncoding),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .unsupportedTransferEncoding
        ),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", .unsupportedExpectation),
        ("\u{16}\u{3}\u{1}", .invalidStartLine),
    ])
    func `refuses what another reader could understand differently`(text: String, expected: FramingError) {
        #expect(throws: expected) { try parse(text) }
    }

    @Test func `a head over its limit is refused before it ends`() {
        var limits = HeadLimits()
        limits.bytes = 100
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 200)
        #expect(throws: FramingError.headersTooLarge(limit: 100)) { try parse(text, limits: limits) }
        limits.fields = 2
        limits.bytes = 1000
        #expect(throws: FramingError.tooManyHeaders(limit: 2)) {
            try parse("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n", limits: limits)
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
    ])
    func `knows whether the connection stays open`(text: String, stays: Bool) throws {
        #expect(try parse(text)?.keepsAlive == stays)
    }
}
