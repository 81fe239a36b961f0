// SPDX-License-Identifier: MIT

import GatewayConfig
import GatewayHTTP
import JSONSyntax
import StandInHTTP
import TestSupport
import Testing

@Suite struct BoundTests {
    private func withBounds(
        _ limits: JSONValue, _ config: String = mockConfig, _ body: (GatewayUnderTest) async throws -> Void
    ) async throws {
        var policy = GatewayUnderTest.usualPolicy
        policy["limits"] = limits
        try await withGateway(config, policy: policy, body)
    }

    @Test func `a body over the limit is refused, announced or not`() async throws {
        try await withBounds(["body_bytes": "2KiB"]) { gateway in
            let large = JSONWriter.text(of: chat("echo", String(repeating: "a", count: 4000)))
            let answer23 = try await gateway.client.post(text: large)
            #expect(answer23.status == 413)
            let chunks =
                "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "fff\r\n" + String(repeating: "a", count: 4095) + "\r\n"
            let answer24 = try await gateway.client.exchange(Array(chunks.utf8))
            #expect(answer24.status == 413)
            let answer25 = try await gateway.client.post(chat("echo"))
            #expect(answer25.status == 200)
        }
    }

    @Test func `a chunked body is as good as any`() async throws {
        try await withBounds([:]) { gateway in
            let body = JSONWriter.text(of: chat("echo", "in pieces"))
            var text = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            for character in body { text += "1\r\n\(character)\r\n" }
            let answer = try await gateway.client.exchange(Array((text + "0\r\n\r\n").utf8))
            #expect(answer.text.contains("in pieces"))
        }
    }

    @Test func `requests sent ahead are answered in order`() async throws {
        try await withBounds([:]) { gateway in
            let port = gateway.server.port
            let texts = try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                let requests = (0..<20).flatMap {
                    RawClient.request(
                        "POST", "/v1/chat/completions",
                        JSONWriter.text(of: chat("echo", "number \($0)", stream: $0 % 3 == 0)))
                }
                try connection.send(requests)
                return try (0..<20).map { _ in try connection.receive() }.map {
                    $0.streamedText.isEmpty ? $0.text : $0.streamedText
                }
            }
            for (index, text) in texts.enumerated() { #expect(text.contains("number \(index)")) }
        }
    }

    @Test func `slow and half-open clients are closed`() async throws {
        let policy: JSONObject = ["timeouts": ["header": "300ms", "body": "300ms"]]
        try await withGateway(mockConfig, policy: policy) { gateway in
            let port = gateway.server.port
            let closed = try await RawClient.onThread {
                let silent = try RawConnection(port: port)
                let slowHead = try RawConnection(port: port)
                try slowHead.send("GET /v1/models HTTP/1.1\r\nHost:")
                let slowBody = try RawConnection(port: port)
                try slowBody.send(
                    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
                let answers = [try slowHead.receive().status, try slowBody.receive().status]
                return (answers, [silent.isClosedByPeer(), slowHead.isClosedByPeer(), slowBody.isClosedByPeer()])
            }
            #expect(closed.0 == [408, 408])
            #expect(closed.1 == [true, true, true])
        }
    }

    @Test func `more requests than may run wait, more than may wait are refused`() async throws {
        let config = "model_list:\n  - {model_name: echo, litellm_params: {model: \"mock/echo?delay_ms=200\"}}\n"
        try await withBounds(["requests": 2, "queue": 4], config) { gateway in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await gateway.client.post(chat("echo")).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.contains(200))
            #expect(statuses.contains(429))
            #expect(Set(statuses) == [200, 429])
        }
    }

    @Test func `a client that does not read bounds what is held for it`() async throws {
        let piece = StandInResponse.Piece(Scripted.chunk(String(repeating: "a", count: 16_000)))
        let upstream = try await StandInServer.start { _ in .events(Array(repeating: piece, count: 1000)) }
        let policy: JSONObject = ["timeouts": ["write_stall": "600ms"]]
        try await withGateway(Scripted.config(upstream, nil), policy: policy) { gateway in
            let port = gateway.server.port
            let folder = gateway.folder
            try await RawClient.onThread {
                let connection = try RawConnection(port: port, receiveBuffer: 4096)
                let body = JSONWriter.text(of: streamRequest)
                try connection.send(RawClient.request("POST", "/v1/chat/completions", body))
                // It reads nothing for longer than the gateway is patient.
                #expect(waits { ((try? folder.read("access.log")) ?? "").contains("client_gone") })
                withExtendedLifetime(connection) {}
            }
            let line = try #require(try await gateway.logLines(1).first)
            #expect(line["status"] == 499)
            #expect((line["response_bytes"]?.integerValue ?? .max) < 8 << 20)
        }
        await upstream.stop()
    }

    @Test func `Expect 100-continue is answered, other protocols are refused`() async throws {
        try await withBounds([:]) { gateway in
            let body = JSONWriter.text(of: chat("echo"))
            let head =
                "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            let port = gateway.server.port
            let status = try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                try connection.send(head)
                #expect(try connection.readUntil("100 Continue"))
                try connection.send(body)
                return try connection.receive().status
            }
            #expect(status == 200)
            let answer26 = try await gateway.client.exchange([0x16, 0x03, 0x01, 0x02])
            #expect(answer26.status == 400)
        }
    }
}
