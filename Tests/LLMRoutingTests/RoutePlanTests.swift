// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

struct RoutePlanTests {
    private func table(_ change: (inout GatewayPolicy) -> Void = { _ in }) -> RoutingTable {
        var policy = GatewayPolicy()
        policy.deployments = [
            "gpt", "pool-chat-mini", "pool-chat-standard", "openai/*", "openai/gpt-*", "*", "claude",
        ].map {
            Deployment(
                id: $0, group: $0, provider: "p", upstreamModel: $0.contains("*") ? "up/*" : "up/\($0)")
        }
        policy.virtualModels = [
            "chat-auto": VirtualModel(mode: .vibe, simple: "pool-chat-mini", complex: "pool-chat-standard")
        ]
        policy.aliases = ["fast": "gpt", "loop-a": "loop-b", "loop-b": "loop-a", "auto": "chat-auto"]
        change(&policy)
        return RoutingEngine(policy: policy).table
    }

    @Test(arguments: [
        ("gpt", "gpt", "up/gpt"), ("fast", "gpt", "up/gpt"), ("openai/o3", "openai/*", "up/o3"),
        ("openai/gpt-9", "openai/gpt-*", "up/9"), ("anything", "*", "up/anything"), ("loop-a", "*", "up/loop-a"),
    ])
    func `a model name leads to its group`(_ model: String, _ group: String, _ upstream: String) throws {
        let table = table()
        let plan = try RoutePlan(RouteRequest(model: model), table: table)
        #expect(plan.model == group && plan.virtual == nil)
        let place = try #require(table.deployments.firstIndex { $0.group == group })
        #expect(table.upstreamModel(place, on: plan.first) == upstream)
    }

    @Test func `an unknown model is a 404`() {
        let table = table { $0.deployments.removeAll { $0.group == "*" } }
        let failure = #expect(throws: RequestFailure.self) {
            try RoutePlan(RouteRequest(model: "nope"), table: table)
        }
        #expect(failure == .modelNotFound("nope") && failure?.status == 404)
        #expect(!table.serves("nope") && table.serves("auto"))
    }

    @Test(arguments: [
        ("hi", "pool-chat-mini", -98, "simple_task"),
        ("implement a distributed algorithm", "pool-chat-standard", 483, "complex_task"),
        (String(repeating: "x", count: 49), "pool-chat-mini", 49, "simple_task"),
        (String(repeating: "x", count: 50), "pool-chat-standard", 50, "complex_task"),
    ])
    func `a virtual model goes to a pool by its score`(
        _ text: String, _ pool: String, _ score: Int, _ reason: String
    ) throws {
        let plan = try RoutePlan(RouteRequest(model: "auto", prompt: Prompt(text)), table: table())
        let decision = try #require(plan.virtual)
        #expect(plan.model == pool && decision.score == score && decision.reason.rawValue == reason)
        #expect(
            decision.metadata.map(\.key) == ["virtual_model", "routed_model", "complexity_score", "routing_reason"])
        #expect(decision.metadata[2].value == .number(score) && decision.metadata[1].value == .text(pool))
    }

    @Test func `the decision is logged as operators search for it`() throws {
        let plan = try RoutePlan(RouteRequest(model: "chat-auto", prompt: Prompt("hi")), table: table())
        let rule = String(repeating: "=", count: 70)
        #expect(
            plan.virtual?.logLines(preview: "hi") == [
                rule, "✓ ROUTING DECISION:", "  Virtual Model:    chat-auto", "  Target Pool:      pool-chat-mini",
                "  Complexity Score: -98", "  Decision:         SIMPLE → Mini/Haiku", "  Message Preview:  hi...", rule,
            ])
        #expect(plan.virtual?.logLines().count == 7, "prompts stay out of the log unless asked for")
        let hard = "refactor " + String(repeating: "e\u{301}\r\n", count: 30)
        let strong = try #require(
            try RoutePlan(RouteRequest(model: "chat-auto", prompt: Prompt(hard)), table: table()).virtual)
        #expect(
            strong.logLines(preview: hard) == [
                rule, "✓ ROUTING DECISION:", "  Virtual Model:    chat-auto", "  Target Pool:      pool-chat-standard",
                "  Complexity Score: 277", "  Decision:         COMPLEX → Standard/Sonnet",
                "  Message Preview:  " + String(String.UnicodeScalarView(hard.unicodeScalars.prefix(60))) + "...", rule,
            ], "60 code points")
        #expect(
            strong.metadata.map(\.value) == [
                .text("chat-auto"), .text("pool-chat-standard"), .number(277), .text("complex_task"),
            ])
        let decision = try #require(plan.virtual)
        #expect(
            decision.successLine(model: "mini", elapsed: .milliseconds(12_056))
                == "✓ SUCCESS: chat-auto -> mini (12.05s, reason=simple_task)")
        let long = String(repeating: "e", count: 300)
        let failure = ["✗ FAILURE: chat-auto -> mini", "  Error: " + String(repeating: "e", count: 200)]
        #expect(decision.failureLines(model: "mini", error: long, isRetried: false) == failure)
        #expect(
            decision.failureLines(model: "mini", error: long, isRetried: true)
                == failure + ["  Will retry with fallback"])
    }

    @Test func `a request without messages is not scored`() throws {
        let plan = try RoutePlan(
            RouteRequest(model: "chat-auto"), table: table { $0.deployments.removeAll { $0.group == "*" } })
        #expect(plan.virtual == nil && plan.model == "pool-chat-standard")
    }

    @Test func `only virtual models and rankings read the prompt`() {
        #expect(table().needsPrompt(forModel: "auto") && !table().needsPrompt(forModel: "gpt"))
        #expect(table { $0.strategy = .ranked(.cost) }.needsPrompt(forModel: "gpt"))
    }

    @Test func `fallbacks follow each other, each group once`() throws {
        let table = table {
            $0.fallbacks = ["gpt": ["claude", "nope"], "claude": ["gpt", "pool-chat-mini"]]
            $0.deployments.removeAll { $0.group == "*" }
        }
        let plan = try RoutePlan(RouteRequest(model: "gpt"), table: table)
        #expect(plan.fallbacks.map(table.groupName) == ["claude", "pool-chat-mini"])
    }

    @Test func `models are listed once`() {
        #expect(
            table().modelNames == [
                "gpt", "pool-chat-mini", "pool-chat-standard", "claude", "auto", "fast", "loop-a", "loop-b",
                "chat-auto",
            ])
    }

    @Test func `an explanation has every number`() throws {
        var policy = GatewayPolicy.ordered("a", "b")
        policy.deployments[0].order = 1
        policy.deployments[0].weight = 3
        policy.deployments[1].weight = 1
        var engine = RoutingEngine(policy: policy)
        var random = SeededRandom(seed: 1)
        let now = Now(instant: Instant(nanoseconds: 0), calendar: CalendarTime(secondsSince1970: 0))
        let both = try RouteExplanation(RouteRequest(model: "m"), in: engine, at: now, using: &random)
        #expect(both.candidates.map(\.share) == [0.75, 0.25] && both.choice != nil)
        engine.setDown(true, named: "a")
        let one = try RouteExplanation(RouteRequest(model: "m"), in: engine, at: now, using: &random)
        #expect(one.candidates.map(\.unavailability) == [.down, nil] && one.choice == "b")
        #expect(one.candidates.map(\.share) == [nil, 1])
    }

    @Test func `a log replays against two policies`() throws {
        let log = (0..<200).map { index in
            LoggedRequest(
                at: .seconds(index), request: RouteRequest(model: "m"),
                usage: TokenUsage(inputTokens: 1000, outputTokens: 100), deployment: index % 2 == 0 ? "a" : "b",
                latency: index % 2 == 0 ? .seconds(2) : .milliseconds(200), succeeded: true)
        }
        var cheap = GatewayPolicy.ordered("a", "b")
        cheap.deployments[0].prices = TokenPrices(input: Money(picodollars: 1_000_000), output: .zero)
        cheap.deployments[1].prices = TokenPrices(input: Money(picodollars: 9_000_000), output: .zero)
        var fast = cheap
        (fast.deployments[0].order, fast.deployments[1].order) = (2, 1)
        var random = SeededRandom(seed: 1)
        let simulation = RouteSimulation(log: log)
        let first = simulation.outcome(of: cheap, using: &random)
        let second = simulation.outcome(of: fast, using: &random)
        #expect(first.answers == ["a": 200] && second.answers == ["b": 200])
        #expect(first.cost.description == "0.20" && second.cost.description == "1.80")
        #expect(first.medianLatency == .seconds(2) && second.p95Latency == .milliseconds(200))
        #expect(first.failures == 0 && first.attempts == 200 && first.assumedAnswers == 0)
        let unknown = simulation.outcome(of: .ordered("c"), using: &random)
        #expect(unknown.assumedAnswers == 200 && unknown.meanLatency == RouteSimulation.assumedLatency)
    }

    @Test func `a replay fails where and as often as the log shows`() {
        let log = (0..<1000).map { index in
            var entry = LoggedRequest(
                at: .seconds(100 * index), request: RouteRequest(model: "m"),
                usage: TokenUsage(inputTokens: 1, outputTokens: 1), deployment: "b", latency: .milliseconds(100))
            if index % 4 != 0 {
                entry.failedCalls = [.init(deployment: "a", kind: .unavailable, latency: .milliseconds(30))]
            } else {
                entry.deployment = "a"
            }
            return entry
        }
        var random = SeededRandom(seed: 2)
        let outcome = RouteSimulation(log: log).outcome(of: .ordered("a", "b"), using: &random)
        #expect(outcome.failures == 0 && outcome.answers.values.reduce(0, +) == 1000)
        // Three of four calls to `a` fail, and its circuit opens and is tested again, as it would have been.
        #expect((100...300).contains(outcome.answers["a"] ?? 0) && outcome.attempts > 1400, "\(outcome)")
        let again = RouteSimulation(log: log)
        var same = SeededRandom(seed: 2)
        #expect(again.outcome(of: .ordered("a", "b"), using: &same) == outcome, "the same seed, the same outcome")
    }

    @Test func `the score of a past request decides without its prompt`() throws {
        for (score, pool) in [(49, "pool-chat-mini"), (50, "pool-chat-standard")] {
            var request = RouteRequest(model: "auto")
            request.knownScore = score
            let plan = try RoutePlan(request, table: table())
            #expect(plan.model == pool && plan.virtual?.score == score)
        }
    }
}
