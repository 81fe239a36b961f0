// SPDX-License-Identifier: MIT

internal import Synchronization

/// Troubles of the machine that a test cannot make otherwise. Release builds compile them to nothing.
package enum InjectedFault {
    private struct Faults {
        var spawn: (code: Int32, switchPath: String)?
        var clockShift = Int64(0)
    }

    private static let faults = Mutex(Faults())

    /// Has every start of a process fail with `code` while there is a file at `switchPath`.
    package static func failSpawns(code: Int32, whileExists switchPath: String) {
        #if DEBUG
            faults.withLock { $0.spawn = (code, switchPath) }
        #endif
    }

    /// Sets the calendar forward, or back; the monotonic clock goes on as it does when an operator sets the time.
    package static func shiftCalendar(by duration: Duration) {
        #if DEBUG
            faults.withLock { $0.clockShift = duration.wholeNanoseconds }
        #endif
    }

    /// What a start must fail with now.
    static var spawnError: Int32? {
        #if DEBUG
            guard let fault = faults.withLock({ $0.spawn }), FileSystem.exists(fault.switchPath) else { return nil }
            return fault.code
        #else
            return nil
        #endif
    }

    static var clockShift: Int64 {
        #if DEBUG
            return faults.withLock { $0.clockShift }
        #else
            return 0
        #endif
    }
}
