// SPDX-License-Identifier: MIT

/// Decides whether a transfer that is waited for still moves; time spent by the receiver does not count.
package struct StallDetector: Sendable {
    /// A peer that sends less than this in one window holds us up on purpose or is as good as dead.
    package static let minimumBytes = 256

    private let window: Duration
    private var waited = Duration.zero
    private var bytes = 0

    package init(window: Duration) {
        self.window = window
    }

    /// Records that waiting for `time` brought `newBytes`; true when the window is over with too few of them.
    package mutating func isStalled(waiting time: Duration, newBytes: Int) -> Bool {
        waited += time
        bytes += newBytes
        if bytes >= Self.minimumBytes {
            waited = .zero
            bytes = 0
        }
        return waited >= window
    }

    /// What is left of the window.
    package var remaining: Duration { max(.zero, window - waited) }
}
