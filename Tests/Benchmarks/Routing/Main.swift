// SPDX-License-Identifier: MIT

import LLMRouting
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Prints nanoseconds for each step; the best of five rounds, because everything else only adds.
@main
enum RoutingBenchmark {
    static let calendar = CalendarTime(secondsSince1970: 1_700_000_000)

    static func main() throws {
        try decisions()
        try growth()
        try ledger()
        traces()
        if missed.withLock({ $0 }) > 0 { exit(1) }
    }

    /// Bounds that were not kept.
    static let missed = Mutex(0)

    /// Times of the same thing at two sizes must not differ by more than a factor; sizes are measured in the same run, so
    /// that a busy machine matters little.
    static func expect(_ name: String, _ large: Double, over small: Double, atMost limit: Double) {
        let factor = large / small
        let verdict = factor <= limit ? "(<= \(limit))" : "TOO MUCH: limit \(limit)"
        if factor > limit { missed.withLock { $0 += 1 } }
        print("\(padded(name, 58)) \(padded(left: "\((factor * 10).rounded() / 10)", 9)) x   \(verdict)")
    }

    /// Best time of one operation.
    @discardableResult
    static func measure(
        _ name: String, count: Int, limit: Double? = nil, _ body: (Int) throws -> Void
    ) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<5 {
            let start = ContinuousClock.now
            for index in 0..<count { try body(index) }
            let elapsed = ContinuousClock.now - start
            let (seconds, attoseconds) = elapsed.components
            best = min(best, (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count))
        }
        if let limit, best > limit { missed.withLock { $0 += 1 } }
        let verdict = limit.map { best <= $0 ? "  (<= \(Int($0)) ns)" : "  TOO SLOW: limit \(Int($0)) ns" } ?? ""
        print("\(padded(name, 58)) \(padded(left: "\(Int(best.rounded()))", 9)) ns\(verdict)")
        return best
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func padded(left text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    static func policy(deployments: Int, groups: Int = 1) throws -> GatewayPolicy {
        var policy = GatewayPolicy()
        for index in 0..<deployments {
            policy.deployments.append(
                Deployment(
                    id: "deployment-\(index)", group: "group-\(index % groups)", provider: "provider-\(index % 7)",
                    upstreamModel: "model-\(index)",
                    prices: TokenPrices(input: Money(picodollars: 150_000), output: Money(picodollars: 600_000)),
                    latency: .milliseconds(100 + index % 50), requestsPerMinute: 1_000_000,
                    specialties: [.code], quality: 0.9))
        }
        return policy
    }

    /// A whole request: plan, choose, claim, answer, book.
    static func request(
        _ request: RouteRequest, _ engine: inout RoutingEngine, _ random: inout SplitMix, _ index: Int
    ) throws {
        let start = Now(instant: Instant(nanoseconds: Int64(index) * 20_000_000), calendar: calendar)
        let end = Now(instant: Instant(nanoseconds: Int64(index) * 20_000_000 + 9_000_000), calendar: calendar)
        var run = RequestRun(request, plan: try RoutePlan(request, table: engine.table))
        let effects = run.handle(.begin, at: start, in: &engine, using: &random)
        precondition(effects.count == 1, "one call begins")
        _ = run.handle(
            .finished(0, usage: TokenUsage(inputTokens: 200, outputTokens: 80)), at: end, in: &engine, using: &random)
        precondition(run.isOver, "the answer ends it")
    }

    static func decisions() throws {
        print("decisions, three deployments, fallbacks, limits and a budget; begin and end of the request included")
        let text = """
            Our service leaks about 50 MB an hour in production. It is written in Node and uses websockets, the heap \
            snapshots show growing arrays of closures, and restarting it every night only hides the problem. How would \
            you find the cause, which tools would you use, and how do we make sure that it does not come back? Please \
            explain each step, and say what to look for in the snapshots before anybody changes code.
            """
        let prompt = Prompt(messages: [
            PromptMessage(role: .system, text: "You are a helpful assistant."), PromptMessage(role: .user, text: text),
        ])
        let strategies: [(String, RoutingStrategy)] = [
            ("weighted shuffle", .shuffle), ("least busy", .leastBusy), ("latency", .latency), ("cost", .cost),
            ("usage", .usage), ("ranked by cost", .ranked(.cost)),
        ]
        for (name, strategy) in strategies {
            var policy = try policy(deployments: 3)
            policy.strategy = strategy
            policy.budgets.defaultUserCap = BudgetCap(amount: .dollars(1_000_000))
            var engine = RoutingEngine(policy: policy)
            var random = SplitMix()
            let asked = RouteRequest(
                model: "group-0", prompt: prompt, estimatedInputTokens: 200, maximumOutputTokens: 100, user: "ann")
            try measure("  \(name)", count: 20_000, limit: 5000) { try request(asked, &engine, &random, $0) }
        }
        for (name, mode) in [("words", VirtualModel.Mode.words), ("vibe", .vibe)] {
            var policy = try policy(deployments: 2, groups: 2)
            policy.virtualModels = ["auto": VirtualModel(mode: mode, simple: "group-0", complex: "group-1")]
            var engine = RoutingEngine(policy: policy)
            var random = SplitMix()
            let asked = RouteRequest(model: "auto", prompt: prompt, estimatedInputTokens: 200)
            try measure("  virtual model by \(name), \(text.utf8.count) bytes", count: 20_000, limit: 5000) {
                try request(asked, &engine, &random, $0)
            }
        }
    }

    static func growth() throws {
        print("candidates of one group: the cost of a request grows with them and not faster")
        var times: [Double] = []
        for count in [10, 100, 1000] {
            var policy = try policy(deployments: count)
            policy.strategy = .cost
            var engine = RoutingEngine(policy: policy)
            var random = SplitMix()
            let asked = RouteRequest(model: "group-0", estimatedInputTokens: 200)
            times.append(
                try measure("  \(count) deployments in the group", count: 2_000_000 / (count + 100)) {
                    try request(asked, &engine, &random, $0)
                })
        }
        expect("  ten times the candidates", times[2], over: times[1], atMost: 12)
        print("registry: 1,000 deployments in 250 groups")
        var engine = RoutingEngine(policy: try policy(deployments: 1000, groups: 250))
        var random = SplitMix()
        let asked = RouteRequest(model: "group-17", estimatedInputTokens: 200)
        try measure("  one of 250 groups", count: 20_000, limit: 5000) { try request(asked, &engine, &random, $0) }
        let again = try policy(deployments: 1000, groups: 250)
        measure("  a reload", count: 20) { _ in engine.install(again) }
    }

    static func ledger() throws {
        print("ledger: reserve and settle for a user, a key and a provider")
        var times: [Double] = []
        for users in [1, 1000, 100_000] {
            var policy = BudgetPolicy()
            policy.defaultUserCap = BudgetCap(amount: .dollars(1_000_000))
            policy.keyCaps = ["k": BudgetCap(amount: .dollars(1_000_000))]
            policy.providerCaps = ["p": BudgetCap(amount: .dollars(1_000_000))]
            var ledger = BudgetLedger(policy: policy)
            let names = (0..<users).map { BudgetScope.user("user-\($0)") }
            let amount = Money(picodollars: 1_000_000)
            times.append(
                try measure("  \(users) users", count: 100_000, limit: 10_000) { index in
                    let scopes = [names[index % users], .key("k"), .provider("p")]
                    let reservation = try ledger.reserve(amount, for: scopes, at: calendar).get()
                    _ = ledger.settle(reservation, cost: amount, at: calendar)
                })
        }
        expect("  a hundred thousand users beside one", times[2], over: times[0], atMost: 6)
    }

    static func traces() {
        print("traces: which file goes when one comes, and one file's text")
        var times: [Double] = []
        for keep in [100, 10_000, 1_000_000] {
            var retention = TraceRetention(keep: keep, existing: (0..<keep).map { "20260101/\($0)" })
            let names = (0..<1000).map { "20260102/\($0)" }
            times.append(
                measure("  \(keep) kept", count: 50_000) { index in
                    precondition(retention.add(names[index % 1000]).count == 1, "one comes, one goes")
                })
        }
        expect("  a million kept beside a hundred", times[2], over: times[0], atMost: 6)
        let trace = RequestTrace(
            requestID: "0b6f3e0a-7f1c-4d3a-9a51-6f5b8f0f3a10", role: "planner", provider: "openrouter",
            model: "openai/gpt-4o", startedAt: calendar, attempt: 0, elapsedMilliseconds: 812.4,
            usage: CompletionResponse.Usage(promptTokens: 10, completionTokens: 5),
            gateway: RequestTrace.Gateway(route: "pool", cost: Money(picodollars: 280_000_000)))
        measure("  json", count: 20_000) { _ in precondition(!trace.json.isEmpty) }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
