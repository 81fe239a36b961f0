// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// Random chains, limits, budgets and faults: what may never happen, whoever is called.
struct ChainPropertyTests {
    /// A breaker written down anew, as simply as its rules are said.
    private struct ReferenceBreaker {
        var failures = 0
        var openUntil: Instant?
        var probe: String?

        mutating func mayCall(_ call: String, at now: Instant) -> Bool {
            guard let until = openUntil else { return true }
            guard now >= until, probe == nil else { return false }
            probe = call
            return true
        }

        mutating func began(_ call: String) {
            guard probe == call else { return }
            (failures, openUntil, probe) = (2, nil, nil)
        }

        mutating func ended(_ call: String, blamed: Bool, succeeded: Bool, at now: Instant) {
            if succeeded {
                (failures, openUntil, probe) = (0, nil, nil)
            } else if openUntil != nil {
                guard probe == call else { return }
                probe = nil
                openUntil = blamed ? now + .seconds(60) : now
            } else if blamed {
                failures += 1
                if failures >= 3 { openUntil = now + .seconds(60) }
            }
        }
    }

    private enum Mark: Int { case ended, began, started }

    private static let blaming: Set<FailureKind> = [
        .serverError, .unavailable, .connection, .connectTimeout, .firstTokenTimeout, .idleTimeout, .malformedAnswer,
        .emptyAnswer, .htmlAnswer, .errorFirstStream, .streamCut, .unknown,
    ]

    private func randomPolicy(_ random: inout SeededRandom) -> GatewayPolicy {
        var policy = GatewayPolicy()
        let groups = Int.random(in: 1...3, using: &random)
        for group in 0..<groups {
            for member in 0..<Int.random(in: 1...3, using: &random) {
                var deployment = Deployment(
                    id: "g\(group)d\(member)", group: "g\(group)", provider: "p\(member)",
                    upstreamModel: "m\(group)\(member)",
                    prices: TokenPrices(input: Money(picodollars: 1_000_000), output: Money(picodollars: 4_000_000)))
                if Bool.random(using: &random) {
                    deployment.requestsPerMinute = Int.random(in: 3...30, using: &random)
                }
                if Bool.random(using: &random) {
                    deployment.tokensPerMinute = Int.random(in: 400...4000, using: &random)
                }
                policy.deployments.append(deployment)
            }
        }
        policy.fallbacks = ["g0": ["g1", "g2"]]
        policy.strategy = random.pick([.shuffle, .leastBusy, .latency, .cost, .usage, .ranked(.speed)])
        policy.budgets.providerCaps = ["p0": BudgetCap(amount: Money(picodollars: 2_000_000_000))]
        policy.budgets.defaultUserCap = BudgetCap(amount: Money(picodollars: 9_000_000_000))
        policy.providerLimits["p1"] = RateLimits(
            requestsPerMinute: Int.random(in: 5...40, using: &random),
            tokensPerMinute: Int.random(in: 500...5000, using: &random))
        policy.keyLimits["k"] = RateLimits(requestsPerMinute: Int.random(in: 10...60, using: &random))
        policy.allowedFails = Bool.random(using: &random) ? 2 : nil
        if Bool.random(using: &random) { policy.hedge = HedgePolicy(after: .milliseconds(900)) }
        return policy
    }

    private func randomReply(_ random: inout SeededRandom) -> Reply {
        let pause = Duration.nanoseconds(Int64.random(in: 1_000_000...3_000_000_000, using: &random))
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return .status(429, retryAfter: Bool.random(using: &random) ? pause : nil)
        case 1: return .silence
        case 2: return .fail(AttemptFailure(.connection), after: pause)
        case 3: return .cut(firstByte: pause, after: pause + pause)
        case 4, 5: return .fail(AttemptFailure(random.pick(FailureKind.allCases)), after: pause)
        case 6: return .status(500)
        default:
            return .answer(
                after: pause,
                usage: TokenUsage(inputTokens: 100, outputTokens: Int.random(in: 0...50, using: &random)))
        }
    }

    @Test(arguments: 1...25)
    func `nobody is called who is open, down, over its limit or over budget`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let policy = randomPolicy(&random)
        var simulation = Simulation(policy, seed: seed) { _, _, random in randomReply(&random) }
        let down = Set(policy.deployments.map(\.id).filter { _ in Int.random(in: 0..<6, using: &random) == 0 })
        for id in down { simulation.engine.setDown(true, named: id) }
        let requests = (0..<400).map { _ in
            (
                Duration.milliseconds(Int.random(in: 0...180_000, using: &random)),
                RouteRequest(
                    model: "g0", isStreaming: Bool.random(using: &random), estimatedInputTokens: 100,
                    maximumOutputTokens: 50, user: "u\(Int.random(in: 0..<2, using: &random))",
                    key: Bool.random(using: &random) ? "k" : nil, timeout: .seconds(60))
            )
        }
        let results = try simulation.all(requests)
        let records = results.flatMap { $0.run.attempts }
        #expect(!records.isEmpty || down.count == policy.deployments.count)
        #expect(records.allSatisfy { !down.contains($0.attempt.deployment.id) })
        #expect(results.allSatisfy { $0.run.isOver && ($0.succeeded != ($0.failure != nil)) })
        for deployment in policy.deployments {
            checkCircuit(results, deployment.id)
            let limits = RateLimits(
                requestsPerMinute: deployment.requestsPerMinute, tokensPerMinute: deployment.tokensPerMinute)
            checkLimits(records.filter { $0.attempt.deployment.id == deployment.id }, limits, deployment.id)
        }
        for (provider, limits) in policy.providerLimits {
            checkLimits(records.filter { $0.attempt.deployment.provider == provider }, limits, provider)
        }
        checkKey(zip(requests, results).filter { $0.0.1.key == "k" }, try #require(policy.keyLimits["k"]))
        checkBudgets(records, policy, simulation)
        let statuses = simulation.engine.statuses(at: simulation.now)
        #expect(statuses.allSatisfy { $0.inFlight == 0 }, "every call is given back")
        #expect(simulation.engine.ledger.openReservations == 0)
    }

    private func checkCircuit(_ results: [Simulation.Result], _ id: String) {
        var marks: [(at: Instant, mark: Mark, call: String, record: AttemptRecord)] = []
        for (index, result) in results.enumerated() {
            for record in result.run.attempts where record.attempt.deployment.id == id {
                let call = "\(index)/\(record.attempt.id)"
                marks.append((record.startedAt, .started, call, record))
                if let first = record.firstByteAt { marks.append((first, .began, call, record)) }
                if let end = record.endedAt { marks.append((end, .ended, call, record)) }
            }
        }
        marks.sort { ($0.at, $0.mark.rawValue) < ($1.at, $1.mark.rawValue) }
        // An answer that is whole at its first byte has both marks at one time; the end comes second.
        var breaker = ReferenceBreaker()
        for mark in marks {
            switch mark.mark {
            case .started:
                let mayCall = breaker.mayCall(mark.call, at: mark.at)
                #expect(mayCall, "\(id) called while open at \(mark.at)")
            case .began: breaker.began(mark.call)
            case .ended:
                if mark.record.firstByteAt == mark.at { breaker.began(mark.call) }
                switch mark.record.outcome {
                case .failed(let failure):
                    breaker.ended(
                        mark.call, blamed: Self.blaming.contains(failure.kind), succeeded: false, at: mark.at)
                case .succeeded: breaker.ended(mark.call, blamed: false, succeeded: true, at: mark.at)
                case .cancelled, .running: breaker.ended(mark.call, blamed: false, succeeded: false, at: mark.at)
                }
            }
        }
    }

    /// No 60 seconds hold more calls, or more tokens than were counted when the calls began, than the limits say. Every
    /// request here may use 150 tokens and uses no more.
    private func checkLimits(_ records: [AttemptRecord], _ limits: RateLimits, _ name: String) {
        let sorted = records.sorted { $0.startedAt < $1.startedAt }
        if let limit = limits.requestsPerMinute {
            for (index, record) in sorted.enumerated() where index >= limit {
                #expect(
                    record.startedAt - sorted[index - limit].startedAt >= .seconds(60),
                    "\(name) got more than \(limit) a minute")
            }
        }
        guard let limit = limits.tokensPerMinute else { return }
        var first = 0
        var tokens = 0
        for record in sorted {
            while record.startedAt - sorted[first].startedAt >= .seconds(60) {
                tokens -= sorted[first].leastTokens
                first += 1
            }
            tokens += record.leastTokens
            #expect(tokens <= limit, "\(name) got more than \(limit) tokens a minute")
        }
    }

    /// A key's requests are counted when they are let in; those that are not say so.
    private func checkKey(
        _ asked: [((Duration, RouteRequest), Simulation.Result)], _ limits: RateLimits
    ) {
        guard let limit = limits.requestsPerMinute else { return }
        let admitted = asked.filter { pair in
            if case .keyRateLimited = pair.1.failure { return false }
            return true
        }.map(\.0.0).sorted()
        for (index, time) in admitted.enumerated() where index >= limit {
            #expect(time - admitted[index - limit] >= .seconds(60), "the key got more than \(limit) a minute")
        }
    }

    private func checkBudgets(_ records: [AttemptRecord], _ policy: GatewayPolicy, _ simulation: Simulation) {
        var spent: [String: Money] = [:]
        for record in records { spent[record.attempt.deployment.provider, default: .zero] += record.cost }
        for (provider, cap) in policy.budgets.providerCaps {
            #expect(spent[provider, default: .zero] <= cap.amount)
            let balance = simulation.engine.ledger.balance(of: .provider(provider), at: simulation.present.calendar)
            #expect(balance.spent == spent[provider, default: .zero], "the ledger equals the sum of the answers")
        }
        let all = spent.values.reduce(Money.zero, +)
        let users = (0..<2).map {
            simulation.engine.ledger.balance(of: .user("u\($0)"), at: simulation.present.calendar)
        }
        #expect(users.allSatisfy { $0.spent <= ($0.cap ?? .zero) })
        #expect(users.reduce(Money.zero) { $0 + $1.spent } == all)
    }

    @Test(arguments: 1...300)
    func `a success is never lost when somebody in the chain would answer`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var policy = randomPolicy(&random)
        policy.budgets = BudgetPolicy()
        // Calls to others of a provider may use up what the good one shares with them.
        policy.providerLimits = [:]
        let good = random.pick(policy.deployments).id
        let faults: [Reply] = [
            .status(500), .status(503), .status(429), .status(401), .status(404), .status(402), .silence,
            .fail(AttemptFailure(.connection)), .fail(AttemptFailure(.emptyAnswer)),
            .status(429, retryAfter: .seconds(50)),
            .fail(AttemptFailure(.htmlAnswer)), .fail(AttemptFailure(.badRequest, status: 400)),
            .fail(AttemptFailure(.contextLength, status: 400)), .fail(AttemptFailure(.unknown)),
        ]
        let fault = Dictionary(
            uniqueKeysWithValues: policy.deployments.map { ($0.id, random.pick(faults)) })
        var simulation = Simulation(policy, seed: seed) { attempt, _, _ in
            attempt.deployment.id == good ? .answer(after: .seconds(1)) : fault[attempt.deployment.id] ?? .silence
        }
        let result = try simulation.one(RouteRequest(model: "g0", timeout: .seconds(300)))
        #expect(
            result.succeeded,
            "\(result.calls.map(\.deployment)), good is \(good): \(String(describing: result.failure))")
    }

    @Test(arguments: [
        RoutingStrategy.shuffle, .leastBusy, .latency, .cost, .usage, .ranked(.quality),
    ])
    func `10,000 requests survive a flaky and a dead provider`(_ strategy: RoutingStrategy) throws {
        var policy = GatewayPolicy.ordered("flaky", "dead", "good")
        for index in policy.deployments.indices { policy.deployments[index].order = 1 }
        policy.strategy = strategy
        var simulation = Simulation(policy, seed: 11) { attempt, _, random in
            switch attempt.deployment.id {
            case "flaky" where Int.random(in: 0..<10, using: &random) < 3:
                random.pick([.status(500), .status(503), .fail(AttemptFailure(.connection))])
            case "dead": .silence
            default: .answer(after: .milliseconds(Int.random(in: 50...400, using: &random)))
            }
        }
        let requests = (0..<10_000).map {
            (Duration.milliseconds(50 * $0), RouteRequest(model: "m", isStreaming: $0 % 2 == 0, timeout: .seconds(60)))
        }
        let results = try simulation.all(requests)
        let succeeded = results.count { $0.succeeded }
        #expect(Double(succeeded) >= 0.9999 * 10_000, "\(succeeded) of 10,000")
        let dead = results.flatMap(\.calls).filter { $0.deployment == "dead" && $0.at > .seconds(20) }.map(\.at)
            .sorted()
        for (earlier, later) in zip(dead, dead.dropFirst()) {
            #expect(later - earlier > .seconds(60), "less than one call a minute to a dead provider")
        }
    }
}

extension AttemptRecord {
    /// What a window surely holds of a call: the prompt of one that was answered.
    fileprivate var leastTokens: Int { outcome == .succeeded ? 100 : 0 }
}
