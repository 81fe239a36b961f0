// SPDX-License-Identifier: MIT

import JSONSyntax
import StandInHTTP
import Synchronization
import SystemIO
import TestSupport
import Testing
import Transfer

/// The small server behind the stand-ins, and the ways in which it can fail.
@Suite struct StandInHTTPTests {
    private func serve(
        _ response: StandInResponse, _ body: (StandInServer) throws -> Void
    ) async throws {
        let server = try await StandInServer.start { _ in response }
        let result = Result { try body(server) }
        await server.stop()
        try result.get()
    }

    private func failure(_ server: StandInServer) -> TransferError? {
        #expect(throws: TransferError.self) { try Web.send("GET", server.baseURL + "/") }
    }

    @Test func `requests arrive whole`() async throws {
        let server = try await StandInServer.start { request in
            .json([
                "path": .string(request.path), "q": JSONValue(request.parameter("q")),
                "body": .string(String(decoding: request.body, as: UTF8.self)),
            ])
        }
        let answer = try Web.send(
            "POST", server.baseURL + "/a%20b?q=1%2B1+x&r", fields: [("X-One", "1")], body: "hello")
        #expect(answer.json == ["path": "/a%20b", "q": "1+1 x", "body": "hello"])
        #expect(server.requests.first?.header("x-one") == "1")
        #expect(server.requests.first?.method == "POST")
        await server.stop()
        #expect(throws: TransferError.self) { try Web.send("GET", server.baseURL + "/") }
    }

    @Test func `events come in chunks`() async throws {
        try await serve(.events(["data: 1\n\n", .init("data: 2\n\n", after: .milliseconds(20))])) { server in
            let text = try Web.send("GET", server.baseURL).text
            #expect(text == "data: 1\n\ndata: 2\n\n")
        }
    }

    @Test func `a body can be cut, or shorter than announced`() async throws {
        var cut = StandInResponse.text("0123456789")
        cut.cutAfterBytes = 4
        try await serve(cut) { #expect(failure($0)?.word == "reset") }
        var lie = StandInResponse.text("0123456789")
        lie.framing = .claimedLength(100)
        lie.ending = .close
        try await serve(lie) { #expect(failure($0)?.word == "reset") }
        lie.ending = .reset
        try await serve(lie) { #expect(failure($0) != nil) }
    }

    @Test func `a server may close without a word, or talk nonsense`() async throws {
        try await serve(.disconnect) { #expect(failure($0)?.word == "reset") }
        try await serve(.raw(["SSH-2.0-nonsense\r\n"])) { #expect(failure($0) != nil) }
        try await serve(.raw(["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 2\r\n\r\nok"])) { server in
            let text = try Web.send("GET", server.baseURL).text
            #expect(text == "ok")
        }
    }

    @Test func `a request may hang until the server stops`() async throws {
        let server = try await StandInServer.start { _ in .hang }
        let hasEnded = Mutex(false)
        let box = Flag(hasEnded)
        let url = server.baseURL
        try BackgroundThread.start {
            _ = try? Web.send("GET", url)
            box.value.withLock { $0 = true }
        }
        #expect(becomesTrue { server.requests.count == 1 })
        #expect(!box.value.withLock { $0 })
        await server.stop()
        #expect(becomesTrue { box.value.withLock { $0 } })
        #expect(server.openConnections == 0)
    }

    @Test func `a live body ends with its client`() async throws {
        let (stream, source) = AsyncStream<[UInt8]>.makeStream()
        let wasCancelled = Flag(Mutex(false))
        source.onTermination = { reason in
            if case .cancelled = reason { wasCancelled.value.withLock { $0 = true } }
        }
        let server = try await StandInServer.start { _ in
            StandInResponse(body: .live(stream), framing: .chunked)
        }
        source.yield(Array("first".utf8))
        do {
            let transfer = try TransferStream(
                TransferRequest(try TransferURL(server.baseURL)), settings: TransferSettings())
            #expect(try String(decoding: transfer.read(), as: UTF8.self) == "first")
        }
        #expect(becomesTrue { wasCancelled.value.withLock { $0 } })
        await server.stop()
    }

    private final class Flag: Sendable {
        let value: Mutex<Bool>

        init(_ value: consuming Mutex<Bool>) {
            self.value = value
        }
    }
}
