// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// Many requests through providers that fail, hang and answer.
@Suite struct UnreliableProviderTests {
    private static let connections = 20
    private static let requestsEach = 500

    /// 30 % fail at random, one never answers, one is well.
    private static func config(_ flaky: StandInServer, _ dead: StandInServer, _ good: StandInServer) -> String {
        let entries = [("flaky", flaky), ("dead", dead), ("good", good)].map { id, server in
            """
              - {model_name: main, litellm_params: {model: openai/m, api_base: "\(server.baseURL)/v1", api_key: k}, model_info: {id: \(id)}}
            """
        }
        return "model_list:\n" + entries.joined(separator: "\n")
            + "\nrouter_settings: {num_retries: 2, routing_strategy: simple-shuffle}\n"
    }

    @Test func `10,000 requests get their answers within their deadline`() async throws {
        let turn = Counter()
        let flaky = try await StandInServer.start { _ in
            // 3 of 10, spread by a number without a pattern.
            turn.next() &* 2_654_435_761 >> 7 % 10 < 3 ? Scripted.error(500) : Scripted.chat("flaky")
        }
        let dead = try await StandInServer.start { _ in .hang }
        let good = try await StandInServer.start { _ in Scripted.chat("good") }
        var policy: JSONObject = ["timeouts": ["first_token": "1s", "answer": "1s", "total": "30s"]]
        policy["breaker"] = ["failures": 3, "open": "60s", "probes": 1]
        let answered = Counter()
        let late = Counter()
        try await withGateway(Self.config(flaky, dead, good), policy: policy) { gateway in
            let request = RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: plainRequest))
            let port = gateway.server.port
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.connections {
                    group.addTask {
                        try await RawClient.onThread {
                            let connection = try RawConnection(port: port)
                            for _ in 0..<Self.requestsEach {
                                let start = MonotonicTime.now()
                                try connection.send(request)
                                let answer = try connection.receive()
                                if answer.status == 200, answer.isWhole { _ = answered.next() }
                                if MonotonicTime.now() - start > .seconds(30) { _ = late.next() }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let all = Self.connections * Self.requestsEach
        #expect(Double(answered.value) >= 0.9999 * Double(all), "\(answered.value) of \(all)")
        #expect(late.value == 0)
        // The calls that were on their way when the circuit opened, and no more: the whole run takes less than the minute
        // that it stays open.
        #expect(dead.requests.count <= Self.connections + 3, "\(dead.requests.count) calls to a dead provider")
        #expect(flaky.requests.count >= 3, "the flaky one was in use until its own circuit opened")
        for server in [flaky, dead, good] { await server.stop() }
    }
}
