// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One process at a time accepts from a listening socket that two of them have.
///
/// The successor's standard input is a pipe that its predecessor closes when it accepts no more. Connections that come in
/// between wait in the socket's queue.
enum Succession {
    /// A predecessor that does not answer is not waited for: two that accept at once do no harm to clients.
    private static let patienceMilliseconds: Int32 = 2000

    /// What a gateway adds to its own arguments for its successor.
    static func arguments(_ own: [String], socket: Int32) -> [String] {
        let first = own.firstIndex(of: "--inherit-socket") ?? own.endIndex
        return own[..<first] + ["--inherit-socket", "\(socket)", "--replaces", "\(getpid())"]
    }

    /// Ends the process `predecessor`, if it is still this one's parent, and waits until it accepts no more.
    static func takeOver(from predecessor: Int32) {
        guard predecessor > 1, getppid() == predecessor, kill(predecessor, SIGTERM) == 0 else { return }
        var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        // The end of the pipe; nothing is ever written into it.
        while poll(&input, 1, patienceMilliseconds) < 0, errno == EINTR {}
    }
}
