// SPDX-License-Identifier: MIT

import LLMRouting
import Synchronization
import Testing

/// Sends some parts, then breaks.
private struct BreakingStream: CompletionProvider {
    func complete(_ request: CompletionRequest, settings: Settings) async throws -> CompletionResponse {
        throw CompletionFailure(.providerError, "no plain answers")
    }

    func stream(
        _ request: CompletionRequest, settings: Settings
    ) -> AsyncThrowingStream<CompletionChunk, any Error> {
        AsyncThrowingStream { continuation in
            continuation.yield(.text("half"))
            continuation.finish(throwing: CompletionFailure(.timeout, "stalled"))
        }
    }
}

struct LLMRouterTests {
    private let recorder = Recorder()

    private static let configuration = RoleConfiguration(
        defaultRole: "planner",
        providers: [
            .init(name: "first", type: "scripted", settings: Settings([("fail", .text("TIMEOUT"))])),
            .init(name: "second", type: "mock"), .init(name: "odd", type: "unheard_of"),
            .init(name: "strict", type: "mock", settings: Settings([("raise_contract_violation", .bool(true))])),
        ],
        roles: [
            .init(
                name: "planner", provider: "first",
                attributes: RequestAttributes(model: "m1", temperature: 0.5),
                fallbacks: [.init(provider: "missing"), .init(provider: "second", model: "m2")]),
            .init(name: "solid", provider: "second"),
            .init(name: "strict", provider: "strict", fallbacks: [.init(provider: "second")]),
            .init(name: "odd", provider: "odd", fallbacks: [.init(provider: "second")]),
            .init(name: "again", provider: "first", fallbacks: [.init(provider: "first")]),
            .init(name: "lost", provider: "nowhere"),
        ])

    private func router(
        policy: any RoutingPolicy = SimpleRoutingPolicy(), recorder: Recorder? = nil, untyped: Bool = false
    ) -> LLMRouter {
        let recorder = recorder ?? self.recorder
        var environment = LLMRouter.Environment(calendar: { CalendarTime(secondsSince1970: 1_700_000_000) })
        environment.now = { Instant(nanoseconds: 5) }
        environment.sleep = { recorder.slept($0) }
        environment.requestID = { "id-1" }
        var registry = ProviderRegistry()
        registry.register(
            ScriptedProvider { _, settings in
                if untyped { throw Recorder.Broken() }
                guard let type = settings["fail"]?.textValue.flatMap(FailureType.init) else { return "fine" }
                throw CompletionFailure(type, "as told", retryAfter: settings["pause"] != nil ? .seconds(3) : nil)
            }, type: "scripted")
        registry.register(BreakingStream(), type: "breaking")
        var router = LLMRouter(
            configuration: Self.configuration, environment: environment, policy: policy, registry: registry,
            events: recorder, traces: recorder)
        router.log = { recorder.log($0) }
        return router
    }

    @Test func `a failure goes to the fallback, with its own model`() async throws {
        let response = try await router().complete(role: "planner", messages: [.user("x")])
        #expect(response.text == "mock response for role=planner" && response.model == "m2")
        #expect(response.requestID == "id-1")
        #expect(recorder.traces.map(\.fileName) == ["id-1-0-first.json", "id-1-2-second.json"])
        #expect(recorder.traces.map(\.failureType) == [.timeout, nil])
        #expect(
            recorder.events.map(\.event) == [
                "policy.choice", "llm.complete.error", "policy.fallback", "llm.complete.success",
            ])
        #expect(
            recorder.logs.map(\.event) == [
                "policy.choice", "llm.complete.start", "llm.complete.error", "policy.fallback", "llm.complete.start",
                "llm.complete.success",
            ])
        #expect(
            recorder.events[2].data
                == Settings([
                    ("role", .text("planner")), ("provider", .text("second")), ("attempt", .integer(2)),
                ]))
        #expect(
            recorder.events[1].data == Settings([("provider", .text("first")), ("failure_type", .text("TIMEOUT"))]))
    }

    @Test func `an unknown role is played by the default one and keeps its name`() async throws {
        let response = try await router().complete(role: "poet", messages: [])
        #expect(response.text == "mock response for role=poet" && recorder.traces[0].role == "poet")
    }

    @Test func `a contract violation ends the request at once`() async throws {
        await #expect(throws: CompletionFailure(.contractViolation, "mock contract violation")) {
            try await router().complete(role: "strict", messages: [])
        }
        #expect(recorder.traces.count == 1)
    }

    @Test func `an untyped error is UNKNOWN and goes to the next provider`() async throws {
        let response = try await router(untyped: true).complete(role: "planner", messages: [])
        #expect(response.provider == "mock" && recorder.traces[0].failureType == .unknown)
    }

    @Test func `an unregistered type is a failure like others`() async throws {
        _ = try await router().complete(role: "odd", messages: [])
        #expect(
            recorder.traces[0].error
                == "Provider 'unheard_of' not registered. Available: ['breaking', 'mock', 'scripted']")
    }

    @Test func `nobody in the chain is configured`() async throws {
        await #expect(throws: CompletionFailure(.providerError, "No providers available")) {
            try await router().complete(role: "lost", messages: [])
        }
        var empty = router()
        empty.configuration.defaultRole = "none"
        await #expect(
            throws: CompletionFailure(
                .providerError, "Role 'x' not found and default_role 'none' also missing")
        ) { try await empty.complete(role: "x", messages: []) }
    }

    @Test func `the same provider again waits as long as it asked for`() async throws {
        let choice = ProviderChoice(providerName: "first", providerOverrides: Settings([("pause", .bool(true))]))
        await #expect(throws: CompletionFailure.self) {
            try await router(policy: OverridingPolicy(choice: choice)).complete(role: "again", messages: [])
        }
        #expect(recorder.sleeps == [.seconds(3)])
        #expect(recorder.traces.map(\.attempt) == [0, 1])
    }

    @Test func `a task that is cancelled in the pause fails as cancelled`() async throws {
        var router = LLMRouter(
            configuration: Self.configuration,
            environment: .init(calendar: { CalendarTime(secondsSince1970: 0) }), registry: router().registry)
        let pausing = AsyncStream.makeStream(of: Void.self)
        router.log = { record in
            if record.event == RouterEvent.completeError { pausing.continuation.yield() }
        }
        router.policy = OverridingPolicy(
            choice: ProviderChoice(providerName: "first", providerOverrides: Settings([("pause", .bool(true))])))
        let told = router
        let task = Task { try await told.complete(role: "again", messages: []) }
        for await _ in pausing.stream { break }
        task.cancel()
        await #expect(throws: CompletionFailure(.cancelled, "cancelled")) { try await task.value }
    }

    @Test func `the caller's word counts more than the policy's, and the policy's more than the role's`() async throws {
        let seen = Mutex([CompletionRequest]())
        let choice = ProviderChoice(
            providerName: "first", providerOverrides: Settings([("b", .integer(2))]),
            requestOverrides: RequestAttributes(model: "policy", maximumTokens: 7),
            overrides: Settings([("a", .integer(1)), ("b", .integer(1))]))
        #expect(choice.overrides == Settings([("a", .integer(1)), ("b", .integer(2))]))
        var router = router(policy: OverridingPolicy(choice: choice))
        router.registry.register(
            ScriptedProvider { request, settings in
                #expect(settings["a"] == .integer(1) && settings["b"] == .integer(2))
                seen.withLock { $0.append(request) }
                return "ok"
            }, type: "scripted")
        _ = try await router.complete(
            role: "planner", messages: [], attributes: RequestAttributes(temperature: 0.9))
        let request = try #require(seen.withLock { $0.first })
        #expect(request.model == "policy" && request.maximumTokens == 7 && request.temperature == 0.9)
        #expect(request.timeout == .seconds(60) && !request.jsonMode)
    }

    @Test func `sinks, stores and hooks that fail break nothing`() async throws {
        var router = router(recorder: Recorder(isBroken: true))
        router.onTokenUsage = { _, _, _ in throw Recorder.Broken() }
        #expect(try await router.complete(role: "solid", messages: []).text == "mock response for role=solid")
    }

    @Test func `the token hook hears of each success once`() async throws {
        let heard = Mutex([String]())
        var router = router()
        router.onTokenUsage = { usage, role, provider in
            heard.withLock { $0.append("\(usage.totalTokens) \(role) \(provider)") }
        }
        _ = try await router.complete(role: "planner", messages: [])
        #expect(heard.withLock { $0 } == ["15 planner second"])
    }

    @Test func `a stream falls back before its first part and not after it`() async throws {
        var text = ""
        for try await chunk in router().stream(role: "planner", messages: []) {
            if case .text(let part) = chunk { text += part }
        }
        #expect(text == "mock response for role=planner")
        var breaking = router()
        breaking.configuration.providers[0].type = "breaking"
        var parts: [String] = []
        await #expect(throws: CompletionFailure(.timeout, "stalled")) {
            for try await chunk in breaking.stream(role: "planner", messages: []) {
                if case .text(let part) = chunk { parts.append(part) }
            }
        }
        #expect(parts == ["half"])
    }

    @Test(arguments: [
        ("raise_timeout", FailureType.timeout, "mock timeout"), ("raise_rate_limit", .rateLimit, "mock rate limit"),
        ("raise_contract_violation", .contractViolation, "mock contract violation"),
    ])
    func `the mock fails as it is told`(_ key: String, _ type: FailureType, _ message: String) async throws {
        var configuration = Self.configuration
        configuration.providers[1].settings = Settings([(key, .bool(true))])
        var router = router()
        router.configuration = configuration
        let told = router
        await #expect(throws: CompletionFailure(type, message)) {
            try await told.complete(role: "solid", messages: [])
        }
    }

    @Test(arguments: zip(FailureType.allCases, [true, true, true, true, false, false, true]))
    func `retry rule of each failure type`(_ type: FailureType, _ retries: Bool) {
        #expect(type.shouldRetry == retries)
    }

    @Test func `request ids are random UUIDs of version 4`() {
        var random = SeededRandom(seed: 1)
        let ids = (0..<100).map { _ in RequestID.make(using: &random) }
        #expect(Set(ids).count == 100)
        #expect(
            ids.allSatisfy { id in
                let parts = id.split(separator: "-")
                return parts.map(\.count) == [8, 4, 4, 4, 12] && parts[2].hasPrefix("4")
                    && "89ab".contains(parts[3].first ?? " ")
            })
    }
}
