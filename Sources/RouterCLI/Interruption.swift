// SPDX-License-Identifier: MIT

internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Ctrl-C and a polite request to end, remembered until the command reaches a point where it can stop.
package enum Interruption {
    private static let flag = Atomic<Bool>(false)

    package static var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// From now on SIGINT, SIGTERM and SIGHUP only raise the flag; a second one ends the process at once.
    package static func observe() {
        _ = replaceActions()
    }

    /// As `observe`, but only while `body` runs: what comes after it, which does not look at the flag, ends at once.
    package static func during<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = replaceActions()
        defer {
            for (number, action) in before {
                var action = action
                sigaction(number, &action, nil)
            }
        }
        return try body()
    }

    /// - Returns: what was done on each signal before.
    private static func replaceActions() -> [(number: Int32, action: sigaction)] {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { signal in Interruption.note(signal) }
        return [SIGINT, SIGTERM, SIGHUP].map { number in
            var before = sigaction()
            sigaction(number, &action, &before)
            return (number, before)
        }
    }

    private static func note(_ signal: Int32) {
        if flag.exchange(true, ordering: .relaxed) { _exit(128 + signal) }
    }
}
