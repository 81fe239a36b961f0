// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import LLMRouting
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// What a provider can say to harm the gateway or its other clients.
@Suite struct HostileUpstreamTests {
    private static let budgets: JSONObject = ["users": ["default": "100.00"]]

    private static func answer(usage: String) -> StandInResponse {
        let choices = #"[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]"#
        return .bytes(Array(#"{"choices":\#(choices),"usage":\#(usage)}"#.utf8), type: "application/json")
    }

    @Test(arguments: [
        #"{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807,"prompt_tokens_details":{"cached_tokens":9223372036854775807}}"#,
        #"{"prompt_tokens":-9223372036854775808,"completion_tokens":-9223372036854775808,"prompt_tokens_details":{"cached_tokens":-9223372036854775808}}"#,
        #"{"prompt_tokens":1e400,"completion_tokens":-1e400}"#, #"{"prompt_tokens":1.5,"completion_tokens":"9"}"#,
        #"{"prompt_tokens":99999999999999999999999999999999,"completion_tokens":{}}"#,
        #"{"prompt_tokens":[],"total_tokens":-1}"#,
    ])
    func `counts of tokens that nobody can have overflow nothing and pay nothing back`(usage: String) async throws {
        let upstream = try await StandInServer.start { request in
            request.isStream
                ? .events([
                    .init(Scripted.chunk("x", finish: "stop")), .init("data: {\"choices\":[],\"usage\":\(usage)}\n\n"),
                    .init(Scripted.done),
                ]) : Self.answer(usage: usage)
        }
        var policy = GatewayUnderTest.usualPolicy
        policy["budgets"] = .object(Self.budgets)
        let prices = ", input_cost_per_token: 0.00000001, output_cost_per_token: 0.00000001, tpm: 1000000"
        let config = Scripted.config(upstream, nil, primaryLimits: prices)
        try await withGateway(config, policy: policy) { gateway in
            for round in 0..<4 {
                var request = round % 2 == 0 ? plainRequest : streamRequest
                if case .object(var members) = request {
                    members["user"] = "ann"
                    request = .object(members)
                }
                let status = try await gateway.client.post(request).status
                #expect([200, 429].contains(status))
            }
            let metrics = try await gateway.client.get("/metrics").text
            let counts = metrics.split(separator: "\n").filter { $0.contains("_tokens") && !$0.hasPrefix("#") }
            #expect(counts.allSatisfy { !$0.contains("} -") }, "\(counts)")
            #expect(try await gateway.client.get("/health/readiness").status == 200)
        }
        await upstream.stop()
    }

    @Test(arguments: [
        #"{"input_tokens":9223372036854775807,"output_tokens":9223372036854775807,"cache_read_input_tokens":9223372036854775807,"cache_creation_input_tokens":1}"#,
        #"{"input_tokens":-9223372036854775808,"output_tokens":-1,"cache_read_input_tokens":-9223372036854775808}"#,
    ])
    func `such counts are translated without harm`(usage: String) async throws {
        let upstream = try await StandInServer.start { _ in
            let text =
                #"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":"#
            return .bytes(Array((text + usage + "}").utf8), type: "application/json")
        }
        let config = """
            model_list:
              - {model_name: main, litellm_params: {model: anthropic/claude, api_base: "\(upstream.baseURL)", api_key: k}}

            """
        try await withGateway(config) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 200)
            #expect((answer.json["usage"]?["total_tokens"]?.integerValue ?? -1) >= 0)
        }
        await upstream.stop()
    }

    @Test func `interim answers without end are no answer`() async throws {
        let flood = String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 100)
        let upstream = try await StandInServer.start { _ in
            .raw([.init(flood), .init("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", after: .seconds(30))])
        }
        let backup = try await StandInServer.start { _ in Scripted.chat("from backup") }
        try await withGateway(Scripted.config(upstream, backup)) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.text.contains("from backup"))
        }
        await upstream.stop()
        await backup.stop()
    }

    @Test func `some interim answers are skipped`() async throws {
        let body = #"{"choices":[{"message":{"content":"fine"}}]}"#
        let upstream = try await StandInServer.start { _ in
            .raw([
                .init(
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n"
                        + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            ])
        }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 200)
            #expect(answer.text == body)
        }
        await upstream.stop()
    }

    @Test func `what stands behind an answer is nobody's answer`() async throws {
        let body = #"{"choices":[{"message":{"content":"mine"}}]}"#
        let poison = #"{"choices":[{"message":{"content":"poison"}}]}"#
        @Sendable func wire(_ body: String) -> String {
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let upstream = try await StandInServer.start { _ in .raw([.init(wire(body) + wire(poison))], ending: .keepAlive)
        }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            for _ in 0..<20 {
                let answer = try await gateway.client.post(plainRequest)
                #expect(answer.text == body)
            }
        }
        await upstream.stop()
    }

    @Test
    func `an answer that comes before the whole request was sent is passed on, and its connection not used again`()
        async throws
    {
        let upstream = try await StandInServer.start { _ in Scripted.error(413, message: "too much") }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let text = String(repeating: "a", count: 4 << 20)
            let request: JSONValue = ["model": "main", "messages": [["role": "user", "content": .string(text)]]]
            let answer = try await gateway.client.post(request)
            #expect(answer.status == 413)
            #expect(answer.text.contains("too much"))
        }
        await upstream.stop()
    }
}

/// A fast stream for clients that read slowly, at the gateway's own executable, whose memory can be looked at.
@Suite struct SlowReaderTests {
    private static func residentKilobytes(_ pid: Int32) throws -> Int {
        let text = String(decoding: try FileSystem.read("/proc/\(pid)/status", limit: 1 << 16), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
        return try #require(line.flatMap { Int($0.split { !$0.isNumber }.first ?? "") })
    }

    @Test func `what is held for each has a bound`() async throws {
        let clients = 20
        // Events that do not end where a read ends.
        let piece = StandInResponse.Piece(
            String(repeating: Scripted.chunk(String(repeating: "a", count: 997)), count: 50))
        let upstream = try await StandInServer.start { _ in .events(Array(repeating: piece, count: 400)) }
        let folder = try ScratchFolder()
        try folder.write("litellm.yaml", Scripted.config(upstream, nil))
        let port = try FreePort.find()
        let arguments = ["serve", "--config", folder.path("litellm.yaml"), "--port", "\(port)", "--threads", "1"]
        let gateway = try Program.built("llm-router-gateway", arguments).start()
        let isReady = try await RawClient.onThread { waits { gateway.errors.contains("listening on") } }
        try #require(isReady)
        let before = try Self.residentKilobytes(gateway.pid)
        let after = try await RawClient.onThread {
            let connections = try (0..<clients).map { _ in try RawConnection(port: port, receiveBuffer: 4096) }
            for connection in connections {
                try connection.send(
                    RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: streamRequest)))
            }
            // Each takes its stream in sips, so that the gateway stops and goes on many times.
            for _ in 0..<200 { for connection in connections { _ = try connection.more(upTo: 2048) } }
            return try Self.residentKilobytes(gateway.pid)
        }
        #expect(after - before < clients * 1500, "\(after - before) KB for \(clients) slow readers")
        try gateway.kill9()
        await upstream.stop()
    }
}
