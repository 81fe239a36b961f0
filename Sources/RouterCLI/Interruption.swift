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
    ///
    /// What is ignored stays ignored: `nohup` means it.
    package static func observe() -> Observation {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { signal in Interruption.note(signal) }
        return Observation(
            before: [SIGINT, SIGTERM, SIGHUP].map { number in
                var before = sigaction()
                sigaction(number, nil, &before)
                if !isIgnored(before) { sigaction(number, &action, nil) }
                return (number, before)
            })
    }

    /// As `observe`, but only while `body` runs: what comes after it, which does not look at the flag, ends at once.
    package static func during<Result>(_ body: () throws -> Result) rethrows -> Result {
        let observation = observe()
        defer { observation.end() }
        return try body()
    }

    /// What was done on each signal before the flag was.
    package struct Observation {
        fileprivate let before: [(number: Int32, action: sigaction)]

        /// Restores that; what came meanwhile is in `isRequested`.
        package func end() {
            for (number, action) in before {
                var action = action
                sigaction(number, &action, nil)
            }
        }
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    private static func note(_ signal: Int32) {
        if flag.exchange(true, ordering: .relaxed) { _exit(128 + signal) }
    }
}
