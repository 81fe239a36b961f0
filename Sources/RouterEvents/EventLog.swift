// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import SystemIO

/// Where events go.
package protocol EventSink: Sendable {
    /// Records `event`; never throws and never waits, since an event must not harm what it reports.
    func record(_ event: Event)
}

/// Appends events to a file that any number of processes write at the same time.
///
/// Each line is one write(2) to a descriptor in append mode, so lines never mix and a reader never sees half of one.
/// A file over the size limit is renamed to `<path>.1`, replacing the one before.
package struct EventLog: EventSink {
    package static let defaultMaximumBytes = 10 << 20

    package let path: String
    private let maximumBytes: Int

    package init(path: String, maximumBytes: Int = Self.defaultMaximumBytes) {
        self.path = path
        self.maximumBytes = maximumBytes
    }

    package func record(_ event: Event) {
        _ = try? append(event)
    }

    /// Appends `event`, saying what went wrong.
    package func append(_ event: Event) throws(SystemError) {
        let line = JSONWriter.bytes(of: event.json) + [UInt8(ascii: "\n")]
        try rotateWhenFull()
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .append, .create, .noFollow], mode: 0o600)
        try descriptor.writeAll(line, path: path)
    }

    private func rotateWhenFull() throws(SystemError) {
        guard let found = try FileSystem.status(path), found.sizeBytes > maximumBytes else { return }
        // One rotates, the others go on writing; whoever holds the old file open still writes whole lines to it.
        guard let lock = try FileLock.tryAcquire(path + ".lock") else { return }
        if let current = try FileSystem.status(path), current.sizeBytes > maximumBytes {
            try FileSystem.rename(path, to: path + ".1")
        }
        _ = consume lock
    }
}

/// Drops every event; for commands that have no runtime folder yet.
package struct NullEventSink: EventSink {
    package init() {}
    package func record(_ event: Event) {}
}
