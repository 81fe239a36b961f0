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
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { signal in Interruption.note(signal) }
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaction(number, &action, nil) }
    }

    private static func note(_ signal: Int32) {
        if flag.exchange(true, ordering: .relaxed) { _exit(128 + signal) }
    }
}
