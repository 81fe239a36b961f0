// SPDX-License-Identifier: MIT

package import RouterServices
package import SystemIO

/// Counts exits within a sliding time, to tell a service that cannot run from one that fails now and then.
package struct CrashLoopWindow: Equatable, Sendable {
    private let limit: Int
    private let window: Duration
    private var exits: [MonotonicTime] = []

    package init(policy: RestartPolicy) {
        limit = max(0, policy.crashLoopLimit)
        window = policy.crashLoopWindow
    }

    /// Exits that still count.
    package var count: Int { exits.count }

    /// Notes an exit; true when there were now more than the limit within the window. A limit of 0 never gives up.
    package mutating func noteExit(_ now: MonotonicTime) -> Bool {
        guard limit > 0 else { return false }
        exits.removeAll { now - $0 > window }
        exits.append(now)
        return exits.count > limit
    }

    package mutating func reset() {
        exits.removeAll()
    }
}
