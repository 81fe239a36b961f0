// SPDX-License-Identifier: MIT

internal import SystemIO

/// Reads the logs of services.
package enum LogReader {
    /// However long the lines are: no more than this is read for their sake.
    private static let tailLimit = 4 << 20

    /// The last `lines` lines of the log at `path`, oldest first.
    package static func tail(_ path: String, lines: Int) -> [String] {
        guard lines > 0, let status = try? FileSystem.status(path) else { return [] }
        guard let descriptor = try? OwnedDescriptor.open(path, [.readOnly]) else { return [] }
        var chunk: [UInt8] = []
        var start = status.sizeBytes
        while start > 0, chunk.count < tailLimit {
            let length = min(64 << 10, start)
            start -= length
            guard let more = try? descriptor.read(upTo: length, at: start) else { break }
            chunk = more + chunk
            if chunk.filter({ $0 == UInt8(ascii: "\n") }).count > lines { break }
        }
        var parts = chunk.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts.suffix(lines).map { String(decoding: $0, as: UTF8.self) }
    }
}
