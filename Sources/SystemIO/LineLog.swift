// SPDX-License-Identifier: MIT

/// Appends lines to a file that any number of processes write at the same time.
///
/// Whole lines are one write(2) to a descriptor in append mode, so lines never mix and a reader never sees half of one.
/// A file over the size limit is renamed to `<path>.1`, replacing the one before.
package struct LineLog: Sendable {
    package static let defaultMaximumBytes = 10 << 20
    /// Written at once at most, unless a single line is longer.
    private static let chunkBytes = 64 << 10

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

    /// Appends several lines, which stay together up to `chunkBytes`.
    package func append(_ lines: [[UInt8]]) throws(SystemError) {
        guard !lines.isEmpty else { return }
        try rotateWhenFull()
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .append, .create, .noFollow], mode: 0o600)
        var chunk: [UInt8] = []
        for line in lines {
            if !chunk.isEmpty, chunk.count + line.count >= Self.chunkBytes {
                try descriptor.writeAll(chunk, path: path)
                chunk.removeAll(keepingCapacity: true)
            }
            chunk += line
            chunk.append(UInt8(ascii: "\n"))
        }
        try descriptor.writeAll(chunk, path: path)
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
