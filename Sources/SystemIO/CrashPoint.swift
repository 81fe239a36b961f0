// SPDX-License-Identifier: MIT

internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A step between which and the next the process may be killed without harm; tests prove it by killing it there.
///
/// Release builds compile it to nothing.
package enum CrashPoint {
    private static let remaining = Mutex<Int?>(nil)

    /// From now on the `count`-th step that is reached ends the process with SIGKILL.
    package static func arm(count: Int) {
        #if DEBUG
            remaining.withLock { $0 = count }
        #endif
    }

    /// Marks the place between two steps that change something outside the process.
    package static func reach() {
        #if DEBUG
            let isDue = remaining.withLock { count in
                guard let left = count else { return false }
                count = left - 1
                return left <= 1
            }
            if isDue { kill(getpid(), SIGKILL) }
        #endif
    }
}
