// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import LLMRouting
import NIOPosix
import SystemIO
import TestSupport
import Testing

/// The files that attempts leave.
@Suite struct TraceTests {
    private static let config = """
        model_list:
          - {model_name: main, litellm_params: {model: mock/error-503, order: 1}, model_info: {id: bad}}
          - {model_name: main, litellm_params: {model: "mock/echo?text=fine", order: 2}, model_info: {id: good}}

        """

    private static func policy(keep: Int) -> JSONObject {
        var policy = GatewayUnderTest.usualPolicy
        policy["traces"] = ["dir": "traces", "keep": .integer(keep)]
        return policy
    }

    static func files(_ gateway: GatewayUnderTest) -> [String] {
        let folder = gateway.folder.path("traces")
        return ((try? FileSystem.list(folder)) ?? []).flatMap { day in
            ((try? FileSystem.list(folder + "/" + day)) ?? []).filter { $0.hasSuffix(".json") }.map { "\(day)/\($0)" }
        }
    }

    @Test func `every attempt has a file with its fields in order and nothing that was said`() async throws {
        try await withGateway(Self.config, policy: Self.policy(keep: 100)) { gateway in
            let body: JSONValue = ["model": "main", "messages": [["role": "user", "content": "secret-question"]]]
            let answer = try await gateway.client.post(body, headers: [("x-request-id", "req/../1")])
            #expect(answer.status == 200)
            let id = try #require(answer.header("x-request-id"))
            let names = try await RawClient.onThread {
                waitUntil(.seconds(10)) { Self.files(gateway).count >= 2 ? Self.files(gateway) : nil } ?? []
            }
            #expect(
                names.map { $0.split(separator: "/").last ?? "" }.sorted() == ["\(id)-0-bad.json", "\(id)-1-good.json"])
            let traces = try names.sorted().map { try gateway.folder.read("traces/" + $0) }
            #expect(traces.allSatisfy { !$0.contains("secret-") })
            let values = try traces.map { try JSONParser.parse($0) }
            for value in values {
                #expect(
                    value.objectValue?.names == [
                        "request_id", "role", "provider", "model", "started_at", "attempt", "work_package_id",
                        "workspace", "elapsed_ms", "failure_type", "error", "usage", "route", "score", "status",
                        "ttft_ms", "cost",
                    ])
            }
            #expect(values[0]["failure_type"] == "PROVIDER_ERROR" && values[0]["usage"] == [:])
            #expect(values[0]["status"] == 503 && values[1]["status"] == 200 && values[1]["failure_type"] == .null)
            let mode = try FileSystem.status(gateway.folder.path("traces/" + names[0]))?.mode
            #expect(mode == 0o600)
        }
    }

    @Test func `a client that leaves is no success`() async throws {
        let config = """
            model_list:
              - {model_name: main, litellm_params: {model: mock/silent}, model_info: {id: quiet}}

            """
        var policy = Self.policy(keep: 9)
        policy["timeouts"] = nil
        try await withGateway(config, policy: policy) { gateway in
            let port = gateway.server.port
            var connection: RawConnection? = try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: plainRequest)))
                return connection
            }
            var isRunning = false
            for _ in 0..<2000 where !isRunning {
                isRunning = try await gateway.client.get("/metrics").text.contains("llm_router_requests_running 1")
            }
            #expect(isRunning && connection != nil)
            connection = nil
            let file = try await RawClient.onThread {
                waitUntil(.seconds(10)) {
                    Self.files(gateway).first.flatMap { try? gateway.folder.read("traces/" + $0) }
                }
            }
            let trace = try JSONParser.parse(try #require(file))
            #expect(trace["failure_type"] == "CANCELLED" && trace["error"]?.stringValue?.isEmpty == false)
        }
    }

    @Test func `only the newest files are kept, with what an earlier process left`() async throws {
        try await withGateway(Self.config, policy: Self.policy(keep: 5)) { gateway in
            for number in 0..<4 { try gateway.folder.write("traces/20200101/old-\(number)-p.json", "{}") }
            for _ in 0..<8 { _ = try await gateway.client.post(plainRequest) }
            let left = try await RawClient.onThread {
                waitUntil(.seconds(10)) {
                    let files = Self.files(gateway)
                    return files.count == 5 && files.allSatisfy({ !$0.hasPrefix("2020") }) ? files : nil
                }
            }
            #expect(left?.count == 5)
            #expect(
                try await RawClient.onThread {
                    waitUntil(.seconds(10)) {
                        FileSystem.exists(gateway.folder.path("traces/20200101")) ? nil : true
                    }
                } == true, "a day without files goes")
        }
    }
}

/// A virtual model's decision, everywhere an operator looks for it.
@Suite struct DecisionTests {
    private static let config = """
        model_list:
          - {model_name: light, litellm_params: {model: mock/echo}, model_info: {id: light-1}}
          - {model_name: strong, litellm_params: {model: mock/echo}, model_info: {id: strong-1}}

        """

    private static var policy: JSONObject {
        var policy = GatewayUnderTest.usualPolicy
        policy["virtual_models"] = ["chat-auto": ["mode": "vibe", "simple": "light", "complex": "strong"]]
        policy["traces"] = ["dir": "traces"]
        return policy
    }

    @Test(arguments: [
        (#""hi""#, "light", -98, "simple_task", "SIMPLE"),
        (#""Design a recursive algorithm""#, "strong", 478, "complex_task", "COMPLEX"),
        ("null", "light", 4, "simple_task", "SIMPLE"),
        (#"[{"type":"text","text":"hello"}]"#, "light", -65, "simple_task", "SIMPLE"),
    ])
    func `headers, log, trace and metrics tell it`(
        content: String, pool: String, score: Int, reason: String, word: String
    ) async throws {
        try await withGateway(Self.config, policy: Self.policy) { gateway in
            let answer = try await gateway.client.post(
                text: #"{"model":"chat-auto","messages":[{"role":"user","content":\#(content)}]}"#)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.header("x-llm-router-virtual-model") == "chat-auto")
            #expect(answer.header("x-llm-router-score") == "\(score)")
            #expect(answer.header("x-llm-router-route") == pool)
            let line = try #require(try await gateway.logLines(1).first)
            #expect(line["score"]?.integerValue == score)
            #expect(
                line["decision"]?.stringValue
                    == "ROUTING DECISION: chat-auto -> \(pool) (score \(score), threshold 50, \(word))")
            let outcome = try #require(line["outcome"]?.arrayValue?.first?.stringValue)
            #expect(
                outcome.hasPrefix("✓ SUCCESS: chat-auto -> ") && outcome.hasSuffix("s, reason=\(reason))"), "\(outcome)"
            )
            let metrics = try await gateway.client.get("/metrics").text
            let sample = "llm_router_routing_decisions_total{virtual_model=\"chat-auto\",reason=\"\(reason)\"} 1"
            #expect(metrics.contains(sample))
            let traces = gateway.folder.path("traces")
            let file = try await RawClient.onThread {
                waitUntil(.seconds(10)) {
                    ((try? FileSystem.list(traces)) ?? []).first.flatMap { day in
                        ((try? FileSystem.list(traces + "/" + day)) ?? []).first { $0.hasSuffix(".json") }
                            .map { "\(traces)/\(day)/\($0)" }
                    }
                }
            }
            let trace = try JSONParser.parse(try FileSystem.read(try #require(file), limit: 1 << 16))
            #expect(trace["score"]?.integerValue == score && trace["route"]?.stringValue == pool)
        }
    }

    @Test func `calls in vain are told with what came of them`() async throws {
        let config = """
            model_list:
              - {model_name: light, litellm_params: {model: mock/error-503, order: 1}, model_info: {id: bad}}
              - {model_name: light, litellm_params: {model: mock/error-500, order: 2}, model_info: {id: worse}}
              - {model_name: strong, litellm_params: {model: mock/error-503}, model_info: {id: bad-2}}
            router_settings: {num_retries: 0, fallbacks: [{light: [rescue]}]}

            """
        let rescue = "  - {model_name: rescue, litellm_params: {model: mock/echo}, model_info: {id: good}}\n"
        for hasRescue in [true, false] {
            let text = hasRescue ? config.replacing("router_settings", with: rescue + "router_settings") : config
            let usable = hasRescue ? text : text.replacing(", fallbacks: [{light: [rescue]}]", with: "")
            try await withGateway(usable, policy: Self.policy) { gateway in
                _ = try await gateway.client.post(
                    text: #"{"model":"chat-auto","messages":[{"role":"user","content":"hi"}]}"#)
                let line = try #require(try await gateway.logLines(1).first)
                let lines = line["outcome"]?.arrayValue?.compactMap(\.stringValue) ?? []
                let retry = "  Will retry with fallback"
                var expected = [
                    "✗ FAILURE: chat-auto -> error-503", "  Error: unavailable, status 503", retry,
                    "✗ FAILURE: chat-auto -> error-500", "  Error: serverError, status 500",
                ]
                if hasRescue { expected.append(retry) }
                #expect(Array(lines.prefix(expected.count)) == expected, "\(lines)")
                #expect(lines.count == expected.count + (hasRescue ? 1 : 0))
                if hasRescue { #expect(lines.last?.hasPrefix("✓ SUCCESS: chat-auto -> echo (") == true) }
            }
        }
    }

    @Test func `a request for a real model is not touched`() async throws {
        try await withGateway(Self.config, policy: Self.policy) { gateway in
            let answer = try await gateway.client.post(
                ["model": "light", "messages": [["role": "user", "content": "Design an algorithm"]]])
            #expect(answer.header("x-llm-router-score") == nil && answer.header("x-llm-router-route") == "light")
            let line = try #require(try await gateway.logLines(1).first)
            #expect(line["decision"] == nil && line["score"] == nil)
        }
    }
}

/// Budgets and traces that come with a reload.
@Suite struct ReloadedRecordersTests {
    private static let config = """
        model_list:
          - model_name: main
            litellm_params: {model: mock/echo}
            model_info: {id: one, input_cost_per_token: 0.001, output_cost_per_token: 0.001}

        """

    @Test func `what a reload switches on is kept from then on, over further reloads`() async throws {
        try await withGateway(Self.config) { gateway in
            let body: JSONValue = [
                "model": "main", "user": "ann", "max_tokens": 10, "messages": [["role": "user", "content": "hi"]],
            ]
            #expect(try await gateway.client.post(body).status == 200)
            #expect(!FileSystem.exists(gateway.folder.path("spent.sqlite")))
            var policy = GatewayUnderTest.usualPolicy
            policy["budgets"] = ["users": ["default": "5.00", "window": "1h"], "store": "spent.sqlite"]
            policy["traces"] = ["dir": "traces"]
            var spent = Money.zero
            for _ in 0..<3 {
                try gateway.reload(Self.config, policy: policy)
                let answer = try await gateway.client.post(body)
                spent += try Money(exactly: answer.header("x-llm-router-cost") ?? "")
            }
            let threads = NIOThreadPool(numberOfThreads: 1)
            threads.start()
            let kept = try SQLiteLedger(path: gateway.folder.path("spent.sqlite"), threads: threads).balances()
            #expect(kept.map(\.spent) == [spent] && spent > .zero)
            let count = try await RawClient.onThread {
                waitUntil(.seconds(10)) {
                    let day = ((try? FileSystem.list(gateway.folder.path("traces"))) ?? []).first ?? ""
                    let files = (try? FileSystem.list(gateway.folder.path("traces/" + day))) ?? []
                    return files.count == 3 ? 3 : nil
                }
            }
            #expect(count == 3)
            try await threads.shutdownGracefully()
        }
    }

    @Test func `a budget database that cannot be opened changes nothing`() async throws {
        try await withGateway(Self.config) { gateway in
            var policy = GatewayUnderTest.usualPolicy
            policy["budgets"] = ["users": ["default": "5.00"], "store": "no/such/folder/spent.sqlite"]
            #expect(throws: (any Error).self) { try gateway.reload(Self.config, policy: policy) }
            #expect(gateway.server.generation == 1)
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 200)
        }
    }
}
