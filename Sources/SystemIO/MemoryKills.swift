// SPDX-License-Identifier: MIT

/// How often the kernel has killed a process because memory ran out.
package enum MemoryKills {
    /// Since boot; nil where the kernel does not tell.
    package static func count() -> Int? {
        guard let bytes = try? FileSystem.readStream("/proc/vmstat", limit: 1 << 16) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return Int(line.dropFirst(9))
        }
        return nil
    }

    /// Whether the kernel's log says that it killed `pid` for lack of memory at or after `start`; nil where the log
    /// may not be read, or names processes otherwise than we do.
    package static func includes(pid: Int32, since start: MonotonicTime) -> Bool? {
        // The log counts as the first namespace of processes does.
        guard FileSystem.linkTarget("/proc/self/ns/pid") == "pid:[4026531836]",
            let log = try? OwnedDescriptor.open("/dev/kmsg", [.readOnly, .nonBlocking])
        else { return nil }
        // One record a read: level, number and microseconds since boot, `;`, text.
        for _ in 0..<recordLimit {
            guard let bytes = try? log.read(upTo: 8192), !bytes.isEmpty else { break }
            let record = String(decoding: bytes, as: UTF8.self)
            let isNamed = record.contains("oom-kill:") && record.contains(",pid=\(pid),")
            guard isNamed || record.contains("Killed process \(pid) ") else { continue }
            let fields = record.prefix { $0 != ";" }.split(separator: ",")
            guard fields.count > 2, let microseconds = Int64(fields[2]) else { continue }
            // The log's clock and ours may be a little apart.
            if MonotonicTime(nanoseconds: microseconds * 1000) + .seconds(1) >= start { return true }
        }
        return false
    }

    private static let recordLimit = 100_000
}
