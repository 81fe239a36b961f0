// SPDX-License-Identifier: MIT

/// Stops calls to a deployment that fails again and again, and lets a single call test whether it is back.
///
/// The probe is claimed by ``claim(at:)`` when the call is made, not when a deployment is considered, and given back
/// by exactly one of ``succeeded(_:)``, ``failed(_:at:)`` and ``released(_:at:)``.
public struct CircuitBreaker: Hashable, Sendable {
    /// The state in the words of the operators' API.
    public enum Status: String, Hashable, Sendable {
        case closed = "CLOSED"
        case open = "OPEN"
        case halfOpen = "HALF_OPEN"
    }

    /// The right to make one call.
    public enum Permit: Hashable, Sendable {
        case ordinary
        /// The call tests a half-open deployment in the given opening of the circuit.
        case probe(opening: Int)
    }

    private enum State: Hashable, Sendable {
        case closed(consecutiveFailures: Int)
        case open(until: Instant)
        case probing(inFlight: Int)
    }

    /// When it opens and how it closes again.
    public let policy: BreakerPolicy
    private var state = State.closed(consecutiveFailures: 0)
    /// Counts openings, so that a probe of an earlier one is recognised.
    private var opening = 0

    public init(policy: BreakerPolicy = BreakerPolicy()) {
        self.policy = policy
    }

    /// The state as operators see it.
    public func status(at now: Instant) -> Status {
        switch state {
        case .closed: .closed
        case .open(let until): now < until ? .open : .halfOpen
        case .probing: .halfOpen
        }
    }

    /// Whether ``claim(at:)`` would give a permit.
    public func admits(at now: Instant) -> Bool {
        switch state {
        case .closed: true
        case .open(let until): now >= until
        case .probing(let inFlight): inFlight < policy.probes
        }
    }

    /// When calls may be made again, as far as that is known.
    public var opensAgain: Instant? {
        guard case .open(let until) = state else { return nil }
        return until
    }

    /// Failures in a row while closed; the policy's number while open.
    public var consecutiveFailures: Int {
        switch state {
        case .closed(let failures): failures
        case .open, .probing: policy.failures
        }
    }

    /// Takes the right to call, immediately before the call.
    public mutating func claim(at now: Instant) -> Permit? {
        switch state {
        case .closed:
            return .ordinary
        case .open(let until):
            guard now >= until else { return nil }
            state = .probing(inFlight: 1)
            return .probe(opening: opening)
        case .probing(let inFlight):
            guard inFlight < policy.probes else { return nil }
            state = .probing(inFlight: inFlight + 1)
            return .probe(opening: opening)
        }
    }

    /// The deployment answered in full: it is well, whichever call showed it.
    public mutating func succeeded(_ permit: Permit) {
        state = .closed(consecutiveFailures: 0)
    }

    /// The deployment began to answer. A probe closes the circuit so that others need not wait for the end of a long
    /// stream, but one more failure opens it again.
    public mutating func began(_ permit: Permit) {
        guard case .probe(let mine) = permit, mine == opening, case .probing = state else { return }
        state = .closed(consecutiveFailures: max(0, policy.failures - 1))
    }

    /// The call failed in a way that speaks against the deployment.
    ///
    /// A call that began before the circuit opened neither extends the opening nor ends a probe.
    public mutating func failed(_ permit: Permit, at now: Instant) {
        switch (state, permit) {
        case (.closed(let failures), _):
            state = failures + 1 >= policy.failures ? opened(at: now) : .closed(consecutiveFailures: failures + 1)
        case (.probing, .probe(let mine)) where mine == opening:
            state = opened(at: now)
        case (.probing, _), (.open, _):
            break
        }
    }

    /// The call ended without a verdict: cancelled, rate-limited, or refused for what the client asked.
    public mutating func released(_ permit: Permit, at now: Instant) {
        guard case .probe(let mine) = permit, mine == opening, case .probing(let inFlight) = state else { return }
        state = inFlight > 1 ? .probing(inFlight: inFlight - 1) : .open(until: now)
    }

    /// Takes over a new policy and keeps what is known of the deployment.
    public func adopting(_ policy: BreakerPolicy) -> CircuitBreaker {
        var breaker = CircuitBreaker(policy: policy)
        breaker.state = state
        breaker.opening = opening
        if case .closed(let failures) = state, failures >= policy.failures {
            breaker.state = .closed(consecutiveFailures: max(0, policy.failures - 1))
        }
        return breaker
    }

    private mutating func opened(at now: Instant) -> State {
        opening += 1
        return .open(until: now + policy.open)
    }
}
