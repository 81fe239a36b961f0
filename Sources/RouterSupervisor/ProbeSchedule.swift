// SPDX-License-Identifier: MIT

package import RouterServices
package import SystemIO

/// When to ask a probe, and what its answers amount to.
///
/// At first it asks soon and then ever less often up to `startInterval`, so that a quick service is found ready
/// quickly; once it has passed, or its start period is over, it asks every `period`.
package struct ProbeSchedule: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case undecided, passing, failing
    }

    package static let firstDelay = Duration.milliseconds(10)

    private let spec: ProbeSpec
    private let startedAt: MonotonicTime
    private var nextStartDelay = Self.firstDelay
    private var successes = 0
    private var failures = 0
    package private(set) var verdict = Verdict.undecided

    /// `isPastStart` is for a process that has been running for long, such as an adopted one.
    package init(spec: ProbeSpec, startedAt: MonotonicTime) {
        self.spec = spec
        self.startedAt = startedAt
    }

    package var consecutiveFailures: Int { failures }

    /// When to ask first.
    package func first(now: MonotonicTime) -> MonotonicTime { now + Self.firstDelay }

    /// Notes an answer; returns when to ask next.
    package mutating func record(isOK: Bool, now: MonotonicTime) -> MonotonicTime {
        if isOK {
            failures = 0
            successes += 1
            if successes >= max(1, spec.successThreshold) { verdict = .passing }
        } else {
            successes = 0
            if verdict == .undecided, now - startedAt < spec.startPeriod { return now + takeStartDelay() }
            failures += 1
            if failures >= max(1, spec.failureThreshold) { verdict = .failing }
        }
        if verdict == .undecided { return now + takeStartDelay() }
        return now + max(spec.period, .milliseconds(1))
    }

    private mutating func takeStartDelay() -> Duration {
        let limit = max(spec.startInterval, .milliseconds(1))
        let delay = min(nextStartDelay, limit)
        nextStartDelay = min(nextStartDelay * 2, limit)
        return delay
    }
}
