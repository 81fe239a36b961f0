// SPDX-License-Identifier: MIT

internal import Synchronization
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Writes lines from a thread of its own, so that a slow disk or a full pipe never holds up a request.
final class LogWriter: Sendable {
    /// What may wait to be written; more is dropped and counted.
    private static let queueBytes = 4 << 20

    private struct Queue {
        var bytes: [UInt8] = []
        var droppedLines = 0
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let wake: WakeUp
    private let descriptor: Int32

    /// `descriptor` stays the caller's; nil descriptors drop everything.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        self.wake = WakeUp()
    }

    func start() {
        let writer = self
        ThreadStarter.start(name: "log") { writer.run() }
    }

    func append(_ lines: [UInt8]) {
        let wasEmpty = queue.withLock { queue in
            guard queue.bytes.count + lines.count <= Self.queueBytes else {
                queue.droppedLines += lines.count { $0 == 0x0A }
                return false
            }
            let wasEmpty = queue.bytes.isEmpty
            queue.bytes.append(contentsOf: lines)
            return wasEmpty
        }
        if wasEmpty { wake.signal() }
    }

    /// Writes what waits and ends the thread.
    func close() {
        queue.withLock { $0.isClosed = true }
        wake.signal()
    }

    private func run() {
        while true {
            let (bytes, dropped, isClosed) = queue.withLock { queue in
                defer {
                    queue.bytes = []
                    queue.droppedLines = 0
                }
                return (queue.bytes, queue.droppedLines, queue.isClosed)
            }
            if !bytes.isEmpty { try? OwnedDescriptor.writeAll(bytes, to: descriptor) }
            if dropped > 0 {
                let line = "{\"event\":\"log_lines_dropped\",\"count\":\(dropped)}\n"
                try? OwnedDescriptor.writeAll(Array(line.utf8), to: descriptor)
            }
            if bytes.isEmpty {
                if isClosed { return }
                wake.wait()
            }
        }
    }
}
