// SPDX-License-Identifier: MIT

internal import Synchronization
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Reports the last line of a growing log now and then, so that a long installation is seen to move.
final class InstallationWatch: Sendable {
    private static let intervalMicroseconds: UInt32 = 500_000

    private let isStopped = Mutex(false)

    init(path: String, report: @escaping @Sendable (String) -> Void) {
        // Without a thread there is just no progress to see.
        try? BackgroundThread.start { [self] in follow(path, report) }
    }

    func stop() {
        isStopped.withLock { $0 = true }
    }

    private func follow(_ path: String, _ report: (String) -> Void) {
        var last = ""
        while true {
            usleep(Self.intervalMicroseconds)
            let line = LiteLLMBootstrap.lastLines(of: path).last ?? ""
            // Under the lock: nothing is reported once `stop` has returned.
            let goesOn = isStopped.withLock { stopped in
                if !stopped, line != last { report(String(line.prefix(120))) }
                return !stopped
            }
            guard goesOn else { return }
            last = line
        }
    }
}
