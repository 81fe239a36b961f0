// SPDX-License-Identifier: MIT

/// The calls that a request has made, by place; a handful at most, so a list is faster than a set.
struct Tries: Hashable, Sendable {
    struct Try: Hashable, Sendable {
        let place: Int
        var calls: Int
        /// Not called again for this request.
        var isSpent: Bool
        var usedQuickRepeat = false
    }

    private(set) var list: [Try] = []

    func contains(_ place: Int) -> Bool {
        list.contains { $0.place == place }
    }

    func isSpent(_ place: Int) -> Bool {
        list.contains { $0.place == place && $0.isSpent }
    }

    mutating func called(_ place: Int) {
        update(place) { $0.calls += 1 }
    }

    mutating func spend(_ place: Int) {
        update(place) { $0.isSpent = true }
    }

    /// True once per place.
    mutating func takeQuickRepeat(_ place: Int) -> Bool {
        guard let index = list.firstIndex(where: { $0.place == place }), !list[index].usedQuickRepeat else {
            return false
        }
        list[index].usedQuickRepeat = true
        return true
    }

    private mutating func update(_ place: Int, _ change: (inout Try) -> Void) {
        if let index = list.firstIndex(where: { $0.place == place }) {
            change(&list[index])
        } else {
            var new = Try(place: place, calls: 0, isSpent: false)
            change(&new)
            list.append(new)
        }
    }
}

extension RoutingTable {
    /// A client that states a priority gets a ranking, and so does one that names no model: by the policy's priority,
    /// else by cost.
    func strategy(for request: RouteRequest) -> RoutingStrategy {
        if let priority = request.priority { return .ranked(priority) }
        switch policy.strategy {
        case .ranked: return policy.strategy
        case .shuffle, .leastBusy, .latency, .cost, .usage:
            return request.model.isEmpty ? .ranked(.cost) : policy.strategy
        }
    }
}

/// Candidates pass by one at a time and only the best is kept, so that a choice allocates nothing.
private struct Choice {
    var place: Int?
    private var score = Double.infinity
    private var ties = 0
    private var second: Int?

    /// Keeps the lowest score; among equals each is as likely as the others.
    mutating func offer(_ candidate: Int, score new: Double, using random: inout some RandomNumberGenerator) {
        if place == nil || new < score {
            (place, score, ties) = (candidate, new, 1)
        } else if new == score {
            ties += 1
            if Int.random(in: 0..<ties, using: &random) == 0 { place = candidate }
        }
    }

    /// Keeps the lowest score, the first among equals.
    mutating func offerStable(_ candidate: Int, score new: Double) {
        if place == nil || new < score { (place, score) = (candidate, new) }
    }

    /// Keeps each with a probability in proportion to its weight.
    mutating func draw(_ candidate: Int, weight: Double, using random: inout some RandomNumberGenerator) {
        if place == nil {
            (place, score) = (candidate, weight)
            return
        }
        score += weight
        if weight > 0, Double.random(in: 0..<1, using: &random) * score < weight { place = candidate }
    }

    /// Keeps two at random.
    mutating func sample(_ candidate: Int, using random: inout some RandomNumberGenerator) {
        ties += 1
        if place == nil {
            place = candidate
        } else if second == nil {
            second = candidate
        } else {
            let drawn = Int.random(in: 0..<ties, using: &random)
            if drawn == 0 { place = candidate } else if drawn == 1 { second = candidate }
        }
    }

    func better(by score: (Int) -> Double) -> Int? {
        guard let place, let second else { return place }
        return score(second) < score(place) ? second : place
    }
}

/// One step of a chain, considered for a call.
struct Selection {
    let request: RouteRequest
    let plan: RoutePlan
    let tries: Tries
    /// Upstream models that would fail in the same way as one did.
    let spoiledModels: [String]

    /// The deployment to call now, and the step it is on: from the nearest group that has one, the cooling ones last.
    func choose(
        from chain: [RoutingTable.Link], in engine: RoutingEngine, at now: Now,
        using random: inout some RandomNumberGenerator
    ) -> (link: RoutingTable.Link, place: Int)? {
        for link in chain {
            if let place = choose(link, in: engine, at: now, cooling: false, using: &random) { return (link, place) }
        }
        for link in chain {
            if let place = choose(link, in: engine, at: now, cooling: true, using: &random) { return (link, place) }
        }
        return nil
    }

    /// Whether a deployment may be called now for this request.
    func mayCall(_ place: Int, on link: RoutingTable.Link, in engine: RoutingEngine, at now: Now) -> Bool {
        switch engine.unavailability(place, for: request, in: plan.table, at: now) {
        case nil, .cooling: !isSpoiled(place, on: link)
        default: false
        }
    }

    func isSpoiled(_ place: Int, on link: RoutingTable.Link) -> Bool {
        !spoiledModels.isEmpty && spoiledModels.contains(plan.table.upstreamModel(place, on: link))
    }

    private func choose(
        _ link: RoutingTable.Link, in engine: RoutingEngine, at now: Now, cooling: Bool,
        using random: inout some RandomNumberGenerator
    ) -> Int? {
        let table = plan.table
        let group = table.groups[link.group]
        var choice = Choice()
        var order: Int?
        for (index, place) in group.members.enumerated() {
            if let order, !group.ignoresOrder, table.facts[place].order != order { break }
            guard !tries.contains(place), !isSpoiled(place, on: link) else { continue }
            switch engine.unavailability(place, for: request, in: table, at: now) {
            case nil where !cooling: break
            case .cooling where cooling: break
            default: continue
            }
            order = table.facts[place].order
            offer(place, weight: group.weights[index], to: &choice, in: engine, at: now, using: &random)
        }
        guard case .latency = table.strategy(for: request), request.affinity == nil else { return choice.place }
        return choice.better { expectedWait($0, in: engine) }
    }

    private func offer(
        _ place: Int, weight: Double, to choice: inout Choice, in engine: RoutingEngine, at now: Now,
        using random: inout some RandomNumberGenerator
    ) {
        if let session = request.affinity {
            choice.offerStable(place, score: -Double(Affinity.weight(session, plan.table.seeds[place]) >> 11))
            return
        }
        switch plan.table.strategy(for: request) {
        case .shuffle: choice.draw(place, weight: weight, using: &random)
        case .latency: choice.sample(place, using: &random)
        case .leastBusy, .cost, .usage:
            choice.offer(place, score: score(place, in: engine, at: now) ?? 0, using: &random)
        case .ranked: choice.offerStable(place, score: score(place, in: engine, at: now) ?? 0)
        }
    }

    /// What the strategy compares; lower is better. Nil for a shuffle.
    func score(_ place: Int, in engine: RoutingEngine, at now: Now) -> Double? {
        let table = plan.table
        let slot = table.slots[place]
        let facts = table.facts[place]
        switch table.strategy(for: request) {
        case .shuffle: return nil
        case .leastBusy: return Double(engine.states[slot].inFlight)
        case .latency: return expectedWait(place, in: engine)
        case .cost: return Double(facts.prices.cost(of: request.expectedUsage(at: facts)).picodollars)
        case .usage: return engine.states[slot].usedShare(facts.limits, at: now.instant)
        case .ranked(let priority):
            let measured =
                table.policy.measuredLatency
                ? engine.states[slot].measuredLatency(streaming: request.isStreaming) : nil
            let taskClass = plan.taskClass ?? .analysis
            return Ranking(priority: priority, taskClass: taskClass).score(
                estimatedCost: facts.prices.input * max(0, request.estimatedInputTokens),
                latency: measured ?? facts.latency, quality: facts.quality,
                isSpecialist: facts.isSpecialist(for: taskClass))
        }
    }

    /// Latency times the calls that would share it. What was never measured goes first, so that it gets measured.
    private func expectedWait(_ place: Int, in engine: RoutingEngine) -> Double {
        let slot = plan.table.slots[place]
        let measured = engine.states[slot].measuredLatency(streaming: request.isStreaming)
        let latency = (measured ?? plan.table.facts[place].latency)?.milliseconds ?? 0
        return latency * Double(engine.states[slot].inFlight + 1)
    }
}

extension DeploymentState {
    /// The larger part of its limits that the last minute used.
    fileprivate func usedShare(_ limits: RateLimits, at now: Instant) -> Double {
        let ofRequests = share(windows.requests.peek(at: now), of: limits.requestsPerMinute)
        let ofTokens = share(windows.tokens.peek(at: now), of: limits.tokensPerMinute)
        // Without limits only the calls in flight tell deployments apart.
        return ofRequests == 0 && ofTokens == 0 ? Double(inFlight) / 1_000_000 : max(ofRequests, ofTokens)
    }

    private func share(_ used: Int, of limit: Int?) -> Double {
        guard let limit, limit > 0 else { return 0 }
        return Double(used) / Double(limit)
    }
}
