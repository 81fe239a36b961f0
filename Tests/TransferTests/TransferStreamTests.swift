// SPDX-License-Identifier: MIT

import Diagnostics
import StandInHTTP
import SystemIO
import TestSupport
import Testing
import Transfer

/// Runs a blocking call beside the threads that the server's tasks need.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try BackgroundThread.start { continuation.resume(with: Result { try body() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

private var settings: TransferSettings {
    var settings = TransferSettings()
    settings.stallTimeout = .seconds(20)
    settings.retry = RetryPolicy(attempts: 3, firstDelay: .milliseconds(1), longestDelay: .milliseconds(2))
    return settings
}

struct TransferStreamTests {
    private func get(
        _ path: String, _ settings: TransferSettings = settings, handler: @escaping StandInServer.Handler
    ) async throws -> TransferResponse {
        let server = try await StandInServer.start(handler: handler)
        let url = try TransferURL(server.baseURL + path)
        return try await blocking { try HTTPExchange(settings: settings).get(TransferRequest(url)) }
    }

    @Test func `a body arrives whole, whatever its framing`() async throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for framing in [StandInResponse.Framing.automatic, .chunked, .untilClose] {
            let response = try await get("/") { _ in StandInResponse(body: .pieces([.init(body)]), framing: framing) }
            #expect(response.body == body)
        }
    }

    @Test func `the server learns who asks, and no surprise headers`() async throws {
        let server = try await StandInServer.start { _ in .text("x") }
        let url = try TransferURL(server.baseURL + "/")
        _ = try await blocking { try HTTPExchange(settings: settings).get(TransferRequest(url)) }
        let request = try #require(server.requests.first)
        #expect(request.header("user-agent") == "llm-router")
        #expect(request.header("authorization") == nil)
    }

    @Test func `a request with a body says what it is`() async throws {
        let server = try await StandInServer.start { request in .bytes(request.body) }
        var request = TransferRequest(try TransferURL(server.baseURL + "/x"))
        request.method = "PUT"
        request.body = Secret(Array(#"{"a":1}"#.utf8))
        let sent = request
        let response = try await blocking { try HTTPExchange(settings: settings).send(sent) }
        #expect(response.body == Array(#"{"a":1}"#.utf8))
        #expect(server.requests.first?.method == "PUT")
        #expect(server.requests.first?.header("content-type") == "application/json")
    }

    @Test func `credentials stay with the host they are for`() async throws {
        let other = try await StandInServer.start { request in .text(request.header("authorization") ?? "none") }
        let target = "http://localhost:\(other.port)/"
        let server = try await StandInServer.start { request in
            request.path == "/away" ? .redirect(to: target) : .text(request.header("authorization") ?? "none")
        }
        let home = try await StandInServer.start { request in
            request.path == "/a" ? .redirect(to: "/b") : .text(request.header("authorization") ?? "none")
        }
        func answer(_ text: String) async throws -> String {
            var request = TransferRequest(try TransferURL(text))
            request.authorization = Secret("Bearer planted")
            let sent = request
            let response = try await blocking { try HTTPExchange(settings: settings).get(sent) }
            return String(decoding: response.body, as: UTF8.self)
        }
        #expect(try await answer(server.baseURL + "/away") == "none")
        #expect(try await answer(home.baseURL + "/a") == "Bearer planted")
    }

    @Test func `a redirect loop ends`() async throws {
        await #expect(throws: TransferError.self) {
            try await get("/loop") { _ in .redirect(to: "/loop") }
        }
    }

    @Test func `more than the limit is refused`() async throws {
        var small = settings
        small.sizeLimitBytes = 1000
        let limited = small
        let server = try await StandInServer.start { _ in .bytes([UInt8](repeating: 1, count: 1001)) }
        let url = try TransferURL(server.baseURL + "/")
        await #expect(throws: TransferError.tooLarge(url: url.text, limitBytes: 1000)) {
            try await blocking { try HTTPExchange(settings: limited).get(TransferRequest(url)) }
        }
    }

    @Test func `endless headers are refused`() async throws {
        let line = "X-Filler: " + String(repeating: "a", count: 8000) + "\r\n"
        await #expect(throws: TransferError.self) {
            try await get("/") { _ in
                var response = StandInResponse(
                    body: .pieces([.init("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100))]))
                response.kind = .raw
                return response
            }
        }
    }

    @Test func `a silent server is a stall`() async throws {
        var hasty = settings
        hasty.stallTimeout = .milliseconds(100)
        hasty.retry.attempts = 1
        let error = await #expect(throws: TransferError.self) {
            try await get("/", hasty) { _ in
                var response = StandInResponse()
                response.kind = .hang
                return response
            }
        }
        #expect(error?.diagnostic.code == "transfer/stalled")
        #expect(error?.word == "timeout")
    }

    @Test func `nobody there is refused, and said so`() async throws {
        let url = try TransferURL("http://127.0.0.1:\(try FreePort.find())/")
        let error = await #expect(throws: TransferError.self) {
            try await blocking { try HTTPExchange(settings: settings).get(TransferRequest(url)) }
        }
        #expect(error?.word == "refused")
        #expect(error?.diagnostic.code == "transfer/refused")
    }

    @Test func `plain text where TLS is expected is a TLS error`() async throws {
        let server = try await StandInServer.start { _ in .text("x") }
        let url = try TransferURL("https://127.0.0.1:\(server.port)/")
        let error = await #expect(throws: TransferError.self) {
            try await blocking { try HTTPExchange(settings: settings).get(TransferRequest(url)) }
        }
        #expect(error?.word == "tls")
    }

    @Test func `a page instead of JSON is said`() async throws {
        let server = try await StandInServer.start { _ in .bytes(Array("\n<html>".utf8), type: "text/html") }
        let url = try TransferURL(server.baseURL + "/")
        await #expect(throws: TransferError.notJSON(url: url.text, contentType: "text/html", isHTML: true)) {
            try await blocking { try HTTPExchange(settings: settings).getJSON(TransferRequest(url)) }
        }
    }

    @Test func `a server that stumbles is asked again, as it wishes`() async throws {
        let pauses = Recorder()
        let flaky = try await StandInServer.start { _ in
            pauses.count == 0 ? StandInResponse.text("busy", status: 503).adding("Retry-After", "3") : .text("fine")
        }
        let url = try TransferURL(flaky.baseURL + "/")
        let response = try await blocking {
            try HTTPExchange(settings: settings, pause: { pauses.add($0) }).get(TransferRequest(url))
        }
        #expect(response.body == Array("fine".utf8))
        #expect(pauses.all == [.seconds(3)])
    }
}
