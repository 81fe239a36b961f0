// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// The routing service's own API: prompts, providers, analytics, simulated failures.
@Suite struct RoutingServiceTests {
    private static let config = """
        model_list:
          - model_name: openai
            litellm_params: {model: mock/gpt-5.1}
            model_info: {id: openai, input_cost_per_token: 0.00002, output_cost_per_token: 0}
          - model_name: google
            litellm_params: {model: mock/gemini-pro}
            model_info: {id: google, input_cost_per_token: 0.000015, output_cost_per_token: 0}

        """

    private static func policy(admin port: Int, budgets: JSONValue? = nil) -> JSONObject {
        var policy = GatewayUnderTest.usualPolicy
        policy["admin"] = ["port": .integer(port)]
        policy["providers"] = [
            "openai": [
                "latency_ms": 200, "rpm": 100, "specialties": ["code", "analysis", "writing"], "quality": 0.95,
            ],
            "google": ["latency_ms": 250, "rpm": 150, "specialties": ["writing", "analysis"], "quality": 0.94],
        ]
        if let budgets { policy["budgets"] = budgets }
        return policy
    }

    private func withService(
        budgets: JSONValue? = nil, _ body: (_ chat: RawClient, _ admin: RawClient) async throws -> Void
    ) async throws {
        let port = try FreePort.find()
        try await withGateway(Self.config, policy: Self.policy(admin: port, budgets: budgets)) { gateway in
            try await body(gateway.client, RawClient(port: port))
        }
    }

    @Test func `a prompt is answered in the service's shape by the best provider`() async throws {
        for (body, provider) in [
            (["prompt": "hello"], "google"), (["prompt": "hello", "preferences": ["priority": "speed"]], "openai"),
            (["prompt": "hello", "preferences": ["priority": "quality"], "user_id": "u"], "openai"),
            (["prompt": "", "preferences": [:]], "openai"),
        ] as [(JSONValue, String)] {
            // A gateway each: a latency that was measured takes the place of the declared one.
            try await withService { chat, _ in
                let answer = try await chat.post(body, to: "/chat/completions")
                #expect(answer.status == 200)
                #expect(answer.json.objectValue?.names == ["provider_used", "content", "latency_ms", "cost"])
                #expect(answer.json["provider_used"]?.stringValue == provider, "\(body)")
                #expect(answer.json["latency_ms"]?.integerValue != nil && answer.json["cost"]?.doubleValue != nil)
            }
        }
    }

    @Test func `simulated providers answer in their name and fail by the known chance`() async throws {
        let config = """
            model_list:
              - model_name: openai
                litellm_params: {model: "mock/provider?name=openai&failure_rate=0.1"}
                model_info: {id: openai, input_cost_per_token: 0.00002, output_cost_per_token: 0}
            router_settings: {num_retries: 0}

            """
        let prompt = "Explain the difference between é and è in fifty characters or more."
        try await withGateway(config) { gateway in
            var failed: [Int] = []
            for call in 1...60 {
                let answer = try await gateway.client.post(["prompt": .string(prompt)], to: "/chat/completions")
                if answer.status == 503 {
                    failed.append(call)
                } else {
                    let expected = "Mock response from openai: Explain the difference between é and è in fifty ch..."
                    #expect(answer.json["content"]?.stringValue == expected)
                }
            }
            #expect(failed == [2, 8, 10, 13, 20, 27, 28, 42, 45])
        }
    }

    @Test(arguments: [
        (#"{"prompt":"a","preferences":null}"#, "model_attributes_type", ["body", "preferences"], ""),
        (
            #"{"prompt":"a","preferences":{"priority":"best"}}"#, "enum", ["body", "preferences", "priority"],
            "Input should be 'cost', 'speed' or 'quality'"
        ),
        (#"{"prompt":7}"#, "string_type", ["body", "prompt"], "Input should be a valid string"),
        (#"{"prompt":"a","user_id":7}"#, "string_type", ["body", "user_id"], "Input should be a valid string"),
        (#"{"user_id":"u"}"#, "missing", ["body", "prompt"], "Field required"),
        (#"{"preferences":{}}"#, "missing", ["body", "prompt"], "Field required"),
        (
            #"{"prompt":"a","preferences":{"timeout_ms":null}}"#, "int_type", ["body", "preferences", "timeout_ms"],
            "Input should be a valid integer"
        ),
        (
            #"{"prompt":"a","preferences":{"max_cost_per_request":"x"}}"#, "float_type",
            ["body", "preferences", "max_cost_per_request"], "Input should be a valid number"
        ),
        (
            #"{"prompt":"a","preferences":{"timeout_ms":1.5}}"#, "int_type", ["body", "preferences", "timeout_ms"],
            "Input should be a valid integer"
        ),
    ])
    func `a wrong field is a 422 with its place`(body: String, type: String, place: [String], words: String)
        async throws
    {
        try await withService { chat, _ in
            let answer = try await chat.post(text: body, to: "/chat/completions")
            #expect(answer.status == 422)
            let detail = try #require(answer.json["detail"]?.arrayValue?.first)
            #expect(detail["type"]?.stringValue == type)
            #expect(detail["loc"]?.arrayValue?.map(\.stringValue) == place)
            #expect(detail["msg"]?.stringValue?.hasPrefix(words) == true)
            let sent = try JSONParser.parse(body)
            let wrong = type == "missing" ? sent : place.dropFirst().reduce(sent) { $0[$1] ?? .null }
            #expect(detail["input"] == wrong)
            #expect((detail["ctx"] != nil) == (type == "enum"))
        }
    }

    @Test(arguments: [("é", 54, 0.00021), ("", 1, 0.0), ("abcde", 1, 0.00003)])
    func `a simulated call costs what its prompt's characters cost`(letter: String, count: Int, cost: Double)
        async throws
    {
        let config = """
            model_list:
              - model_name: google
                litellm_params: {model: "mock/provider?name=google"}
                model_info: {id: google, input_cost_per_token: 0.000015, output_cost_per_token: 0}

            """
        try await withGateway(config) { gateway in
            let prompt = String(repeating: letter, count: count)
            let answer = try await gateway.client.post(["prompt": .string(prompt)], to: "/chat/completions")
            #expect(answer.json["cost"]?.doubleValue == cost, "\(answer.text)")
        }
    }

    @Test func `nobody left is a 503, whether filtered, down or failing`() async throws {
        try await withService { chat, admin in
            let unavailable: JSONValue = ["detail": "All providers unavailable"]
            let filtered = try await chat.post(
                ["prompt": "hello", "preferences": ["max_cost_per_request": -0.01]], to: "/chat/completions")
            #expect(filtered.status == 503 && filtered.json == unavailable)
            for name in ["openai", "google"] {
                #expect(
                    try await admin.post(["provider": .string(name), "down": true], to: "/simulate/failure").status
                        == 200)
            }
            let down = try await chat.post(["prompt": "hello"], to: "/chat/completions")
            #expect(down.status == 503 && down.json == unavailable)
            let analytics = try await admin.get("/routing/analytics").json
            #expect(analytics["global"]?["total_requests"] == 0, "nobody was called")
        }
    }

    @Test func `a user over budget gets a 402 in the service's words`() async throws {
        let budgets: JSONValue = ["users": ["default": "0.000001"], "store": "spent.sqlite"]
        try await withService(budgets: budgets) { chat, _ in
            let refused = try await chat.post(["prompt": "hello there", "user_id": "ann"], to: "/chat/completions")
            #expect(refused.status == 402 && refused.json == ["detail": "Budget exceeded"])
            for user: JSONValue in [nil, ""] {
                let free = try await chat.post(["prompt": "hello", "user_id": user], to: "/chat/completions")
                #expect(free.status == 200, "nobody's money is nobody's budget")
            }
        }
    }

    @Test func `providers are listed in order with their numbers`() async throws {
        try await withService { _, admin in
            let list = try #require(try await admin.get("/providers").json.arrayValue)
            let first: JSONObject = [
                "name": "openai", "model": "gpt-5.1", "group": "openai", "cost_per_token": 0.00002, "latency_ms": 200,
                "rate_limit_rpm": 100, "specialties": ["analysis", "code", "writing"], "quality_score": 0.95,
                "is_down": false, "circuit_status": "CLOSED", "success_rate": 1.0,
            ]
            #expect(list.map { $0["name"]?.stringValue } == ["openai", "google"])
            for (name, value) in first.members {
                #expect(list[0][name] == value || list[0][name]?.doubleValue == value.doubleValue, "\(name)")
            }
            #expect(list[1]["cost_per_token"]?.doubleValue == 0.000015)
        }
    }

    @Test func `analytics count attempts`() async throws {
        try await withService { chat, admin in
            let fresh = try await admin.get("/routing/analytics").json
            #expect(fresh["global"]?["total_requests"] == 0 && fresh["global"]?["success_rate"]?.doubleValue == 1)
            #expect(fresh["providers"] == [:])
            for _ in 0..<3 { _ = try await chat.post(["prompt": "hello"], to: "/chat/completions") }
            let after = try await admin.get("/routing/analytics").json
            #expect(
                after["global"]?.objectValue?.names == [
                    "total_requests", "total_success", "total_failures", "avg_latency_ms", "total_cost", "success_rate",
                ])
            #expect(after["global"]?["total_requests"] == 3 && after["global"]?["total_success"] == 3)
            #expect(after["providers"]?.objectValue?.names == ["google"], "only those that were called")
            #expect(
                after["providers"]?["google"]?.objectValue?.names == [
                    "requests", "success", "failures", "success_rate", "avg_latency_ms", "is_down", "circuit_status",
                ])
        }
    }

    @Test(arguments: [
        (#"{"provider":"OpenAI","down":true}"#, 200, #"{"message":"Provider openai set to down=True"}"#),
        (#"{"provider":"openai","down":"yes"}"#, 200, #"{"message":"Provider openai set to down=True"}"#),
        (#"{"provider":"openai","down":1}"#, 200, #"{"message":"Provider openai set to down=True"}"#),
        (#"{"provider":"openai","down":[]}"#, 200, #"{"message":"Provider openai set to down=False"}"#),
        (#"{"provider":"google"}"#, 200, #"{"message":"Provider google set to down=False"}"#),
        (#"{"provider":"Nobody","down":true}"#, 404, #"{"detail":"Unknown provider: nobody"}"#),
        (#"{"down":true}"#, 400, #"{"detail":"Provider name required"}"#),
        (#"{"provider":""}"#, 400, #"{"detail":"Provider name required"}"#), ("[]", 422, ""), ("{", 422, ""),
    ])
    func `a simulated failure answers`(body: String, status: Int, text: String) async throws {
        try await withService { _, admin in
            let answer = try await admin.post(text: body, to: "/simulate/failure")
            #expect(answer.status == status && answer.text.hasPrefix(text), "\(answer.text)")
        }
    }

    @Test func `the operator's routes are not on the clients' side`() async throws {
        try await withService { chat, _ in
            let list = try await chat.get("/providers")
            let simulated = try await chat.post(["provider": "openai", "down": true], to: "/simulate/failure")
            #expect(list.status == 404 && simulated.status == 404)
        }
    }

    @Test func `a thousand requests at once spend a budget to the last call and no further`() async throws {
        // Each costs what its two tokens cost, and reserves as much: 100 fit.
        let config = """
            model_list:
              - model_name: main
                litellm_params: {model: "mock/echo?text=yes&delay_ms=20"}
                model_info: {input_cost_per_token: 0, output_cost_per_token: 0.001, max_output_tokens: 1}

            """
        let policy: JSONObject = [
            "budgets": ["users": ["default": "0.1", "window": "1h"], "store": "spent.sqlite"]
        ]
        try await withGateway(config, policy: policy) { gateway in
            let body: JSONValue = [
                "model": "main", "user": "ann", "max_tokens": 1, "messages": [["role": "user", "content": "hi"]],
            ]
            let request = RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: body))
            let port = gateway.server.port
            let answers = try await withThrowingTaskGroup(of: [RawAnswer].self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await RawClient.onThread {
                            // All twenty are sent before the first is answered.
                            let connections = try (0..<20).map { _ in try RawConnection(port: port) }
                            for connection in connections { try connection.send(request) }
                            return try connections.map { try $0.receive() }
                        }
                    }
                }
                return try await group.reduce(into: [RawAnswer]()) { $0 += $1 }
            }
            let paid = answers.filter { $0.status == 200 }
            #expect(answers.count == 1000 && answers.count { $0.status == 402 } == 1000 - paid.count)
            let cost = paid.first?.header("x-llm-router-cost")
            #expect(cost == "0.001" && paid.count == 100, "\(paid.count) at \(cost ?? "?")")
        }
    }
}
