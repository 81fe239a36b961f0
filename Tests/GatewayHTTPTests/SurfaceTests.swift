// SPDX-License-Identifier: MIT

import GatewayConfig
import GatewayHTTP
import JSONSyntax
import StandInHTTP
import TestSupport
import Testing

let mockConfig = """
    model_list:
      - {model_name: echo, litellm_params: {model: mock/echo, input_cost_per_token: 0.00001, output_cost_per_token: 0.00002}}
      - {model_name: secret, litellm_params: {model: mock/echo}}
      - {model_name: "openai/*", litellm_params: {model: "mock/*"}}
    router_settings:
      model_group_alias: {gpt-old: echo, hidden-name: {model: echo, hidden: true}}

    """

func chat(_ model: String, _ text: String = "hi", stream: Bool = false) -> JSONValue {
    ["model": .string(model), "stream": .bool(stream), "messages": [["role": "user", "content": .string(text)]]]
}

@Suite struct SurfaceTests {
    @Test func `lists models and aliases but neither wildcards nor hidden names`() async throws {
        try await withGateway(mockConfig) { gateway in
            let list = try await gateway.client.get("/v1/models")
            let names = list.json["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue }
            #expect(names == ["echo", "secret", "gpt-old"])
            let answer1 = try await gateway.client.get("/v1/models/gpt-old")
            #expect(answer1.status == 200)
            let answer2 = try await gateway.client.get("/v1/models/openai%2Fecho")
            #expect(answer2.status == 200)
            let answer3 = try await gateway.client.get("/v1/models/none")
            #expect(answer3.errorCode == "model_not_found")
        }
    }

    @Test func `aliases, wildcards and both spellings of a route answer`() async throws {
        try await withGateway(mockConfig) { gateway in
            for model in ["echo", "gpt-old", "hidden-name", "openai/echo"] {
                let answer4 = try await gateway.client.post(chat(model))
                #expect(answer4.status == 200)
            }
            let answer5 = try await gateway.client.post(chat("echo"), to: "/chat/completions")
            #expect(answer5.status == 200)
            let answer6 = try await gateway.client.post(["model": "echo", "input": "a"], to: "/embeddings")
            #expect(answer6.status == 200)
        }
    }

    @Test(arguments: [
        ("{\"model\":\"echo\"", 400, "invalid_body"), ("[]", 400, "invalid_body"), ("", 400, "invalid_body"),
        ("{}", 400, "missing_model"), ("{\"model\":\"\"}", 400, "missing_model"),
        ("{\"model\":7}", 400, "invalid_body"),
        ("{\"model\":\"echo\",\"model\":\"secret\"}", 400, "invalid_body"),
        ("{\"model\":\"echo\",\"mod\\u0065l\":\"secret\"}", 400, "invalid_body"),
        ("{\"model\":\"echo\",\"stream\":\"yes\"}", 400, "invalid_body"),
        ("{\"model\":\"none\"}", 404, "model_not_found"),
        (
            "{\"model\":\"echo\",\"a\":" + String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
                + "}", 400, "invalid_body"
        ),
    ])
    func `a body that cannot be routed is refused in OpenAI's shape`(body: String, status: Int, code: String)
        async throws
    {
        try await withGateway(mockConfig) { gateway in
            let answer = try await gateway.client.post(text: body)
            #expect(answer.status == status)
            #expect(answer.errorCode == code)
            let anthropic = try await gateway.client.post(text: body, to: "/v1/messages")
            #expect(anthropic.status == status)
            #expect(anthropic.json["type"] == "error")
        }
    }

    @Test func `unknown routes and wrong methods say so`() async throws {
        try await withGateway(mockConfig) { gateway in
            let answer7 = try await gateway.client.get("/nothing")
            #expect(answer7.status == 404)
            let wrong = try await gateway.client.get("/v1/chat/completions")
            #expect(wrong.status == 405)
            #expect(wrong.header("allow") == "POST")
            let answer8 = try await gateway.client.get("/providers")
            #expect(answer8.status == 404)
        }
    }

    @Test func `health and metrics answer without calling anybody`() async throws {
        try await withGateway(mockConfig) { gateway in
            let answer9 = try await gateway.client.get("/health/liveliness")
            #expect(answer9.status == 200)
            let answer10 = try await gateway.client.get("/health/readiness")
            #expect(answer10.json["status"] == "healthy")
            let answer11 = try await gateway.client.get("/health")
            #expect(answer11.json["healthy_count"] == 3)
            _ = try await gateway.client.post(chat("echo"))
            let metrics = try await gateway.client.get("/metrics").text
            #expect(
                metrics.contains("llm_router_requests_total{operation=\"chat\",model_group=\"echo\",status=\"200\"} 1"))
            #expect(metrics.contains("gen_ai_client_token_usage_total"))
        }
    }

    @Test func `fields and headers that nobody knows pass, keys and cookies do not`() async throws {
        let upstream = try await StandInServer.start { _ in
            Scripted.chat("ok").adding("x-ratelimit-remaining", "9").adding("Set-Cookie", "a=b")
        }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let body = "{ \"x_new\" : [1.0, 1e3] ,\"model\":\"main\", \"messages\":[]}"
            let headers = [
                ("Authorization", "Bearer client-key"), ("X-Api-Key", "client-key"), ("Cookie", "c=1"),
                ("X-Mine", "kept"),
                ("Connection", "X-Hop"), ("X-Hop", "dropped"), ("Accept-Encoding", "gzip"), ("OpenAI-Beta", "x"),
            ]
            let answer = try await gateway.client.post(text: body, headers: headers)
            let sent = try #require(upstream.requests.first)
            #expect(String(decoding: sent.body, as: UTF8.self) == body.replacing("\"main\"", with: "\"first\""))
            #expect(sent.header("x-mine") == "kept")
            #expect(sent.header("openai-beta") == "x")
            #expect(sent.header("cookie") == nil)
            #expect(sent.header("x-hop") == nil)
            #expect(sent.header("x-api-key") == nil)
            #expect(sent.header("authorization") == "Bearer sk-first-secret-key")
            #expect(sent.header("accept-encoding") == "identity")
            #expect(sent.header("x-request-id") == answer.header("x-request-id"))
            #expect(answer.header("x-ratelimit-remaining") == "9")
            #expect(answer.header("set-cookie") == nil)
            #expect(answer.header("x-litellm-model-api-base") == "http://127.0.0.1:\(upstream.port)/v1")
        }
        await upstream.stop()
    }

    @Test func `an upstream's error passes without the deployment's key`() async throws {
        let upstream = try await StandInServer.start { _ in Scripted.error(401, message: "bad key sk-first-secret-key")
        }
        try await withGateway(Scripted.config(upstream, nil)) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 401)
            #expect(answer.text.contains("bad key <redacted>"))
        }
        await upstream.stop()
    }

    /// An upstream that repeats what it was sent, in every way that an error can come.
    @Test(arguments: [
        ("/v1/messages", false, "status"), ("/v1/chat/completions", false, "status"),
        ("/v1/chat/completions", false, "whole"), ("/v1/chat/completions", true, "whole"),
        ("/v1/chat/completions", true, "first"), ("/v1/chat/completions", true, "middle"),
        ("/v1/chat/completions", false, "events"), ("/v1/messages", true, "middle"),
    ])
    func `no error tells the deployment's key or writes down the prompt`(path: String, streams: Bool, way: String)
        async throws
    {
        let words = "you sent Bearer sk-first-secret-key with planted-question"
        let body: JSONValue = ["error": ["message": .string(words), "code": "x"]]
        let event = StandInResponse.Piece("data: \(JSONWriter.text(of: body))\n\n")
        let upstream = try await StandInServer.start { _ in
            switch way {
            case "status": Scripted.error(400, message: words)
            case "whole": .json(body)
            case "middle": .events(Scripted.pieces(["a", "b"]) + [event])
            default: .events([event])
            }
        }
        var policy = GatewayUnderTest.usualPolicy
        policy["traces"] = ["dir": "traces"]
        let request: JSONValue = [
            "model": "main", "stream": .bool(streams), "max_tokens": 9,
            "messages": [["role": "user", "content": "planted-question"]],
        ]
        try await withGateway(Scripted.config(upstream, nil, settings: "num_retries: 0"), policy: policy) { gateway in
            let answer = try await gateway.client.post(request, to: path)
            #expect(!answer.text.contains("secret-key"), "\(answer.text)")
            #expect(answer.text.contains("error"), "\(answer.text)")
            let log = try await gateway.logLines(1)
            #expect(log.count == 1 && !"\(log)".contains("planted-question"))
            let trace = try await RawClient.onThread {
                waitUntil(.seconds(10)) {
                    TraceTests.files(gateway).first.flatMap { try? gateway.folder.read("traces/" + $0) }
                }
            }
            let text = try #require(trace)
            #expect(!text.contains("planted-question") && !text.contains("secret-key"), "\(text)")
            #expect(try JSONParser.parse(text)["error"] != .null)
        }
        await upstream.stop()
    }

    @Test func `prompts of the routing service's shape are ranked over all deployments`() async throws {
        try await withGateway(mockConfig) { gateway in
            let answer = try await gateway.client.post(["prompt": "hello", "user_id": nil], to: "/chat/completions")
            #expect(answer.status == 200)
            #expect(answer.json["content"] == "You said: hello")
            #expect(answer.json["provider_used"] != nil)
            let wrong = try await gateway.client.post(
                ["prompt": "a", "preferences": ["priority": "best"]], to: "/chat/completions")
            #expect(wrong.status == 422)
            #expect(wrong.json["detail"]?.arrayValue?.first?["msg"] == "Input should be 'cost', 'speed' or 'quality'")
        }
    }
}

@Suite struct KeyTests {
    private let config = mockConfig + "general_settings: {master_key: os.environ/MASTER}\n"
    private let environment = ["MASTER": "sk-master-0123456789"]

    @Test func `requests need the key, probes do not`() async throws {
        try await withGateway(config, environment: environment) { gateway in
            let none = try await gateway.client.post(chat("echo"))
            #expect(none.status == 401)
            #expect(none.errorCode == "missing_api_key")
            let wrong = try await gateway.client.post(
                chat("echo"), headers: [("Authorization", "Bearer sk-master-012345678")])
            #expect(wrong.errorCode == "invalid_api_key")
            let answer12 = try await gateway.client.get("/v1/models")
            #expect(answer12.status == 401)
            let answer13 = try await gateway.client.get("/metrics")
            #expect(answer13.status == 401)
            let answer14 = try await gateway.client.get("/health/readiness")
            #expect(answer14.status == 200)
            for header in [("Authorization", "Bearer sk-master-0123456789"), ("x-api-key", "sk-master-0123456789")] {
                let answer15 = try await gateway.client.post(chat("echo"), headers: [header])
                #expect(answer15.status == 200)
            }
            let answer16 = try await gateway.client.post(chat("echo"), to: "/v1/messages")
            #expect(answer16.json["error"]?["type"] == "authentication_error")
        }
    }

    @Test func `keys of our own have models, limits and an end`() async throws {
        func hash(_ key: String) -> JSONValue {
            let digits = ClientKey.digest(of: Array(key.utf8)).map { byte in
                let text = String(byte, radix: 16)
                return text.count == 1 ? "0" + text : text
            }
            return .string("sha256:" + digits.joined())
        }
        var policy = GatewayUnderTest.usualPolicy
        policy["keys"] = [
            "narrow": ["hash": hash("sk-narrow"), "models": ["echo"]], "slow": ["hash": hash("sk-slow"), "rpm": 2],
            "old": ["hash": hash("sk-old"), "expires": "2020-01-31"],
            "poor": ["hash": hash("sk-poor"), "budget": "0.0000001"],
        ]
        try await withGateway(config, policy: policy, environment: environment) { gateway in
            func status(_ key: String, _ model: String = "echo") async throws -> RawAnswer {
                try await gateway.client.post(chat(model), headers: [("Authorization", "Bearer \(key)")])
            }
            // A prompt alone may be answered by any deployment.
            let ranked = try await gateway.client.post(
                ["prompt": "hi"], to: "/chat/completions", headers: [("Authorization", "Bearer sk-narrow")])
            #expect(ranked.status == 403, "\(ranked.text)")
            let answer17 = try await status("sk-narrow")
            #expect(answer17.status == 200)
            let answer18 = try await status("sk-narrow", "secret")
            #expect(answer18.status == 403)
            let models = try await gateway.client.get("/v1/models", headers: [("Authorization", "Bearer sk-narrow")])
            #expect(models.json["data"]?.arrayValue?.count == 1)
            let answer19 = try await status("sk-old")
            #expect(answer19.errorCode == "expired_api_key")
            let answer20 = try await status("sk-slow")
            #expect(answer20.status == 200)
            let answer21 = try await status("sk-slow")
            #expect(answer21.status == 200)
            let limited = try await status("sk-slow")
            #expect(limited.status == 429)
            #expect(limited.header("retry-after") != nil)
            let answer22 = try await status("sk-poor")
            #expect(answer22.status == 402)
        }
    }

    @Test(
        arguments: [
            ("127.0.0.1:4000", nil, true), ("localhost", "http://localhost:3000", true), ("[::1]:4000", nil, true),
            ("192.168.1.5", nil, true), ("127.0.0.1", "https://evil.example", false), ("evil.example:4000", nil, false),
            ("127.0.0.1", "null", false), ("127.0.0.1.evil.example", nil, false),
            ("localhost", "http://localhost.evil.example", false),
        ] as [(String, String?, Bool)])
    func `without a key web pages of other sites are refused`(host: String, origin: String?, isAllowed: Bool) {
        #expect(SiteGuard.allows(host: host, origin: origin) == isAllowed)
    }

    @Test func `without a key only loopback may be bound`() async throws {
        let folder = try await GatewayUnderTest(mockConfig)
        let settings = try SettingsReader { _ in nil }.read(folder.folder.path("litellm.yaml"))
        var options = ServerOptions()
        options.host = "0.0.0.0"
        options.port = 0
        #expect(throws: ServerError.unsafeBind(host: "0.0.0.0")) { try GatewayServer(settings, options: options) }
        try await folder.stop()
    }
}
