// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import RouterAuth
import StandInHTTP
import TestSupport
import Testing

/// Servers with calls of their own, as the config's `oauth` section names them.
@Suite struct OtherServerTests {
    private let helper = FetchHelper(
        executable: Program.built(FetchHelper.executableName).path, environment: ["PATH=/usr/bin:/bin"])

    private func answer(ticket: JSONValue, status: JSONValue) async throws -> (LoginAnswer, [StandInRequest]) {
        let server = try await StandInServer.start { request in
            request.path == "/login" ? .json(ticket) : .json(status)
        }
        var request = LoginRequest(provider: "acme", server: server.baseURL, key: nil, authDirectory: nil)
        request.pollMilliseconds = 20
        request.timeoutMilliseconds = 5000
        request.endpoints = .init(ticket: "/login", status: "/status?provider=acme", callback: nil)
        let result = Result { try helper.run(request) }
        await server.stop()
        return (try result.get(), server.requests)
    }

    @Test(arguments: ["auth_url", "url", "login_url"], ["success", "completed", "authorized"])
    func `a clear word of success is believed`(name: String, word: String) async throws {
        let (answer, requests) = try await answer(
            ticket: .object([name: "https://acme.example/x?state=abc"]), status: ["status": .string(word)])
        #expect(answer.status == "success")
        #expect(requests.last?.target == "/status?provider=acme&state=abc")
        #expect(requests.allSatisfy { $0.header("authorization") == nil })
    }

    @Test(arguments: [
        ("denied", "denied"), ("expired", "expired"), ("cancelled", "denied"), ("failed", "failed"),
        ("error", "failed"),
    ])
    func `every other end has its word`(word: String, status: String) async throws {
        let (answer, _) = try await answer(
            ticket: ["url": "https://acme.example/x", "state": "abc"], status: ["state": .string(word)])
        #expect(answer.status == status)
        #expect(answer.problem != nil)
    }

    @Test func `a server that has no URL to offer is refused`() async throws {
        let (answer, _) = try await answer(ticket: ["url": "javascript:x"], status: [:])
        #expect(answer.status == "server-error")
    }
}
