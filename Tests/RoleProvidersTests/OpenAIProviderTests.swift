// SPDX-License-Identifier: MIT

import JSONSyntax
import LLMRouting
import RoleProviders
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// `openrouter_http` and `openai_http` against a server on the loopback interface.
@Suite struct OpenAIProviderTests {
    private static let key = "sk-planted-0123456789"

    /// A router whose roles `solo` and `safe` call the server; `safe` falls back to the mock.
    private func router(
        _ server: StandInServer, type: String = "openai_http", timeout: Duration = .seconds(20),
        settings extra: [(String, SettingValue)] = [], key: String? = key
    ) -> LLMRouter {
        let settings: [(String, SettingValue)] = [
            ("base_url", .text(server.baseURL + "/v1/")), ("api_key_env", .text("THE_KEY")),
        ]
        let attributes = RequestAttributes(model: "gpt", temperature: 0.5, timeout: timeout)
        let configuration = RoleConfiguration(
            defaultRole: "solo",
            providers: [
                .init(name: "http", type: type, settings: Settings(settings + extra)),
                .init(name: "spare", type: "mock"),
            ],
            roles: [
                .init(name: "solo", provider: "http", attributes: attributes),
                .init(name: "safe", provider: "http", attributes: attributes, fallbacks: [.init(provider: "spare")]),
            ])
        var variables = ["PATH": "/usr/bin:/bin"]
        variables["THE_KEY"] = key
        return LLMRouter(
            configuration: configuration,
            environment: .init(calendar: { CalendarTime(secondsSince1970: 0) }),
            registry: .live(environment: variables))
    }

    private static func answer(_ text: JSONValue = "fine") -> JSONValue {
        [
            "model": "gpt-served", "choices": [["message": ["role": "assistant", "content": text]]],
            "usage": ["prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10],
        ]
    }

    private func withServer(
        _ response: StandInResponse, _ body: (StandInServer) async throws -> Void
    ) async throws {
        let server = try await StandInServer.start { _ in response }
        do { try await body(server) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test(arguments: ["openai_http", "openrouter_http"])
    func `the request and the answer have the shapes of the table`(type: String) async throws {
        try await withServer(.json(Self.answer())) { server in
            let extra: [(String, SettingValue)] = [("headers", .map(Settings([("X-Title", .text("mine"))])))]
            let response = try await router(server, type: type, settings: extra).complete(
                role: "solo", messages: [.system("be brief"), .user("hello")],
                attributes: RequestAttributes(jsonMode: true, maximumTokens: 9))
            #expect(response.text == "fine" && response.model == "gpt-served")
            #expect(response.provider == "openrouter_http", "also through the alias")
            #expect(response.usage == .init(promptTokens: 7, completionTokens: 3, totalTokens: 10))
            let request = try #require(server.requests.first)
            #expect(request.method == "POST" && request.target == "/v1/chat/completions")
            #expect(request.header("authorization") == "Bearer \(Self.key)")
            #expect(request.header("content-type") == "application/json" && request.header("x-title") == "mine")
            let expected: JSONValue = [
                "model": "gpt",
                "messages": [["role": "system", "content": "be brief"], ["role": "user", "content": "hello"]],
                "temperature": 0.5, "max_tokens": 9, "response_format": ["type": "json_object"],
            ]
            #expect(request.json == expected)
        }
    }

    @Test func `what is not asked for is not in the body`() async throws {
        try await withServer(.json(Self.answer(nil))) { server in
            let response = try await router(server).complete(role: "solo", messages: [])
            #expect(response.text.isEmpty, "a null content is a success without text")
            #expect(server.requests.first?.json?.objectValue?.names == ["model", "messages", "temperature"])
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let response: StandInResponse
        let type: FailureType
        let message: String
        var testDescription: String { "\(type) \(message)" }

        init(_ response: StandInResponse, _ type: FailureType, _ message: String) {
            self.response = response
            self.type = type
            self.message = message
        }
    }

    static let rows = [
        Row(.json(["error": "slow down"], status: 429), .rateLimit, "Rate limited by provider"),
        Row(.text("nope", status: 401), .providerError, "Provider returned HTTP 401: nope"),
        Row(
            .text(String(repeating: "x", count: 300), status: 500), .providerError,
            "Provider returned HTTP 500: " + String(repeating: "x", count: 200)),
        Row(
            .text("key \(key) is wrong", status: 404), .providerError,
            "Provider returned HTTP 404: key <redacted> is wrong"),
        Row(.json(["id": "x"]), .invalidResponse, "Unexpected response structure: 'choices'"),
        Row(.json(["choices": []]), .invalidResponse, "Unexpected response structure: list index out of range"),
        Row(.text("<html>"), .unknown, ""),
        Row(.redirect(to: "/elsewhere"), .unknown, "Provider redirects (HTTP 302)"),
        Row(.json(["choices": [[:]]]), .invalidResponse, "Unexpected response structure: 'message'"),
        Row(.json(["choices": [["message": [:]]]]), .invalidResponse, "Unexpected response structure: 'content'"),
        Row(.json(["choices": nil]), .unknown, "`choices` is no list"),
        Row(.json(["choices": [["message": nil]]]), .unknown, "`message` is no object"),
        Row(
            .json(["choices": [["message": ["content": "x"]]], "usage": nil]), .unknown, "`usage` is no object"),
        Row(.disconnect, .providerError, "HTTP request failed: "),
    ]

    @Test(arguments: rows)
    func `each failure has its type and words, and the next provider answers`(row: Row) async throws {
        try await withServer(row.response) { server in
            do {
                _ = try await router(server).complete(role: "solo", messages: [.user("x")])
                Issue.record("the call succeeded")
            } catch let failure as CompletionFailure {
                #expect(failure.type == row.type && failure.message.hasPrefix(row.message), "\(failure)")
                #expect(!failure.message.contains(Self.key))
            }
            let saved = try await router(server).complete(role: "safe", messages: [.user("x")])
            #expect(saved.text == "mock response for role=safe")
        }
    }

    @Test func `a time-out says how long it waited`() async throws {
        try await withServer(.hang) { server in
            await #expect(throws: CompletionFailure(.timeout, "Request timed out after 0.5s")) {
                try await router(server, timeout: .milliseconds(500)).complete(role: "solo", messages: [])
            }
            // The provider's own time-out counts only where the role has none.
            await #expect(throws: CompletionFailure(.timeout, "Request timed out after 0.25s")) {
                try await router(server, timeout: .zero, settings: [("timeout", .number(0.25))]).complete(
                    role: "solo", messages: [])
            }
        }
    }

    @Test func `without a key nothing is sent`() async throws {
        try await withServer(.json(Self.answer())) { server in
            do {
                _ = try await router(server, key: nil).complete(role: "solo", messages: [])
                Issue.record("the call succeeded")
            } catch let failure as CompletionFailure {
                #expect(failure.type == .providerError)
                #expect(failure.message.hasPrefix("HTTP request failed: Illegal header value"))
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `a server that nobody runs is a provider error`() async throws {
        let server = try await StandInServer.start { _ in .hang }
        let router = router(server)
        await server.stop()
        do {
            _ = try await router.complete(role: "solo", messages: [])
            Issue.record("the call succeeded")
        } catch let failure as CompletionFailure {
            #expect(failure.type == .providerError && failure.message.hasPrefix("HTTP request failed: "))
        }
    }

    private func collect(_ router: LLMRouter, role: String = "solo") async throws -> (
        parts: [String], end: CompletionResponse?
    ) {
        var parts: [String] = []
        var end: CompletionResponse?
        for try await chunk in router.stream(role: role, messages: [.user("x")]) {
            switch chunk {
            case .text(let text): parts.append(text)
            case .finished(let response): end = response
            }
        }
        return (parts, end)
    }

    private static func event(_ text: String) -> StandInResponse.Piece {
        StandInResponse.Piece("data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"\(text)\"}}]}\n\n")
    }

    @Test func `a stream arrives in parts and ends with the whole`() async throws {
        let usage: StandInResponse.Piece =
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":4,\"total_tokens\":6}}\n\n"
        let pieces = [": hello\n\n", Self.event("Hel"), Self.event("lo"), usage, "data: [DONE]\n\n"]
        try await withServer(.events(pieces)) { server in
            let (parts, end) = try await collect(router(server))
            #expect(parts == ["Hel", "lo"] && end?.text == "Hello" && end?.model == "m")
            #expect(end?.usage == .init(promptTokens: 2, completionTokens: 4))
            #expect(server.requests.first?.json?["stream"] == true)
        }
        try await withServer(.json(Self.answer("whole"))) { server in
            let (parts, end) = try await collect(router(server))
            #expect(parts == ["whole"] && end?.text == "whole", "a server that does not stream")
        }
    }

    @Test func `a stream falls back before its first part and fails after it`() async throws {
        try await withServer(.text("busy", status: 503)) { server in
            let (parts, _) = try await collect(router(server), role: "safe")
            #expect(parts == ["mock response for role=safe"])
        }
        try await withServer(.events([Self.event("half")])) { server in
            await #expect(throws: CompletionFailure(.invalidResponse, "the stream ended before the answer was whole")) {
                _ = try await self.collect(self.router(server), role: "safe")
            }
        }
        try await withServer(.events(["data: {\"error\":{\"message\":\"overloaded\"}}\n\n"])) { server in
            let (parts, _) = try await collect(router(server), role: "safe")
            #expect(parts == ["mock response for role=safe"])
        }
    }

    @Test func `what was sent as a secret is in no failure, wherever it came from`() async throws {
        let echo = "you sent \(Self.key) and Bearer tok-0123456789, abcdef-cookie; mine"
        let headers = Settings([
            ("Authorization", .text("Bearer tok-0123456789")), ("Cookie", .text("abcdef-cookie")),
            ("X-Title", .text("mine")),
        ])
        let settings: [(String, SettingValue)] = [("headers", .map(headers))]
        let words = "you sent <redacted> and <redacted>, <redacted>; mine"
        try await withServer(.text(echo, status: 401)) { server in
            await #expect(throws: CompletionFailure(.providerError, "Provider returned HTTP 401: \(words)")) {
                try await router(server, settings: settings).complete(role: "solo", messages: [])
            }
        }
        try await withServer(.events([.init("data: {\"error\":{\"message\":\"\(echo)\"}}\n\n")])) { server in
            await #expect(throws: CompletionFailure(.providerError, "Provider returned an error: \(words)")) {
                _ = try await self.collect(self.router(server, settings: settings))
            }
        }
    }

    @Test func `an error's beginning is counted in code points`() async throws {
        let body = String(repeating: "e\u{301}\r\n", count: 100)
        try await withServer(.text(body, status: 500)) { server in
            let words = "Provider returned HTTP 500: " + String(repeating: "e\u{301}\r\n", count: 50)
            await #expect(throws: CompletionFailure(.providerError, words)) {
                try await router(server).complete(role: "solo", messages: [])
            }
        }
    }

    @Test(
        arguments: [
            ([:], 0, 0, 0), (["prompt_tokens": 3], 3, 0, 0),
            (["prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 9], 3, 1, 9),
        ] as [(JSONValue, Int, Int, Int)])
    func `counts that are missing are zero, and a missing model is the one asked for`(
        usage: JSONValue, prompt: Int, completion: Int, total: Int
    ) async throws {
        try await withServer(.json(["choices": [["message": ["content": "x"]]], "usage": usage])) { server in
            let response = try await router(server).complete(role: "solo", messages: [])
            #expect(response.model == "gpt")
            #expect(
                response.usage == .init(promptTokens: prompt, completionTokens: completion, totalTokens: total))
        }
    }

    @Test func `headers of the settings replace our own`() async throws {
        let headers = Settings([
            ("Authorization", .text("Basic abc")), ("content-type", .text("application/json; charset=utf-8")),
        ])
        try await withServer(.json(Self.answer())) { server in
            _ = try await router(server, settings: [("headers", .map(headers))], key: nil).complete(
                role: "solo", messages: [])
            let request = try #require(server.requests.first)
            #expect(request.header("authorization") == "Basic abc")
            #expect(request.header("content-type") == "application/json; charset=utf-8")
        }
    }

    @Test func `without settings the key is OpenRouter's`() async throws {
        let configuration = RoleConfiguration(
            defaultRole: "r", providers: [.init(name: "p", type: "openrouter_http")],
            roles: [.init(name: "r", provider: "p")])
        let router = LLMRouter(
            configuration: configuration, environment: .init(calendar: { CalendarTime(secondsSince1970: 0) }),
            registry: .live(environment: [:]))
        let words = "HTTP request failed: Illegal header value: the variable OPENROUTER_API_KEY is not set"
        await #expect(throws: CompletionFailure(.providerError, words)) {
            try await router.complete(role: "r", messages: [])
        }
    }
}
