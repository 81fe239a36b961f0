// SPDX-License-Identifier: MIT

/// Appends lines to a file that any number of processes write at the same time.
///
/// Whole lines are one write(2) to a descriptor in append mode, so lines never mix and a reader never sees half of one.
/// A file over the size limit is renamed to `<path>.1`, replacing the one before.
package struct LineLog: Sendable {
    package static let defaultMaximumBytes = 10 << 20

    package let path: String
    private let maximumBytes: Int

    package init(path: String, maximumBytes: Int = Self.defaultMaximumBytes) {
        self.path = path
        self.maximumBytes = maximumBytes
    }

    /// Appends `line`, which has no line break of its own.
    package func append(_ line: [UInt8]) throws(SystemError) {
        try append([line])
    }

    /// Appends several lines together: all of them or, where that is not possible, none.
    package func append(_ lines: [[UInt8]]) throws(SystemError) {
        guard !lines.isEmpty else { return }
        try rotateWhenFull()
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .append, .create, .noFollow], mode: 0o600)
        let before = try descriptor.status().sizeBytes
        let bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
        do {
            try descriptor.writeAll(bytes, path: path)
        } catch {
            // A full disk may have taken the first part.
            let after = (try? descriptor.status().sizeBytes) ?? before
            if after > before, after < before + bytes.count { try? descriptor.truncate(to: before) }
            throw error
        }
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
