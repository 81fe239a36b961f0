// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Signals as something to read: they are blocked in this thread and delivered through a descriptor instead.
package struct SignalDescriptor: ~Copyable {
    private let descriptor: OwnedDescriptor

    package var rawValue: Int32 { descriptor.rawValue }

    package init(_ signals: [Int32]) throws(SystemError) {
        let result = signals.withUnsafeBufferPointer { router_signal_descriptor($0.baseAddress, Int32($0.count)) }
        guard result >= 0 else { throw SystemError.current("receive signals") }
        descriptor = OwnedDescriptor(taking: result)
    }

    /// The next signal that has come, or nil.
    package borrowing func next() -> Int32? {
        var sender: pid_t = 0
        let number = router_read_signal(descriptor.rawValue, &sender)
        return number > 0 ? number : nil
    }
}

/// The signals this project deals with, by the names the system gives them.
package enum SignalNumber {
    package static let hangup = SIGHUP
    package static let interrupt = SIGINT
    package static let quit = SIGQUIT
    package static let kill = SIGKILL
    package static let user1 = SIGUSR1
    package static let user2 = SIGUSR2
    package static let terminate = SIGTERM
    package static let child = SIGCHLD
    package static let pipe = SIGPIPE
    package static let `continue` = SIGCONT
    package static let stop = SIGSTOP

    /// `SIGTERM` for 15; the number itself for those without a common name.
    package static func name(_ number: Int32) -> String {
        let names: [Int32: String] = [
            SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
            SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1",
            SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
            SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
        ]
        return names[number] ?? "signal \(number)"
    }

    /// A write to a closed pipe becomes an error instead of the end of the process.
    package static func ignorePipe() {
        signal(SIGPIPE, SIG_IGN)
    }
}
