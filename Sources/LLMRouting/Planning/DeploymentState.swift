// SPDX-License-Identifier: MIT

/// What the engine knows of a deployment from its calls. Survives reloads.
struct DeploymentState: Sendable {
    let id: String
    var breaker: CircuitBreaker
    var windows = RateWindows()
    /// Failures of the last minute, for the cooldown.
    var failures = RollingWindow()
    var coolsUntil: Instant?
    var restsUntil: Instant?
    /// Rate-limit answers without Retry-After in a row: each doubles the rest.
    var refusalsInARow = 0
    var inFlight = 0
    var isDown = false
    var firstToken = LatencyAverage()
    var wholeAnswer = LatencyAverage()
    var counts = AttemptCounts()

    init(id: String, breaker: BreakerPolicy) {
        self.id = id
        self.breaker = CircuitBreaker(policy: breaker)
    }

    func measuredLatency(streaming: Bool) -> Duration? {
        streaming ? firstToken.value ?? wholeAnswer.value : wholeAnswer.value ?? firstToken.value
    }
}

/// Totals over attempts: each call counts once, also those that a fallback made good.
public struct AttemptCounts: Hashable, Sendable {
    /// Calls with a whole answer.
    public var success = 0
    /// Calls without one.
    public var failures = 0
    /// Over successful calls.
    public var latency: Duration = .zero
    /// Over all calls that used tokens, also those that failed.
    public var cost = Money.zero

    public init() {}

    /// All calls that ended by themselves; cancelled ones are not counted.
    public var requests: Int { success + failures }
    /// 1 before the first call.
    public var successRate: Double { requests == 0 ? 1 : Double(success) / Double(requests) }
    /// 0 before the first success.
    public var averageLatencyMilliseconds: Double { success == 0 ? 0 : latency.milliseconds / Double(success) }

    static func + (left: AttemptCounts, right: AttemptCounts) -> AttemptCounts {
        var sum = left
        sum.success += right.success
        sum.failures += right.failures
        sum.latency += right.latency
        sum.cost += right.cost
        return sum
    }
}
