// SPDX-License-Identifier: MIT

/// An exponentially weighted moving average of latency: recent answers count more.
public struct LatencyAverage: Hashable, Sendable {
    /// Weight of the newest answer.
    public static let newestShare = 0.3

    private var average: Double?

    public init() {}

    /// The average; nil before the first answer.
    public var value: Duration? { average.map { .nanoseconds(Int64($0)) } }
    var nanoseconds: Double? { average }

    /// Takes in one answer.
    public mutating func record(_ latency: Duration) {
        let sample = Double(max(0, latency.nanoseconds))
        average = average.map { $0 + Self.newestShare * (sample - $0) } ?? sample
    }
}

/// Counts extra calls against requests, so that hedges stay a fixed small part of the traffic at every moment.
public struct HedgeBudget: Hashable, Sendable {
    /// Unused allowance is kept for at most this many hedges: a quiet night does not pay for a storm.
    static let largestBurst = 10

    /// In thousandths of a call.
    private var allowance = 0

    public init() {}

    /// Notes a request, which earns a part of an extra call.
    public mutating func requestBegan(_ policy: HedgePolicy) {
        allowance = min(allowance + max(0, policy.extraPerThousand), Self.largestBurst * 1000)
    }

    /// Takes one extra call when enough is earned.
    public mutating func take() -> Bool {
        guard allowance >= 1000 else { return false }
        allowance -= 1000
        return true
    }
}
