// SPDX-License-Identifier: MIT

package import RouterServices

/// How long to wait before the next start after an exit: nothing at first, then ever longer, with some of it random.
package struct RestartBackoff: Equatable, Sendable {
    private let policy: RestartPolicy
    /// Restarts since the service was last stable.
    package private(set) var attempts = 0

    package init(policy: RestartPolicy) {
        self.policy = policy
    }

    /// The delay after a process that ran for `uptime`; `random` is from 0 up to 1.
    package mutating func delay(after uptime: Duration, random: Double) -> Duration {
        if uptime >= policy.stableAfter { attempts = 0 }
        defer { attempts += 1 }
        guard attempts > 0 else { return .zero }
        let initial = max(0, policy.initialDelay.seconds)
        let grown = initial * power(max(1, policy.multiplier), attempts - 1)
        let capped = min(grown, max(initial, policy.maximumDelay.seconds))
        let share = min(1, max(0, policy.jitter)) * min(1, max(0, random))
        return .seconds(capped * (1 - share))
    }

    package mutating func reset() {
        attempts = 0
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        // Beyond this every maximum is long exceeded.
        for _ in 0..<min(exponent, 64) { result *= base }
        return result
    }
}

extension Duration {
    /// Seconds with their fraction.
    package var seconds: Double {
        let (whole, attoseconds) = components
        return Double(whole) + Double(attoseconds) / 1e18
    }
}
