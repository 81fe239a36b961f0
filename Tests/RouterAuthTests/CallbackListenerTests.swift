// SPDX-License-Identifier: MIT

import RouterAuth
import StandInHTTP
import Synchronization
import SystemIO
import TestSupport
import Testing
import Transfer

@Suite struct CallbackListenerTests {
    /// Sends `path` from another thread and returns what the listener made of it.
    private func receive(
        _ method: String, _ path: String, fields: [(String, String)] = [], host: String = "127.0.0.1",
        state: String? = nil
    ) throws -> (CallbackListener.Arrival?, TransferResponse?) {
        var listener = try CallbackListener.open(port: 0)
        listener.state = state
        let port = listener.port
        let box = Box(answer: Mutex(nil), isDone: Mutex(false))
        try BackgroundThread.start {
            let response = try? Web.send(method, "http://\(host):\(port)" + path, fields: fields)
            box.answer.withLock { $0 = response }
            box.isDone.withLock { $0 = true }
        }
        var found: CallbackListener.Arrival?
        _ = becomesTrue {
            if let arrival = listener.next(within: .milliseconds(20)) { found = arrival }
            return box.isDone.withLock { $0 }
        }
        return (found, box.answer.withLock { $0 })
    }

    private final class Box: Sendable {
        let answer: Mutex<TransferResponse?>
        let isDone: Mutex<Bool>

        init(answer: consuming Mutex<TransferResponse?>, isDone: consuming Mutex<Bool>) {
            self.answer = answer
            self.isDone = isDone
        }
    }

    @Test(arguments: ["127.0.0.1", "[::1]"])
    func `takes a callback and repeats nothing of it`(host: String) throws {
        let (arrival, response) = try receive(
            "GET", "/auth/callback?code=planted-code&state=planted-state", host: host, state: "planted-state")
        #expect(arrival == .callback(CallbackParameters(code: "planted-code", state: "planted-state", error: nil)))
        #expect(response?.head.status == 200)
        #expect(response?.text.contains("planted") == false)
        #expect(response?.head["cache-control"] == "no-store")
    }

    @Test(arguments: [("GET", "/"), ("GET", "/favicon.ico"), ("DELETE", "/auth/callback?code=c&state=s")])
    func `everything else is not found`(method: String, path: String) throws {
        let (arrival, response) = try receive(method, path)
        #expect(arrival == nil)
        #expect(response?.head.status == 404)
    }

    @Test(arguments: [
        ("?code=c&state=other", CallbackListener.Arrival.otherAttempt), ("?state=s", .incomplete),
        ("?code=a%0d%0aX:1&state=s", .incomplete), ("?code=c", .incomplete), ("", .incomplete),
    ])
    func `what is not this login's callback is refused in words`(
        query: String, expected: CallbackListener.Arrival
    ) throws {
        let (arrival, response) = try receive("GET", "/auth/callback" + query, state: "s")
        #expect(arrival == expected)
        #expect(response?.head.status == 400)
        #expect(response?.text.contains("nothing was done") == true)
    }

    @Test(arguments: [
        ("evil.example", 400), ("evil.example:1455", 400), ("localhost.evil.example", 400), ("localhost:80", 400),
        ("localhost:1455", 200), ("LOCALHOST", 200), ("[::1]:1455", 200), ("127.0.0.1", 200),
    ])
    func `only this machine's own names are answered`(host: String, status: Int) throws {
        let (arrival, response) = try receive("GET", "/auth/callback?code=c&state=s", fields: [("Host", host)])
        #expect(response?.head.status == status)
        #expect((arrival != nil) == (status == 200))
    }

    @Test func `a port in use is an error`() throws {
        let first = try CallbackListener.open(port: 0)
        #expect(throws: SystemError.self) { _ = try CallbackListener.open(port: first.port) }
    }

    @Test func `a port that somebody has on the other loopback address is in use`() async throws {
        let squatter = try await StandInServer.start(host: "::1") { _ in .text("mine") }
        let error = #expect(throws: SystemError.self) { _ = try CallbackListener.open(port: squatter.port) }
        #expect(error?.reason == "Address already in use")
        await squatter.stop()
    }

    @Test func `a browser with many cookies of localhost is answered`() throws {
        let cookies = (0..<20).map { ("Cookie", "c\($0)=" + String(repeating: "x", count: 4000)) }
        let (arrival, response) = try receive("GET", "/auth/callback?code=c&state=s", fields: cookies)
        #expect(arrival == .callback(CallbackParameters(code: "c", state: "s", error: nil)))
        #expect(response?.head.status == 200)
    }

    @Test func `a head without end is answered and dropped`() throws {
        let cookies = (0..<100).map { ("Cookie", "c\($0)=" + String(repeating: "x", count: 4000)) }
        let (arrival, response) = try receive("GET", "/auth/callback?code=c&state=s", fields: cookies)
        #expect(arrival == nil)
        #expect(response?.head.status == 431)
    }

    @Test func `an address that grows too long is no callback`() throws {
        let (arrival, response) = try receive(
            "GET", "/auth/callback?state=s&code=" + String(repeating: "x", count: 20_000))
        #expect(arrival == .incomplete)
        #expect(response?.head.status == 400)
    }
}
