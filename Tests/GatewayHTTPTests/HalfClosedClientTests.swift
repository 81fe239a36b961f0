// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// Clients that close their side behind their request and wait for the answer.
@Suite struct HalfClosedClientTests {
    private static let plain = RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: plainRequest))
    private static let stream = RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: streamRequest))

    /// Sends `requests`, closes this side before the upstream may answer, and reads `count` answers and the end.
    private func answers(
        _ requests: [UInt8], _ count: Int, port: Int, upstream: StandInServer, mayAnswer: Flag
    ) async throws -> [RawAnswer] {
        try await RawClient.onThread {
            let connection = try RawConnection(port: port)
            try connection.send(requests)
            #expect(waits { !upstream.requests.isEmpty })
            connection.shutdownWriting()
            // What the gateway says to find out whether anybody is there.
            #expect(try connection.readUntil("100 Continue\r\n\r\n"))
            mayAnswer.value = true
            let answers = try (0..<count).map { _ in try connection.receive() }
            #expect(connection.isClosedByPeer())
            return answers
        }
    }

    private func patientUpstream(_ mayAnswer: Flag) async throws -> StandInServer {
        try await StandInServer.start { request in
            while !mayAnswer.value { try? await Task.sleep(for: .milliseconds(5)) }
            return request.isStream ? Scripted.events(["still ", "here"]) : Scripted.chat("still here")
        }
    }

    @Test(arguments: [false, true])
    func `the gateway answers them`(isStream: Bool) async throws {
        let mayAnswer = Flag(false)
        let upstream = try await patientUpstream(mayAnswer)
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let answer = try #require(
                try await answers(
                    isStream ? Self.stream : Self.plain, 1, port: gateway.server.port, upstream: upstream,
                    mayAnswer: mayAnswer
                ).first)
            #expect(answer.status == 200)
            #expect(answer.isWhole)
            #expect(isStream ? answer.streamedText == "still here" : answer.text.contains("still here"))
            #expect(isStream || answer.header("connection") == "close")
        }
        await upstream.stop()
    }

    @Test func `all of their requests are answered`() async throws {
        let mayAnswer = Flag(false)
        let upstream = try await patientUpstream(mayAnswer)
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let all = try await answers(
                Self.plain + Self.stream + Self.plain, 3, port: gateway.server.port, upstream: upstream,
                mayAnswer: mayAnswer)
            #expect(all.map(\.status) == [200, 200, 200])
            #expect(all[1].streamedText == "still here")
        }
        await upstream.stop()
    }

    @Test func `half a request and an end is an end`() async throws {
        let upstream = try await StandInServer.start { _ in Scripted.chat("no") }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let port = gateway.server.port
            try await RawClient.onThread {
                for part in [
                    "", "POST /v1/chat", "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
                ] {
                    let connection = try RawConnection(port: port)
                    try connection.send(part)
                    connection.shutdownWriting()
                    #expect(connection.isClosedByPeer())
                }
            }
            #expect(upstream.requests.isEmpty)
        }
        await upstream.stop()
    }

    @Test(arguments: [false, true])
    func `who has left is told from who waits, also in the middle of a stream`(isStream: Bool) async throws {
        let upstream = try await StandInServer.start { request in
            request.isStream ? .events([.init(Scripted.chunk("one")), .init("", after: .seconds(30))]) : .hang
        }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let port = gateway.server.port
            try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                try connection.send(isStream ? Self.stream : Self.plain)
                if isStream { #expect(try connection.readUntil("one")) }
                #expect(waits { !upstream.requests.isEmpty })
            }
            #expect(try await gateway.logLines(1).first?["status"] == 499)
            #expect(waits { upstream.openConnections == 0 }, "the call goes on for nobody")
        }
        await upstream.stop()
    }

    @Test(arguments: [false, true])
    func `a front passes their answer on`(isStream: Bool) async throws {
        let mayAnswer = Flag(false)
        let upstream = try await patientUpstream(mayAnswer)
        try await withFront(of: upstream) { port in
            let answer = try #require(
                try await answers(
                    isStream ? Self.stream : Self.plain, 1, port: port, upstream: upstream, mayAnswer: mayAnswer
                ).first)
            #expect(answer.status == 200)
            #expect(answer.isWhole)
            #expect(answer.text.contains(isStream ? "[DONE]" : "still here"))
        }
        await upstream.stop()
    }

    @Test func `a front ends the call of a client that has left`() async throws {
        let upstream = try await StandInServer.start { _ in .hang }
        try await withFront(of: upstream) { port in
            try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                try connection.send(Self.plain)
                #expect(waits { !upstream.requests.isEmpty })
            }
            #expect(waits { upstream.openConnections == 0 })
        }
        await upstream.stop()
    }

    private func withFront(of upstream: StandInServer, _ body: (Int) async throws -> Void) async throws {
        let scratch = try ScratchFolder()
        try scratch.write("target.json", "{\"port\": \(upstream.port)}")
        let path = scratch.path("target.json")
        let front = try await RawClient.onThread {
            var options = FrontServer.Options(target: path)
            options.port = 0
            return try FrontServer(options)
        }
        try await body(front.port)
        _ = try await RawClient.onThread { front.drain(within: .seconds(5)) }
    }
}
