// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Limits that the system sets on this process.
package enum ResourceLimits {
    /// Raises the soft limit of open files to the hard one; returns what it was, for children to go on with.
    package static func raiseOpenFiles() -> (soft: UInt64, hard: UInt64)? {
        var limit = rlimit()
        guard getrlimit(openFiles, &limit) == 0 else { return nil }
        let before = (soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        // A kernel without a bound of its own would otherwise let tables grow to sizes nobody wants.
        limit.rlim_cur = min(limit.rlim_max, 65536)
        if limit.rlim_cur > before.soft { setrlimit(openFiles, &limit) }
        return before
    }

    /// How many files this process may have open.
    package static var openFileCount: Int {
        var limit = rlimit()
        guard getrlimit(openFiles, &limit) == 0 else { return .max }
        return Int(clamping: limit.rlim_cur)
    }

    /// Sets the soft limit of open files; for tests of what happens when there are none left.
    package static func setOpenFiles(_ soft: UInt64) {
        var limit = rlimit()
        guard getrlimit(openFiles, &limit) == 0 else { return }
        limit.rlim_cur = rlim_t(soft)
        setrlimit(openFiles, &limit)
    }

    #if os(Linux)
        private static let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let openFiles = RLIMIT_NOFILE
    #endif
}

/// What this process holds of the machine's memory.
package enum ProcessMemory {
    /// Lets go of the code that has run so far; what is still needed comes back by itself, a few pages at a time.
    ///
    /// For a process that will live long after a start that took most of the program to read a configuration.
    package static func releaseCode() {
        router_release_code()
    }
}
