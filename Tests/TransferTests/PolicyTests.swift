// SPDX-License-Identifier: MIT

import SystemIO
import Testing
import Transfer

struct TransferURLTests {
    @Test func `parts are those that libcurl uses`() throws {
        let url = try TransferURL("https://user:pw@Example.COM/a/b?q=secret#f")
        #expect(url.scheme == "https")
        #expect(url.host == "example.com")
        #expect(url.port == 443)
        #expect(url.redacted == "https://Example.COM/a/b")
    }

    @Test(arguments: ["", "nonsense", "http://", "ht!tp://x/", "http://h:99999/"])
    func `what is no URL is refused`(text: String) {
        #expect(throws: TransferError.self) { try TransferURL(text) }
    }

    @Test(arguments: ["ftp://h/", "file:///etc/passwd", "gopher://h/"])
    func `other schemes are refused`(text: String) {
        #expect(throws: TransferError.unsupportedScheme(url: text)) { try TransferURL(text) }
    }

    @Test(arguments: [
        ("http://localhost/", true), ("http://127.1.2.3:8/", true), ("http://[::1]:8/", true),
        ("http://0.0.0.0:8/", true), ("http://[::]/", true), ("http://[::ffff:127.0.0.1]:8/", true),
        ("http://[::ffff:10.0.0.1]/", false), ("http://[::2]/", false), ("http://a.localhost/", true),
        ("http://127.evil.com/", false), ("http://10.0.0.1/", false), ("http://localhost.evil.com/", false),
    ])
    func `loopback is an address and not a prefix`(text: String, isLoopback: Bool) throws {
        #expect(try TransferURL(text).isLoopback == isLoopback)
    }

    @Test func `an origin is scheme, host and port`() throws {
        let base = try TransferURL("https://h/a")
        #expect(base.hasSameOrigin(as: try TransferURL("https://H:443/b")))
        #expect(!base.hasSameOrigin(as: try TransferURL("http://h/a")))
        #expect(!base.hasSameOrigin(as: try TransferURL("https://h:444/a")))
        #expect(!base.hasSameOrigin(as: try TransferURL("https://x.h/a")))
    }
}

struct RedirectPolicyTests {
    @Test func `relative and absolute targets are followed up to the limit`() throws {
        var policy = RedirectPolicy(limit: 2)
        var url = try policy.next(from: try TransferURL("https://a/x/y"), location: "../z?q=1")
        #expect(url.text == "https://a/z?q=1")
        url = try policy.next(from: url, location: "https://b/")
        let last = policy
        #expect(throws: TransferError.tooManyRedirects(url: "https://b/", limit: 2)) {
            var policy = last
            _ = try policy.next(from: url, location: "/")
        }
    }

    @Test func `encryption is not given up on the way, except to this machine`() throws {
        var policy = RedirectPolicy()
        let secure = try TransferURL("https://a/")
        #expect(throws: TransferError.insecureRedirect(from: "https://a/", to: "http://b/")) {
            var policy = RedirectPolicy()
            _ = try policy.next(from: secure, location: "http://b/?token=x")
        }
        let local = try policy.next(from: secure, location: "http://127.0.0.1:8/")
        #expect(local.port == 8)
        let better = try policy.next(from: try TransferURL("http://a/"), location: "https://b/")
        #expect(better.scheme == "https")
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://b/"])
    func `a redirect to another scheme is refused`(location: String) throws {
        #expect(throws: TransferError.unsupportedScheme(url: location)) {
            var policy = RedirectPolicy()
            _ = try policy.next(from: try TransferURL("https://a/"), location: location)
        }
    }

    @Test func `a redirect to nowhere is refused`() throws {
        #expect(throws: TransferError.badRedirect(url: "https://a/")) {
            var policy = RedirectPolicy()
            _ = try policy.next(from: try TransferURL("https://a/"), location: nil)
        }
    }
}

struct RetryPolicyTests {
    private let policy = RetryPolicy(attempts: 4, firstDelay: .seconds(1), longestDelay: .seconds(3))
    private let reset = TransferError.noConnection(url: "u", .reset, detail: "")

    @Test func `delays double up to the limit and are spread over their upper half`() {
        #expect(policy.decision(after: reset, failures: 1, random: 0) == .retry(after: .milliseconds(500)))
        #expect(policy.decision(after: reset, failures: 2, random: 0.5) == .retry(after: .milliseconds(1500)))
        #expect(policy.decision(after: reset, failures: 3, random: 0) == .retry(after: .milliseconds(1500)))
        #expect(policy.decision(after: reset, failures: 4, random: 0) == .giveUp)
    }

    @Test func `the server's own wish counts, unless it is too long`() {
        func decision(_ seconds: Int) -> RetryPolicy.Decision {
            policy.decision(
                after: .rateLimited(url: "u", code: 429, resetsIn: .seconds(seconds)), failures: 1, random: 0)
        }
        #expect(decision(7) == .retry(after: .seconds(7)))
        #expect(decision(3600) == .giveUp)
    }

    @Test func `a name that is not there is tried less often`() {
        let unknown = TransferError.noConnection(url: "u", .dns, detail: "")
        #expect(policy.decision(after: unknown, failures: 3, random: 0) == .giveUp)
    }

    @Test(arguments: [
        TransferError.notFound(url: "u"), .status(url: "u", code: 401, retryAfter: nil), .changed(url: "u"),
        .noConnection(url: "u", .tls, detail: ""), .tooLarge(url: "u", limitBytes: 1),
        .insecureRedirect(from: "", to: ""),
    ])
    func `what will not get better is not repeated`(error: TransferError) {
        #expect(policy.decision(after: error, failures: 1, random: 0) == .giveUp)
    }
}

struct StallDetectorTests {
    @Test func `a trickle is a stall, a flow is not, and the receiver's own time does not count`() {
        var detector = StallDetector(window: .seconds(2))
        var verdicts: [Bool] = []
        verdicts.append(detector.isStalled(waiting: .seconds(1), newBytes: 10))
        #expect(detector.remaining == .seconds(1))
        verdicts.append(detector.isStalled(waiting: .milliseconds(900), newBytes: StallDetector.minimumBytes))
        #expect(detector.remaining == .seconds(2))
        verdicts.append(detector.isStalled(waiting: .seconds(1), newBytes: 1))
        verdicts.append(detector.isStalled(waiting: .seconds(1), newBytes: 1))
        #expect(verdicts == [false, false, false, true])
    }
}

struct ResponseHeadTests {
    private let now = Timestamp(nanoseconds: 784_111_777 * 1_000_000_000)

    private func head(_ status: Int, _ fields: [String: String]) -> ResponseHead {
        ResponseHead(status: status, fields: fields.map { .init(name: $0.key, value: $0.value) })
    }

    @Test func `dates are read`() {
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(HTTPDate.parse("Thu, 29 Feb 2024 00:00:00 GMT") == 1_709_164_800)
        #expect(HTTPDate.parse("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        for text in ["", "yesterday", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT"] {
            #expect(HTTPDate.parse(text) == nil)
        }
    }

    @Test func `a rate limit is told from a refusal`() {
        let limited = head(403, ["x-ratelimit-remaining": "0", "x-ratelimit-reset": "784111837"])
        #expect(limited.failure(url: "u", now: now) == .rateLimited(url: "u", code: 403, resetsIn: .seconds(60)))
        #expect(head(403, [:]).failure(url: "u", now: now) == .status(url: "u", code: 403, retryAfter: nil))
        let asked = head(429, ["retry-after": "Sun, 06 Nov 1994 08:50:07 GMT"])
        #expect(asked.failure(url: "u", now: now) == .rateLimited(url: "u", code: 429, resetsIn: .seconds(30)))
        #expect(head(204, [:]).failure(url: "u", now: now) == nil)
    }

    @Test func `parts are read, and nonsense is not`() {
        let range = head(206, ["content-range": "bytes 5-9/10"]).contentRange
        #expect(range?.first == 5 && range?.last == 9 && range?.total == 10)
        #expect(head(206, ["content-range": "bytes 5-9/*"]).contentRange?.total == nil)
        for text in ["bytes 9-5/10", "bytes */10", "items 1-2/3", "bytes -5-9/10"] {
            #expect(head(206, ["content-range": text]).contentRange == nil)
        }
    }

    @Test func `only strong tags and dates name bytes`() {
        #expect(head(200, ["etag": "\"a\"", "last-modified": "d"]).validator == "\"a\"")
        #expect(head(200, ["etag": "W/\"a\"", "last-modified": "d"]).validator == "d")
        #expect(head(200, ["etag": "W/\"a\""]).validator == nil)
    }
}
