// SPDX-License-Identifier: MIT

import LLMRouting
import Synchronization
import Testing

/// Who is called when, with what, by a role's chain.
struct RoleChainTests {
    private let recorder = Recorder()

    private func router(
        _ role: RoleConfiguration.Role, policy: any RoutingPolicy = SimpleRoutingPolicy(),
        reply: @escaping @Sendable (CompletionRequest, Settings) throws -> String = { _, _ in "fine" }
    ) -> LLMRouter {
        let configuration = RoleConfiguration(
            defaultRole: "r",
            providers: [.init(name: "first", type: "scripted"), .init(name: "second", type: "mock")], roles: [role])
        var environment = LLMRouter.Environment(calendar: { CalendarTime(secondsSince1970: 0) })
        environment.sleep = { _ in }
        var registry = ProviderRegistry()
        registry.register(ScriptedProvider(reply: reply), type: "scripted")
        return LLMRouter(
            configuration: configuration, environment: environment, policy: policy, registry: registry,
            events: recorder, traces: recorder)
    }

    private static let byRole = RequestAttributes(
        model: "role", temperature: 0.1, jsonMode: true, maximumTokens: 1, timeout: .seconds(1))
    private static let byPolicy = RequestAttributes(
        model: "policy", temperature: 0.2, jsonMode: false, maximumTokens: 2, timeout: .seconds(2))
    private static let byCaller = RequestAttributes(
        model: "caller", temperature: 0.3, jsonMode: true, maximumTokens: 3, timeout: .seconds(3))

    /// Each of the five attributes alone, over all that may say it; the last that says it counts.
    @Test(arguments: 0..<5, [(false, false), (true, false), (false, true), (true, true)])
    func `of role, policy and caller the last one counts`(_ index: Int, _ speakers: (Bool, Bool)) async throws {
        func only(_ all: RequestAttributes) -> RequestAttributes {
            RequestAttributes(
                model: index == 0 ? all.model : nil, temperature: index == 1 ? all.temperature : nil,
                jsonMode: index == 2 ? all.jsonMode : nil, maximumTokens: index == 3 ? all.maximumTokens : nil,
                timeout: index == 4 ? all.timeout : nil)
        }
        let seen = Mutex([CompletionRequest]())
        let choice = ProviderChoice(
            providerName: "first", requestOverrides: speakers.0 ? only(Self.byPolicy) : RequestAttributes())
        let router = router(
            .init(name: "r", provider: "first", attributes: only(Self.byRole)), policy: OverridingPolicy(choice: choice)
        ) { request, _ in
            seen.withLock { $0.append(request) }
            return "ok"
        }
        _ = try await router.complete(
            role: "r", messages: [], attributes: speakers.1 ? only(Self.byCaller) : RequestAttributes())
        let winner = speakers.1 ? Self.byCaller : speakers.0 ? Self.byPolicy : Self.byRole
        let expected = RequestAttributes.defaults.merging(only(winner))
        let request = try #require(seen.withLock { $0.first })
        let sent = RequestAttributes(
            model: request.model, temperature: request.temperature, jsonMode: request.jsonMode,
            maximumTokens: request.maximumTokens, timeout: request.timeout)
        #expect(sent == expected)
    }

    @Test(arguments: zip(FailureType.allCases, [2, 2, 2, 2, 1, 1, 2]))
    func `each failure ends the request or goes on`(_ type: FailureType, _ calls: Int) async throws {
        let router = router(.init(name: "r", provider: "first", fallbacks: [.init(provider: "second")])) { _, _ in
            throw CompletionFailure(type, "as told")
        }
        let response = try? await router.complete(role: "r", messages: [])
        #expect(recorder.traces.count == calls && (response != nil) == (calls == 2))
        #expect(recorder.traces.first?.failureType == type)
    }

    @Test func `a first provider that is not there is skipped, and its place counts`() async throws {
        let router = router(.init(name: "r", provider: "nowhere", fallbacks: [.init(provider: "second")]))
        _ = try await router.complete(role: "r", messages: [])
        #expect(recorder.traces.map(\.attempt) == [1])
        #expect(recorder.events.map(\.event) == ["policy.choice", "policy.fallback", "llm.complete.success"])
        #expect(recorder.events.first?.data["provider"] == .text("nowhere"))
    }

    @Test func `when the rest of the chain is not there, the last failure is told`() async throws {
        let router = router(.init(name: "r", provider: "first", fallbacks: [.init(provider: "missing")])) { _, _ in
            throw CompletionFailure(.timeout, "as told")
        }
        await #expect(throws: CompletionFailure(.timeout, "as told")) {
            try await router.complete(role: "r", messages: [])
        }
        #expect(recorder.traces.count == 1)
    }

    @Test func `a policy's overrides reach every provider of the chain`() async throws {
        let choice = ProviderChoice(
            providerName: "first", providerOverrides: Settings([("response_text", .text("overridden"))]))
        let router = router(
            .init(name: "r", provider: "first", fallbacks: [.init(provider: "second")]),
            policy: OverridingPolicy(choice: choice)
        ) { _, settings in
            #expect(settings["response_text"] == .text("overridden"))
            throw CompletionFailure(.timeout, "as told")
        }
        #expect(try await router.complete(role: "r", messages: []).text == "overridden")
    }

    @Test func `messages are compressed before they are sent`() async throws {
        let seen = Mutex([ChatMessage]())
        var router = router(.init(name: "r", provider: "first")) { request, _ in
            seen.withLock { $0 = request.messages }
            return "ok"
        }
        router.compress = { $0.suffix(1) }
        _ = try await router.complete(role: "r", messages: [.user("one"), .user("two")])
        #expect(seen.withLock { $0 } == [.user("two")])
    }
}
