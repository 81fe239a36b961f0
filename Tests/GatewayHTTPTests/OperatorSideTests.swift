// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// The operator's side, in the shapes of the routing service that it stands in for.
@Suite struct OperatorSideTests {
    private static let config = """
        model_list:
          - model_name: gpt
            model_info: {id: openai}
            litellm_params: {model: mock/echo, input_cost_per_token: 0.00002, rpm: 100}
          - model_name: gemini
            model_info: {id: google}
            litellm_params: {model: "mock/error-500", input_cost_per_token: 0.000015}

        """

    /// Runs `body` with a gateway and a client of its operator's side.
    private func withOperator(_ body: (GatewayUnderTest, RawClient) async throws -> Void) async throws {
        let port = try FreePort.find()
        var policy = GatewayUnderTest.usualPolicy
        policy["admin"] = ["port": .integer(port)]
        policy["providers"] = [
            "openai": ["latency_ms": 200, "quality": 0.95, "specialties": ["code", "analysis"]],
            "google": ["latency_ms": 150, "quality": 0.9, "specialties": ["writing"]],
        ]
        try await withGateway(Self.config, policy: policy) { try await body($0, RawClient(port: port)) }
    }

    @Test func `providers are listed with their facts and their state`() async throws {
        try await withOperator { _, admin in
            let list = try await admin.get("/providers")
            #expect(list.status == 200)
            let providers = try #require(list.json.arrayValue)
            #expect(providers.map { $0["name"]?.stringValue } == ["openai", "google"])
            let first = try #require(providers.first)
            #expect(first["circuit_status"] == "CLOSED")
            #expect(first["is_down"] == false)
            #expect(first["rate_limit_rpm"] == 100)
            #expect(first["latency_ms"] == 200)
            #expect(first["quality_score"]?.doubleValue == 0.95)
            #expect(first["cost_per_token"]?.doubleValue == 0.00002)
            #expect(first["specialties"] == ["analysis", "code"])
            #expect(first["success_rate"]?.doubleValue == 1)
        }
    }

    @Test func `analytics count every attempt`() async throws {
        try await withOperator { gateway, admin in
            let fresh = try await admin.get("/routing/analytics")
            #expect(fresh.json["global"]?["total_requests"] == 0)
            #expect(fresh.json["global"]?["success_rate"]?.doubleValue == 1)
            #expect(fresh.json["providers"]?.objectValue?.isEmpty == true)
            // The cheaper one fails, so the request costs two attempts.
            let answer = try await gateway.client.post(["prompt": "hello"], to: "/chat/completions")
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["provider_used"] == "openai")
            let after = try await admin.get("/routing/analytics")
            let global = try #require(after.json["global"])
            let requests = try #require(global["total_requests"]?.integerValue)
            let failures = try #require(global["total_failures"]?.integerValue)
            #expect(global["total_success"] == 1)
            #expect(failures >= 1)
            #expect(requests == failures + 1)
            #expect(after.json["providers"]?["google"]?["success"] == 0)
            #expect(after.json["providers"]?["openai"]?["circuit_status"] == "CLOSED")
        }
    }

    @Test func `a prompt without messages is answered by whoever ranks first`() async throws {
        try await withOperator { gateway, _ in
            let request: JSONValue = ["prompt": "say it", "preferences": ["priority": "quality"], "user_id": "ann"]
            let answer = try await gateway.client.post(request, to: "/chat/completions")
            #expect(answer.status == 200)
            #expect(answer.json["provider_used"] == "openai")
            #expect(answer.json["content"] == "You said: say it")
            #expect(answer.json["latency_ms"]?.integerValue != nil)
            #expect(answer.json["cost"]?.doubleValue != nil)
            let priority = try await gateway.client.post(
                ["prompt": "x", "preferences": ["priority": "best"]], to: "/chat/completions")
            #expect(priority.status == 422)
            #expect(priority.json["detail"]?.arrayValue?.first?["type"] == "enum")
            let nothing = try await gateway.client.post(
                ["prompt": "x y z", "preferences": ["max_cost_per_request": -1]], to: "/chat/completions")
            #expect(nothing.status == 503)
            #expect(nothing.json["detail"] == "All providers unavailable")
        }
    }

    @Test func `a provider that is said to be down is not called until it is up again`() async throws {
        try await withOperator { gateway, admin in
            let down = try await admin.post(["provider": "OpenAI", "down": true], to: "/simulate/failure")
            #expect(down.status == 200)
            #expect(down.json["message"] == "Provider openai set to down=True")
            let providers = try await admin.get("/providers")
            #expect(providers.json.arrayValue?.first?["is_down"] == true)
            let refused = try await gateway.client.post(["prompt": "hello"], to: "/chat/completions")
            #expect(refused.status == 503)
            let up = try await admin.post(["provider": "openai"], to: "/simulate/failure")
            #expect(up.json["message"] == "Provider openai set to down=False")
            let answered = try await gateway.client.post(["prompt": "hello"], to: "/chat/completions")
            #expect(answered.status == 200)
        }
    }

    @Test func `what cannot be simulated is refused as the service refused it`() async throws {
        try await withOperator { _, admin in
            let unknown = try await admin.post(["provider": "Nobody"], to: "/simulate/failure")
            #expect(unknown.status == 404)
            #expect(unknown.json["detail"] == "Unknown provider: nobody")
            let missing = try await admin.post([:], to: "/simulate/failure")
            #expect(missing.status == 400)
            #expect(missing.json["detail"] == "Provider name required")
            let list = try await admin.post([], to: "/simulate/failure")
            #expect(list.status == 422)
        }
    }

    @Test func `clients cannot reach the operator's side`() async throws {
        try await withOperator { gateway, admin in
            for path in ["/providers", "/routing/analytics"] {
                let answer = try await gateway.client.get(path)
                #expect(answer.status == 404)
            }
            let reload = try await admin.post([:], to: "/admin/reload")
            #expect(reload.status == 200)
        }
    }
}

@Suite struct TraceFileTests {
    @Test func `the sample's own settings write a file for each attempt`() async throws {
        let sample = try FileSystem.read(
            Golden.repository + "/config/examples/embedded/routertool.yaml", limit: 1 << 20)
        let text = String(decoding: sample, as: UTF8.self)
        #expect(text.contains("traces: {dir: ../.router/traces, keep: 10000}"))
        var policy = GatewayUnderTest.usualPolicy
        // As the sample has it: relative to the folder of its file, which does not exist below it yet.
        policy["traces"] = ["dir": "../.router/traces", "keep": 3]
        let config = """
            model_list:
              - {model_name: main, litellm_params: {model: mock/error-500}}
              - {model_name: backup, litellm_params: {model: mock/echo}}
            router_settings: {num_retries: 0, fallbacks: [{main: [backup]}]}

            """
        let gateway = try await GatewayUnderTest(config, policy: policy, subfolder: "config")
        let answer = try await gateway.client.post(plainRequest, headers: [("X-Request-Id", "trace-me")])
        #expect(answer.status == 200)
        let folder = gateway.folder.path(".router/traces")
        func files() -> [String] {
            let days = (try? FileSystem.list(folder)) ?? []
            return days.flatMap { day in ((try? FileSystem.list(folder + "/" + day)) ?? []).map { "\(day)/\($0)" } }
        }
        #expect(waits { files().count == 2 }, "\(files())")
        let traces = try files().map { try JSONParser.parse(try FileSystem.read(folder + "/" + $0, limit: 1 << 20)) }
        #expect(traces.allSatisfy { $0["request_id"] == "trace-me" })
        #expect(traces.contains { $0["failure_type"] == "PROVIDER_ERROR" }, "\(traces)")
        // The oldest go when there are more than are to be kept.
        for _ in 0..<3 { _ = try await gateway.client.post(["model": "backup", "messages": []]) }
        #expect(waits { files().count == 3 }, "\(files())")
        try await gateway.stop()
    }
}
