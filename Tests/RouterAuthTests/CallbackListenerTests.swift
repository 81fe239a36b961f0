// SPDX-License-Identifier: MIT

import RouterAuth
import Synchronization
import SystemIO
import TestSupport
import Testing
import Transfer

@Suite struct CallbackListenerTests {
    /// Sends `path` from another thread and returns what the listener made of it.
    private func receive(_ method: String, _ path: String) throws -> (CallbackParameters?, TransferResponse?) {
        var listener = try CallbackListener.open(port: 0)
        let port = listener.port
        let answer = Mutex<TransferResponse?>(nil)
        let isDone = Mutex(false)
        let box = Box(answer: answer, isDone: isDone)
        try BackgroundThread.start {
            let response = try? Web.send(method, "http://127.0.0.1:\(port)" + path)
            box.answer.withLock { $0 = response }
            box.isDone.withLock { $0 = true }
        }
        var found: CallbackParameters?
        _ = becomesTrue {
            if let parameters = listener.next(within: .milliseconds(20)) { found = parameters }
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

    @Test func `takes a callback and repeats nothing of it`() throws {
        let (parameters, response) = try receive("GET", "/auth/callback?code=planted-code&state=planted-state")
        #expect(parameters == CallbackParameters(code: "planted-code", state: "planted-state", error: nil))
        #expect(response?.head.status == 200)
        #expect(response?.text.contains("planted") == false)
        #expect(response?.head["cache-control"] == "no-store")
    }

    @Test(arguments: [
        ("GET", "/"), ("GET", "/auth/callback"), ("GET", "/auth/callback?code=x"), ("GET", "/favicon.ico"),
        ("DELETE", "/auth/callback?code=c&state=s"),
    ])
    func `everything else is not found`(method: String, path: String) throws {
        let (parameters, response) = try receive(method, path)
        #expect(parameters == nil)
        #expect(response?.head.status == 404)
    }

    @Test func `a port in use is an error`() throws {
        let first = try CallbackListener.open(port: 0)
        #expect(throws: SystemError.self) { _ = try CallbackListener.open(port: first.port) }
    }

    @Test func `a request that grows too long is dropped`() throws {
        let (parameters, response) = try receive(
            "GET", "/auth/callback?state=s&code=" + String(repeating: "x", count: 20_000))
        #expect(parameters == nil)
        #expect(response == nil)
    }
}
