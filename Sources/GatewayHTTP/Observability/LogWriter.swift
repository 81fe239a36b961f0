// SPDX-License-Identifier: MIT

internal import NIOPosix
internal import Synchronization
internal import SystemIO

/// Writes lines on a thread of its own, so that a slow disk or a full pipe never holds up a request.
final class LogWriter: Sendable {
    /// What may wait to be written; more is dropped and counted.
    private static let queueBytes = 4 << 20

    private struct Queue {
        var bytes: [UInt8] = []
        var droppedLines = 0
        var isWriting = false
    }

    private let queue = Mutex(Queue())
    private let threads: NIOThreadPool
    private let descriptor: Int32

    /// `descriptor` stays the caller's.
    init(descriptor: Int32, threads: NIOThreadPool) {
        self.descriptor = descriptor
        self.threads = threads
    }

    func append(_ lines: UnsafeRawBufferPointer) {
        let mustStart = queue.withLock { queue in
            guard queue.bytes.count + lines.count <= Self.queueBytes else {
                queue.droppedLines += lines.count { $0 == 0x0A }
                return false
            }
            queue.bytes.append(contentsOf: lines)
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        if mustStart { threads.submit { _ in self.writeWhatWaits() } }
    }

    /// Writes what waits; also called at the end by the main thread.
    func writeWhatWaits() {
        while true {
            let (bytes, dropped) = queue.withLock { queue in
                let taken = (queue.bytes, queue.droppedLines)
                queue.bytes = []
                queue.droppedLines = 0
                if taken.0.isEmpty, taken.1 == 0 { queue.isWriting = false }
                return taken
            }
            if bytes.isEmpty, dropped == 0 { return }
            // A log that cannot be written is no reason to stop answering.
            try? OwnedDescriptor.writeAll(bytes, to: descriptor)
            guard dropped > 0 else { continue }
            try? OwnedDescriptor.writeAll(
                Array("{\"event\":\"log_lines_dropped\",\"count\":\(dropped)}\n".utf8), to: descriptor)
        }
    }
}
