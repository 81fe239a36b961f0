// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// What an engine knows over reloads, and the limits and choices that several requests share.
struct EngineStateTests {
    private static let quick = Reply.answer(after: .milliseconds(10))

    private func status(_ id: String, _ simulation: Simulation) throws -> DeploymentStatus {
        try #require(simulation.engine.statuses(at: simulation.now).first { $0.deployment.id == id })
    }

    // MARK: Reloads

    @Test func `an open circuit stays open over a reload, and a new policy opens the next one`() throws {
        var policy = GatewayPolicy.ordered("a", "b")
        var failing: Set<String> = ["a"]
        var simulation = Simulation(policy) { attempt, _, _ in
            failing.contains(attempt.deployment.id) ? .status(503) : Self.quick
        }
        for _ in 0..<3 { _ = try simulation.one(RouteRequest(model: "m")) }
        #expect(try status("a", simulation).circuit == .open)

        policy.breaker.failures = 1
        policy.deployments.append(
            Deployment(id: "c", group: "m", provider: "c", upstreamModel: "c", order: 5))
        simulation.engine.install(policy)
        #expect(try status("a", simulation).circuit == .open, "what was learnt stays")
        #expect(try simulation.one(RouteRequest(model: "m")).calls.map(\.deployment) == ["b"])
        failing = ["b"]
        _ = try simulation.one(RouteRequest(model: "m"))
        #expect(try status("b", simulation).circuit == .open, "one failure is enough now")

        failing = []
        simulation.pass(.seconds(60))
        #expect(try simulation.one(RouteRequest(model: "m")).calls.map(\.deployment) == ["a"], "the probe")
        #expect(try status("a", simulation).circuit == .closed)
    }

    @Test func `failures that a smaller limit would have opened at leave one more try`() throws {
        var policy = GatewayPolicy.ordered("a", "b")
        policy.breaker.failures = 5
        var simulation = Simulation(policy) { attempt, _, _ in
            attempt.deployment.id == "a" ? .status(503) : Self.quick
        }
        for _ in 0..<4 { _ = try simulation.one(RouteRequest(model: "m")) }
        policy.breaker.failures = 3
        simulation.engine.install(policy)
        #expect(try status("a", simulation).circuit == .closed)
        _ = try simulation.one(RouteRequest(model: "m"))
        #expect(try status("a", simulation).circuit == .open)
    }

    @Test func `counts, downs and windows survive a reload, and those of removed deployments come back with them`()
        throws
    {
        var policy = GatewayPolicy.ordered("a", "b")
        policy.deployments[0].requestsPerMinute = 2
        var simulation = Simulation(policy) { _, _, _ in Self.quick }
        for _ in 0..<2 { _ = try simulation.one(RouteRequest(model: "m")) }
        simulation.engine.setDown(true, named: "b")
        simulation.engine.install(GatewayPolicy.ordered("x"))
        simulation.engine.install(policy)
        #expect(try status("a", simulation).counts.success == 2 && status("b", simulation).isDown)
        let refused = try simulation.one(RouteRequest(model: "m", timeout: .seconds(1)))
        #expect(refused.calls.isEmpty && refused.failure?.status == 429, "the window is still full")
    }

    @Test func `a request that runs finishes on the table it began with`() throws {
        let policy = GatewayPolicy.ordered("a", "b")
        var engine = RoutingEngine(policy: policy)
        var random = SeededRandom(seed: 1)
        let now = Now(instant: Instant(nanoseconds: 0), calendar: CalendarTime(secondsSince1970: 0))
        var run = RequestRun(
            RouteRequest(model: "m"), plan: try RoutePlan(RouteRequest(model: "m"), table: engine.table))
        _ = run.handle(.begin, at: now, in: &engine, using: &random)
        engine.install(GatewayPolicy.ordered("z", group: "other"))
        let effects = run.handle(
            .failed(0, AttemptFailure(.unavailable, status: 503)), at: now, in: &engine, using: &random)
        guard case .start(let attempt) = try #require(effects.first) else {
            Issue.record("\(effects)")
            return
        }
        #expect(attempt.deployment.id == "b")
        _ = run.handle(
            .finished(1, usage: TokenUsage(inputTokens: 1, outputTokens: 1)), at: now, in: &engine, using: &random)
        #expect(run.isOver && engine.totals.requests == 2)
    }

    // MARK: Limits that deployments share

    /// Starts per minute never exceed `limit` in any 60 seconds.
    private func expectWindow(_ starts: [Duration], limit: Int) {
        let sorted = starts.sorted()
        for index in sorted.indices where index >= limit {
            #expect(sorted[index] - sorted[index - limit] >= .seconds(60))
        }
    }

    @Test(arguments: 1...10)
    func `a provider's requests are counted over all its deployments`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var policy = GatewayPolicy()
        policy.deployments = ["a", "b", "c"].map {
            Deployment(id: $0, group: "m", provider: $0 == "c" ? "other" : "shared", upstreamModel: $0)
        }
        let limit = Int.random(in: 2...20, using: &random)
        policy.providerLimits = ["shared": RateLimits(requestsPerMinute: limit)]
        var simulation = Simulation(policy, seed: seed) { _, _, random in
            Int.random(in: 0..<8, using: &random) == 0 ? .status(500) : Self.quick
        }
        let requests = (0..<300).map { _ in
            (Duration.milliseconds(Int.random(in: 0...200_000, using: &random)), RouteRequest(model: "m"))
        }
        let results = try simulation.all(requests)
        let calls = results.flatMap(\.calls)
        expectWindow(calls.filter { $0.deployment != "c" }.map(\.at), limit: limit)
        #expect(results.allSatisfy { $0.succeeded || $0.failure != nil })
        #expect(calls.contains { $0.deployment == "c" }, "the other provider takes what is over the limit")
    }

    @Test func `a provider's tokens are counted by what was really used`() throws {
        var policy = GatewayPolicy.ordered("a")
        policy.providerLimits = ["a": RateLimits(tokensPerMinute: 100)]
        var simulation = Simulation(policy) { _, _, _ in
            .answer(after: .milliseconds(1), usage: TokenUsage(inputTokens: 10, outputTokens: 30))
        }
        let request = RouteRequest(
            model: "m", estimatedInputTokens: 10, maximumOutputTokens: 50, timeout: .seconds(1))
        // 60 are expected of each call and 40 are used: after two calls 80 are gone, a third does not fit.
        #expect(try [true, true, false] == (0..<3).map { _ in try simulation.one(request).succeeded })
        let small = RouteRequest(model: "m", estimatedInputTokens: 10, maximumOutputTokens: 10, timeout: .seconds(1))
        #expect(try simulation.one(small).succeeded, "20 more fit beside the 80")
    }

    @Test(arguments: 1...10)
    func `a key's window holds over all models, and the refusal says when it opens`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var policy = GatewayPolicy.ordered("a")
        let limit = Int.random(in: 1...15, using: &random)
        policy.keyLimits = ["k": RateLimits(requestsPerMinute: limit)]
        var simulation = Simulation(policy, seed: seed) { _, _, _ in Self.quick }
        var requests = (0..<200).map { _ in
            (Duration.milliseconds(Int.random(in: 0...150_000, using: &random)), RouteRequest(model: "m", key: "k"))
        }
        requests += (0..<50).map { (Duration.seconds($0), RouteRequest(model: "m", key: "free")) }
        let results = try simulation.all(requests)
        expectWindow(results.prefix(200).flatMap(\.calls).map(\.at), limit: limit)
        #expect(results.suffix(50).allSatisfy { $0.succeeded }, "another key is not touched")
        for result in results.prefix(200) where !result.succeeded {
            guard case .keyRateLimited(let after?) = result.failure else {
                Issue.record("\(String(describing: result.failure))")
                return
            }
            #expect(after > .zero && after <= .seconds(60) && result.failure?.status == 429)
        }
    }

    // MARK: Choices

    @Test func `a weighted shuffle draws in proportion to the weights`() throws {
        var policy = GatewayPolicy.ordered("a", "b", "c", "d")
        for (index, weight) in [1.0, 2, 7, 0].enumerated() {
            policy.deployments[index].order = 1
            policy.deployments[index].weight = weight
        }
        var simulation = Simulation(policy, seed: 5) { _, _, _ in Self.quick }
        let count = 20_000
        let results = try simulation.all((0..<count).map { (.milliseconds($0), RouteRequest(model: "m")) })
        var drawn: [String: Int] = [:]
        for result in results { drawn[result.calls[0].deployment, default: 0] += 1 }
        for (id, share) in [("a", 0.1), ("b", 0.2), ("c", 0.7)] {
            let expected = Double(count) * share
            // Four standard deviations.
            #expect(abs(Double(drawn[id] ?? 0) - expected) < 4 * (expected * (1 - share)).squareRoot(), "\(drawn)")
        }
        #expect(drawn["d"] == nil, "a weight of zero is never drawn first")
    }

    @Test(arguments: [false, true])
    func `without weights the limits weigh, and without limits all are alike`(_ hasLimits: Bool) throws {
        var policy = GatewayPolicy.ordered("a", "b")
        for index in 0..<2 {
            policy.deployments[index].order = 1
            if hasLimits { policy.deployments[index].requestsPerMinute = index == 0 ? 300_000 : 100_000 }
        }
        var simulation = Simulation(policy, seed: 6) { _, _, _ in Self.quick }
        let results = try simulation.all((0..<10_000).map { (.milliseconds($0), RouteRequest(model: "m")) })
        let first = results.count { $0.calls[0].deployment == "a" }
        #expect(abs(Double(first) - (hasLimits ? 7500 : 5000)) < 200)
    }

    @Test func `a session keeps its deployment, and only the sessions of one that goes move`() throws {
        var policy = GatewayPolicy.ordered("a", "b", "c", "d")
        for index in policy.deployments.indices { policy.deployments[index].order = 1 }
        var simulation = Simulation(policy) { _, _, _ in Self.quick }
        let sessions = (0..<400).map { Affinity.hash("session-\($0)".utf8) }
        func homes(_ simulation: inout Simulation) throws -> [String] {
            try sessions.map { try simulation.one(RouteRequest(model: "m", affinity: $0)).calls[0].deployment }
        }
        let before = try homes(&simulation)
        #expect(try homes(&simulation) == before)
        for id in ["a", "b", "c", "d"] {
            #expect((60...140).contains(before.count { $0 == id }), "sessions spread over all")
        }
        simulation.engine.setDown(true, named: "b")
        let without = try homes(&simulation)
        for (old, new) in zip(before, without) { #expect(old == "b" ? new != "b" : new == old) }
        simulation.engine.setDown(false, named: "b")
        #expect(try homes(&simulation) == before, "they come home")
    }

    // MARK: Money

    @Test(arguments: [1, 37, 1000])
    func `a thousand requests at once spend a budget to the last call and no further`(_ affordable: Int) throws {
        var policy = GatewayPolicy.ordered("a", "b")
        for index in 0..<2 {
            policy.deployments[index].order = 1
            policy.deployments[index].prices = TokenPrices(
                input: Money(picodollars: 7), output: Money(picodollars: 3))
        }
        let price = Money(picodollars: 7 * 100 + 3 * 50)
        policy.budgets.userCaps = ["u": BudgetCap(amount: price * affordable)]
        policy.budgets.keyCaps = ["k": BudgetCap(amount: price * 1_000_000)]
        var simulation = Simulation(policy, seed: 3) { _, _, random in
            .answer(
                after: .milliseconds(Int.random(in: 1...5000, using: &random)),
                usage: TokenUsage(inputTokens: 100, outputTokens: 50))
        }
        let request = RouteRequest(
            model: "m", estimatedInputTokens: 100, maximumOutputTokens: 50, user: "u", key: "k")
        let results = try simulation.all((0..<1000).map { _ in (.zero, request) })
        #expect(results.count { $0.succeeded } == affordable)
        #expect(results.count { $0.failure?.status == 402 } == 1000 - affordable)
        let calendar = simulation.present.calendar
        #expect(simulation.engine.ledger.balance(of: .user("u"), at: calendar).spent == price * affordable)
        #expect(simulation.engine.ledger.balance(of: .key("k"), at: calendar).spent == price * affordable)
        let kept = simulation.entries.reduce(Money.zero) { $0 + $1.amount }
        #expect(kept == price * affordable && simulation.engine.ledger.openReservations == 0)
    }
}
