// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// The routing service's numbers: two providers, three priorities, the boost.
struct RankingTests {
    static let registry: [Deployment] = [
        Deployment(
            id: "openai", group: "openai", provider: "openai", upstreamModel: "gpt-5.1",
            prices: TokenPrices(input: Money(picodollars: 20_000_000), output: .zero), latency: .milliseconds(200),
            requestsPerMinute: 100, specialties: [.code, .analysis, .writing], quality: 0.95),
        Deployment(
            id: "google", group: "google", provider: "google", upstreamModel: "gemini-pro",
            prices: TokenPrices(input: Money(picodollars: 15_000_000), output: .zero), latency: .milliseconds(250),
            requestsPerMinute: 150, specialties: [.writing, .analysis], quality: 0.94),
    ]

    private func order(
        _ prompt: String, _ priority: RankingPriority?, most: Money? = nil, strategy: RoutingStrategy = .ranked(.cost),
        reply: Reply = .status(503)
    ) throws -> Simulation.Result {
        var policy = GatewayPolicy()
        policy.deployments = Self.registry
        policy.strategy = strategy
        policy.retry.count = 0
        var simulation = Simulation(policy) { _, _, _ in reply }
        let request = RouteRequest(
            model: "", prompt: Prompt(prompt), estimatedInputTokens: Ranking.estimatedTokens(prompt),
            priority: priority, maximumCost: most)
        return try simulation.all([(.zero, request)], rankingAll: true)[0]
    }

    @Test(arguments: [
        ("undefined", RankingPriority.cost, ["google", "openai"]), ("hello", .cost, ["google", "openai"]),
        ("", .cost, ["openai", "google"]), ("undefined", .speed, ["openai", "google"]),
        ("hello", .speed, ["openai", "google"]), ("undefined", .quality, ["openai", "google"]),
        ("hello", .quality, ["openai", "google"]),
    ])
    func `providers are tried in this order`(_ prompt: String, _ priority: RankingPriority, _ ids: [String]) throws {
        #expect(try order(prompt, priority).calls.map(\.deployment) == ids)
    }

    @Test(arguments: [
        (RoutingStrategy.ranked(.speed), RankingPriority?.none, ["openai", "google"]),
        (.ranked(.speed), .cost, ["google", "openai"]), (.ranked(.cost), .none, ["google", "openai"]),
        (.shuffle, .none, ["google", "openai"]), (.usage, .none, ["google", "openai"]),
        (.shuffle, .speed, ["openai", "google"]),
    ])
    func `who states no priority gets the policy's, else cost`(
        _ strategy: RoutingStrategy, _ priority: RankingPriority?, _ ids: [String]
    ) throws {
        #expect(try order("hello", priority, strategy: strategy).calls.map(\.deployment) == ids)
    }

    @Test func `scores are the base with the boost`() {
        let (openai, google) = (Self.registry[0], Self.registry[1])
        let speed = Ranking(priority: .speed, taskClass: .code)
        #expect(speed.score(openai, estimatedCost: .zero) == 180 && speed.score(google, estimatedCost: .zero) == 250)
        #expect(Ranking(priority: .speed, taskClass: .writing).score(google, estimatedCost: .zero) == 225)
        let quality = Ranking(priority: .quality, taskClass: .writing)
        #expect(abs(quality.score(openai, estimatedCost: .zero) + 1.045) < 1e-12)
        #expect(abs(quality.score(google, estimatedCost: .zero) + 1.034) < 1e-12)
        #expect(Ranking(priority: .quality, taskClass: .code).score(google, estimatedCost: .zero) == -0.94)
    }

    @Test func `a specialist beats a slightly cheaper generalist`() throws {
        let ranking = Ranking(priority: .cost, taskClass: .code)
        let coder = Deployment(id: "c", group: "", provider: "", upstreamModel: "", specialties: [.code])
        let generalist = Deployment(id: "g", group: "", provider: "", upstreamModel: "")
        let special = ranking.score(coder, estimatedCost: try Money(exactly: "0.0044"))
        let general = ranking.score(generalist, estimatedCost: try Money(exactly: "0.0040"))
        #expect(special < general && abs(special - 0.00396) < 1e-12)
        #expect(ranking.score(coder, estimatedCost: try Money(exactly: "0.0050")) > general)
        #expect(ranking.score(generalist, estimatedCost: try Money(exactly: "0.0030")) < special)
    }

    @Test func `cost is a quarter token a code point, prompt only`() throws {
        let prompt = String(repeating: "é", count: 54)
        #expect(Ranking.estimatedTokens(prompt) == 14 && Ranking.estimatedTokens("") == 0)
        let cost = Ranking.estimatedCost(Self.registry[1], inputTokens: 14)
        #expect(cost.description == "0.00021")
        // Equal to the most is kept, above is dropped.
        #expect(try order(prompt, .speed, most: cost).calls.map(\.deployment) == ["google"])
        let none = try order(prompt, .cost, most: try Money(exactly: "0.0002"))
        #expect(none.calls.isEmpty && none.failure?.status == 503)
    }

    @Test(arguments: [
        (String(repeating: "日", count: 100), String(repeating: "日", count: 85)),
        (String(repeating: "x", count: 257), String(repeating: "x", count: 256)),
        (String(repeating: "x", count: 256), String(repeating: "x", count: 256)),
    ])
    func `a user's name is kept up to 256 bytes`(_ name: String, _ kept: String) throws {
        var policy = GatewayPolicy()
        policy.deployments = Self.registry
        policy.budgets.defaultUserCap = BudgetCap(amount: .dollars(1))
        var simulation = Simulation(policy) { _, _, _ in
            .answer(after: .milliseconds(1), usage: TokenUsage(inputTokens: 1000, outputTokens: 0))
        }
        _ = try simulation.all([(.zero, RouteRequest(model: "", user: name))], rankingAll: true)
        let balance = simulation.engine.ledger.balance(of: .user(kept), at: simulation.present.calendar)
        #expect(balance.spent > .zero)
    }

    @Test func `attempts are what analytics count`() throws {
        var policy = GatewayPolicy()
        policy.deployments = Self.registry
        policy.strategy = .ranked(.cost)
        var calls = 0
        var simulation = Simulation(policy) { attempt, _, _ in
            calls += 1
            return calls == 2
                ? .status(503) : .answer(after: .milliseconds(attempt.deployment.id == "google" ? 250 : 200))
        }
        for _ in 0..<4 {
            _ = try simulation.all(
                [(.zero, RouteRequest(model: "", prompt: Prompt("x"), estimatedInputTokens: 1))], rankingAll: true)
        }
        let totals = simulation.engine.totals
        #expect(totals.requests == 5 && totals.success == 4 && totals.failures == 1)
        #expect(totals.successRate == 0.8 && totals.averageLatencyMilliseconds == 237.5)
        let fresh = RoutingEngine(policy: policy).totals
        #expect(fresh.requests == 0 && fresh.successRate == 1 && fresh.averageLatencyMilliseconds == 0)
    }

    @Test func `measured latency takes the place of the declared one`() {
        var average = LatencyAverage()
        #expect(average.value == nil)
        average.record(.milliseconds(100))
        average.record(.milliseconds(200))
        #expect(average.value == .milliseconds(130))
        let speed = Ranking(priority: .speed, taskClass: .code)
        #expect(speed.score(Self.registry[1], estimatedCost: .zero, measuredLatency: .milliseconds(130)) == 130)
    }
}
