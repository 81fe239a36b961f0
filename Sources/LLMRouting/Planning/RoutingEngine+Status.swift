// SPDX-License-Identifier: MIT

/// A deployment as operators see it.
public struct DeploymentStatus: Sendable {
    /// As the policy has it.
    public let deployment: Deployment
    /// An operator said so.
    public let isDown: Bool
    /// The state of its circuit.
    public let circuit: CircuitBreaker.Status
    /// Totals of its calls.
    public let counts: AttemptCounts
    /// Calls that run now.
    public let inFlight: Int
    /// Calls counted against its limit; 0 where it has none.
    public let requestsInLastMinute: Int
    /// Tokens counted against its limit; 0 where it has none.
    public let tokensInLastMinute: Int
    /// Moving average to the first part of a stream; nil before the first.
    public let firstTokenLatency: Duration?
    /// Moving average to the end of an answer; nil before the first.
    public let answerLatency: Duration?
    /// From now; nil when it neither rests nor cools down.
    public let restsFor: Duration?
}

extension RoutingEngine {
    /// All deployments in the order of the policy.
    public func statuses(at now: Instant) -> [DeploymentStatus] {
        table.deployments.enumerated().map { place, deployment in
            let state = states[table.slots[place]]
            let rest = [state.restsUntil, state.coolsUntil].compactMap { $0 }.max().map { $0 - now }
            return DeploymentStatus(
                deployment: deployment, isDown: state.isDown, circuit: state.breaker.status(at: now),
                counts: state.counts, inFlight: state.inFlight,
                requestsInLastMinute: state.windows.requests.peek(at: now),
                tokensInLastMinute: state.windows.tokens.peek(at: now), firstTokenLatency: state.firstToken.value,
                answerLatency: state.wholeAnswer.value, restsFor: rest.flatMap { $0 > .zero ? $0 : nil })
        }
    }

    /// Totals over all deployments that were ever called.
    public var totals: AttemptCounts {
        states.reduce(AttemptCounts()) { $0 + $1.counts }
    }
}
