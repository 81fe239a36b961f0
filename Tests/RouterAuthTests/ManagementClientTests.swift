// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import Synchronization
import Testing

@Suite struct ManagementClientTests {
    /// Answers from a list, and remembers what was sent.
    final class Script: ManagementTransport {
        private let replies: Mutex<[ManagementReply]>
        private let sent = Mutex<[ManagementCall]>([])

        init(_ replies: [ManagementReply]) {
            self.replies = Mutex(replies)
        }

        var calls: [ManagementCall] { sent.withLock { $0 } }

        func send(_ call: ManagementCall) throws(ManagementFailure) -> ManagementReply {
            sent.withLock { $0.append(call) }
            guard let reply = replies.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                throw .unreachable(word: "refused", detail: "the script has ended")
            }
            return reply
        }
    }

    private static func reply(_ status: Int, _ text: String, version: String? = "6.8.16-0-plus") -> ManagementReply {
        ManagementReply(status: status, serverVersion: version, body: Array(text.utf8))
    }

    private func client(_ script: Script, key: String? = "k") -> ManagementClient {
        ManagementClient(base: "http://127.0.0.1:8317/", key: key.map { Secret($0) }, transport: script)
    }

    private func failure(_ status: Int, _ text: String, version: String? = "6.8.16-0-plus") -> ManagementFailure? {
        var client = client(Script([Self.reply(status, text, version: version)]))
        return #expect(throws: ManagementFailure.self) { try client.call(.get, "auth-files?x=1") }
    }

    @Test func `after the first refused key nothing more is sent`() throws {
        let script = Script([Self.reply(401, "{\"error\":\"invalid management key\"}"), Self.reply(200, "{}")])
        var client = client(script)
        for _ in 0..<10 {
            #expect(throws: ManagementFailure.wrongKey) { try client.call(.get, "auth-files") }
        }
        #expect(script.calls.count == 1)
    }

    @Test func `without a key nothing is sent`() throws {
        let script = Script([Self.reply(200, "{}")])
        var client = client(script, key: nil)
        #expect(throws: ManagementFailure.keyMissing) { try client.call(.get, "auth-files") }
        #expect(script.calls.isEmpty)
    }

    @Test func `paths are below the management root unless they say otherwise`() throws {
        let script = Script([Self.reply(200, "{}"), Self.reply(200, "{}"), Self.reply(200, "{}")])
        var client = client(script)
        for path in ["auth-files", "/x/y", "https://example.com/z"] { _ = try client.call(.get, path) }
        #expect(
            script.calls.map(\.url) == [
                "http://127.0.0.1:8317/v0/management/auth-files", "http://127.0.0.1:8317/x/y", "https://example.com/z",
            ])
    }

    @Test func `the key stays with the server that it is for`() throws {
        for (url, isForeign) in [
            ("http://127.0.0.1:9/x", true), ("https://127.0.0.1:8317/x", true), ("http://127.0.0.1:8317/x", false),
            ("/x", false), ("x", false), ("http://", true), ("http://127.0.0.1:8317@elsewhere/x", true),
        ] {
            let script = Script([Self.reply(200, "{}")])
            var client = client(script)
            _ = try client.send(.get, url)
            #expect((script.calls.first?.key == nil) == isForeign, "\(url)")
        }
    }

    @Test func `every refusal has its meaning`() {
        #expect(
            failure(403, "{\"error\":\"IP banned due to too many failed attempts. Try again in 29m59s\"}")?.word
                == "banned")
        #expect(failure(403, "{\"error\":\"remote management disabled\"}")?.word == "forbidden")
        #expect(failure(404, "404 page not found", version: nil) == .managementOff)
        #expect(failure(404, "", version: "7.2") == .unsupported(path: "auth-files", serverVersion: "7.2"))
        #expect(failure(404, "{\"error\":\"file not found\"}") == .refused(status: 404, message: "file not found"))
        #expect(failure(500, "{\"error\":\"a\\u001b[31mb\"}") == .refused(status: 500, message: "a\u{FFFD}[31mb"))
        #expect(failure(200, "<html>") == .notJSON(status: 200))
    }

    @Test(arguments: [
        ManagementFailure.unreachable(word: "refused", detail: "x"), .keyMissing, .wrongKey, .banned(message: "x"),
        .forbidden(message: "x"), .managementOff, .unsupported(path: "x", serverVersion: nil),
        .refused(status: 500, message: ""), .notJSON(status: 200),
    ])
    func `every failure has words and advice`(failure: ManagementFailure) {
        let diagnostic = failure.diagnostic
        #expect(diagnostic.code.hasPrefix("auth/"))
        #expect(diagnostic.message.first?.isLowercase == true)
        if case .refused = failure { return }
        #expect(!diagnostic.hints.isEmpty)
    }
}
