// SPDX-License-Identifier: MIT

/// The routing state of a gateway: the policy in force and everything learnt from calls.
///
/// A value without locks, clock or randomness of its own: its owner keeps it in an actor or behind a lock and passes
/// the present moment. One request is followed by a ``RequestRun``, which asks the engine at each step.
public struct RoutingEngine: Sendable {
    /// The policy in force, prepared for look-ups.
    public private(set) var table: RoutingTable
    /// What was spent, and what is set aside.
    public var ledger: BudgetLedger
    var states: [DeploymentState] = []
    var hedges = HedgeBudget()
    private var slotByID: [String: Int] = [:]
    private var providerWindows: [String: RateWindows] = [:]
    private var keyWindows: [String: RateWindows] = [:]

    public init(policy: GatewayPolicy) {
        ledger = BudgetLedger(policy: policy.budgets)
        table = RoutingTable(policy: GatewayPolicy(), slot: { _ in 0 })
        install(policy)
    }

    /// Puts a new policy in force. What is known of deployments that stay is kept, by id; requests that run finish on
    /// the table they began with.
    public mutating func install(_ policy: GatewayPolicy) {
        var slots = slotByID
        var states = states.map { state in
            var state = state
            state.breaker = state.breaker.adopting(policy.breaker)
            return state
        }
        table = RoutingTable(policy: policy) { id in
            if let slot = slots[id] { return slot }
            slots[id] = states.count
            states.append(DeploymentState(id: id, breaker: policy.breaker))
            return states.count - 1
        }
        self.states = states
        slotByID = slots
        ledger.policy = policy.budgets
        keyWindows = keyWindows.filter { policy.keyLimits[$0.key] != nil }
        providerWindows = providerWindows.filter { policy.providerLimits[$0.key] != nil }
    }

    /// Marks a deployment, or all deployments of a provider or group, as down or up again. Returns how many it met.
    @discardableResult
    public mutating func setDown(_ isDown: Bool, named name: String) -> Int {
        var met = 0
        for (place, deployment) in table.deployments.enumerated()
        where deployment.id == name || deployment.provider == name || deployment.group == name {
            states[table.slots[place]].isDown = isDown
            met += 1
        }
        return met
    }

    /// Counts a request against its key's limits, or says when it may come again.
    mutating func admitKey(_ request: RouteRequest, at now: Instant) -> RequestFailure? {
        guard let key = request.key, let limits = table.policy.keyLimits[key] else { return nil }
        var windows = keyWindows[key] ?? RateWindows()
        let tokens = request.tokenEstimate.counted(against: limits)
        guard windows.admits(limits, tokens: tokens, at: now) else {
            return .keyRateLimited(retryAfter: windows.admission(limits, tokens: tokens, at: now).map { $0 - now })
        }
        windows.take(limits, tokens: tokens, at: now)
        keyWindows[key] = windows
        return nil
    }

    /// Why a deployment cannot be called now; nil when it can.
    func unavailability(
        _ place: Int, for request: RouteRequest, in table: RoutingTable, at now: Now
    ) -> Unavailability? {
        let facts = table.facts[place]
        if !facts.mode.serves(request.mode) { return .wrongMode }
        if let most = facts.maximumInputTokens, table.policy.checksContextWindow,
            request.estimatedInputTokens > most
        {
            return .promptTooLong
        }
        if let most = request.maximumCost, facts.prices.input * max(0, request.estimatedInputTokens) > most {
            return .tooExpensive
        }
        let slot = table.slots[place]
        if let own = states[slot].unavailability(facts, estimate: request.tokenEstimate, at: now.instant) {
            return own
        }
        if table.hasProviderLimits || table.hasProviderBudgets,
            let shared = providerUnavailability(place, request, table, now)
        {
            return shared
        }
        return states[slot].pause(at: now.instant)
    }

    private func providerUnavailability(
        _ place: Int, _ request: RouteRequest, _ table: RoutingTable, _ now: Now
    ) -> Unavailability? {
        let provider = table.deployments[place].provider
        if let limits = table.policy.providerLimits[provider], let windows = providerWindows[provider] {
            let tokens = request.tokenEstimate.counted(against: limits)
            if !windows.admits(limits, tokens: tokens, at: now.instant) {
                return .rateLimited(until: windows.admission(limits, tokens: tokens, at: now.instant))
            }
        }
        let facts = table.facts[place]
        let cost = facts.prices.cost(of: request.expectedUsage(at: facts))
        return ledger.refusal(of: cost, in: .provider(provider), at: now.calendar).map { .overBudget($0) }
    }

    /// Takes everything that a call needs, immediately before it: budget, breaker permit, limits.
    mutating func claim(
        _ place: Int, for request: RouteRequest, in table: RoutingTable, at now: Now
    ) -> Result<CallClaim, BudgetRefusal> {
        let facts = table.facts[place]
        let slot = table.slots[place]
        var reservation: BudgetLedger.Reservation?
        if table.hasBudgets {
            let cost = facts.prices.cost(of: request.expectedUsage(at: facts))
            let scopes = request.scopes(provider: table.deployments[place].provider)
            switch ledger.reserve(cost, for: scopes, at: now.calendar) {
            case .success(let granted): reservation = granted
            case .failure(let refusal): return .failure(refusal)
            }
        }
        guard let permit = states[slot].breaker.claim(at: now.instant) else {
            preconditionFailure("a call is claimed only for a deployment that admits it")
        }
        let estimate = request.tokenEstimate
        let tokens = estimate.counted(against: facts.limits)
        states[slot].windows.take(facts.limits, tokens: tokens, at: now.instant)
        if table.hasProviderLimits, let limits = table.policy.providerLimits[table.deployments[place].provider] {
            let tokens = estimate.counted(against: limits)
            providerWindows[table.deployments[place].provider, default: RateWindows()].take(
                limits, tokens: tokens, at: now.instant)
        }
        states[slot].inFlight += 1
        return .success(
            CallClaim(
                place: place, slot: slot, permit: permit, takenAt: now.instant, estimate: estimate,
                reservation: reservation
            ))
    }

    /// The first valid part of an answer arrived.
    mutating func began(_ claim: CallClaim, at now: Instant, isStreaming: Bool) {
        states[claim.slot].breaker.began(claim.permit)
        if isStreaming { states[claim.slot].firstToken.record(now - claim.takenAt) }
        states[claim.slot].restsUntil = nil
        states[claim.slot].refusalsInARow = 0
    }

    /// The answer is whole.
    mutating func succeeded(
        _ claim: CallClaim, usage: TokenUsage, in table: RoutingTable, at now: Now
    ) -> (cost: Money, entry: LedgerEntry?) {
        let cost = table.facts[claim.place].prices.cost(of: usage)
        let latency = now.instant - claim.takenAt
        states[claim.slot].breaker.succeeded(claim.permit)
        states[claim.slot].inFlight -= 1
        states[claim.slot].restsUntil = nil
        states[claim.slot].refusalsInARow = 0
        states[claim.slot].wholeAnswer.record(latency)
        states[claim.slot].counts.success += 1
        states[claim.slot].counts.latency += latency
        states[claim.slot].counts.cost += cost
        return (cost, close(claim, usage: usage, cost: cost, in: table, at: now))
    }

    /// The call failed.
    mutating func failed(
        _ claim: CallClaim, _ failure: AttemptFailure, in table: RoutingTable, at now: Now,
        using random: inout some RandomNumberGenerator
    ) -> (cost: Money, entry: LedgerEntry?) {
        states[claim.slot].inFlight -= 1
        states[claim.slot].counts.failures += 1
        switch failure.kind.conduct.verdict {
        case .blamesDeployment:
            states[claim.slot].breaker.failed(claim.permit, at: now.instant)
            countFailure(claim.slot, in: table, at: now.instant)
        case .asksForRest:
            states[claim.slot].breaker.released(claim.permit, at: now.instant)
            rest(claim.slot, failure.retryAfter, policy: table.policy.retry, at: now.instant, using: &random)
            countFailure(claim.slot, in: table, at: now.instant)
        case .restsForCooldown:
            states[claim.slot].breaker.released(claim.permit, at: now.instant)
            states[claim.slot].coolsUntil = now.instant + table.policy.cooldown
        case .neutral:
            states[claim.slot].breaker.released(claim.permit, at: now.instant)
        }
        return closeUnfinished(claim, usage: failure.usage, in: table, at: now)
    }

    /// The call was taken back: a hedge that lost, a client that left.
    mutating func cancelled(
        _ claim: CallClaim, usage: TokenUsage?, in table: RoutingTable, at now: Now
    ) -> (cost: Money, entry: LedgerEntry?) {
        states[claim.slot].inFlight -= 1
        states[claim.slot].breaker.released(claim.permit, at: now.instant)
        return closeUnfinished(claim, usage: usage, in: table, at: now)
    }

    private mutating func closeUnfinished(
        _ claim: CallClaim, usage: TokenUsage?, in table: RoutingTable, at now: Now
    ) -> (cost: Money, entry: LedgerEntry?) {
        guard let usage else {
            if let reservation = claim.reservation { ledger.release(reservation) }
            return (.zero, nil)
        }
        let cost = table.facts[claim.place].prices.cost(of: usage)
        states[claim.slot].counts.cost += cost
        return (cost, close(claim, usage: usage, cost: cost, in: table, at: now))
    }

    private mutating func close(
        _ claim: CallClaim, usage: TokenUsage, cost: Money, in table: RoutingTable, at now: Now
    ) -> LedgerEntry? {
        let actual = usage.totalTokens
        states[claim.slot].windows.correct(
            table.facts[claim.place].limits, claim.estimate, actual: actual, takenAt: claim.takenAt, now: now.instant)
        if table.hasProviderLimits, let limits = table.policy.providerLimits[table.deployments[claim.place].provider] {
            providerWindows[table.deployments[claim.place].provider]?.correct(
                limits, claim.estimate, actual: actual, takenAt: claim.takenAt, now: now.instant)
        }
        return claim.reservation.flatMap { ledger.settle($0, cost: cost, at: now.calendar) }
    }

    private mutating func countFailure(_ slot: Int, in table: RoutingTable, at now: Instant) {
        guard let allowed = table.policy.allowedFails else { return }
        states[slot].failures.record(1, at: now)
        if states[slot].failures.used(at: now) > allowed {
            states[slot].coolsUntil = now + table.policy.cooldown
        }
    }

    /// A 429 with Retry-After rests that long, capped; without, a backoff that doubles from one to the next.
    private mutating func rest(
        _ slot: Int, _ retryAfter: Duration?, policy: RetryPolicy, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        let pause: Duration
        if let retryAfter {
            pause = min(max(.zero, retryAfter), policy.retryAfterCap)
        } else {
            pause = policy.backoff(states[slot].refusalsInARow, using: &random)
            states[slot].refusalsInARow += 1
        }
        states[slot].restsUntil = max(states[slot].restsUntil ?? now, now + pause)
    }
}

/// What a running call holds; given back exactly once.
struct CallClaim: Sendable {
    let place: Int
    let slot: Int
    let permit: CircuitBreaker.Permit
    let takenAt: Instant
    let estimate: TokenEstimate
    let reservation: BudgetLedger.Reservation?
}

extension Deployment {
    var limits: RateLimits {
        RateLimits(requestsPerMinute: requestsPerMinute, tokensPerMinute: tokensPerMinute)
    }
}

extension RateLimits {
    var isAny: Bool { requestsPerMinute != nil || tokensPerMinute != nil }
}

extension RouteRequest {
    var tokenEstimate: TokenEstimate {
        TokenEstimate(input: estimatedInputTokens, output: maximumOutputTokens ?? 0)
    }

    func scopes(provider: String) -> [BudgetScope] {
        var scopes: [BudgetScope] = []
        if let user = budgetUser { scopes.append(.user(user)) }
        if let key { scopes.append(.key(key)) }
        scopes.append(.provider(provider))
        return scopes
    }
}
