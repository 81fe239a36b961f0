// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What makes a process itself: pids are reused, the triple of pid, start time and boot is not.
package struct ProcessIdentity: Hashable, Sendable {
    package let pid: Int32
    /// Clock ticks after boot at which the process started (field 22 of /proc/PID/stat).
    package let startTicks: UInt64
    /// The kernel's random name for this boot.
    package let bootID: String

    package init(pid: Int32, startTicks: UInt64, bootID: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.bootID = bootID
    }

    /// The identity of the process that has `pid` now; nil when there is none or it has already ended (a zombie).
    package static func of(pid: Int32) -> ProcessIdentity? {
        guard let record = ProcessRecord.read(pid: pid), !record.hasEnded else { return nil }
        return ProcessIdentity(pid: pid, startTicks: record.startTicks, bootID: currentBootID)
    }

    /// Whether exactly this process still runs.
    package var isAlive: Bool {
        Self.of(pid: pid) == self
    }

    /// How long ago the process started, whatever anybody did to the calendar meanwhile; to a hundredth of a second.
    package var age: Duration {
        var time = timespec()
        #if os(Linux)
            clock_gettime(CLOCK_BOOTTIME, &time)
        #else
            clock_gettime(CLOCK_MONOTONIC, &time)
        #endif
        let sinceBoot = Duration.seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
        let start = Duration.seconds(Double(startTicks) / Double(SystemConstants.ticksPerSecond))
        return max(.zero, sinceBoot - start)
    }

    /// Constant while the machine runs; a new value after each boot.
    package static let currentBootID: String = {
        let bytes = (try? FileSystem.readStream("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }()
}

/// One reading of /proc/PID/stat.
package struct ProcessRecord: Sendable {
    package let pid: Int32
    package let name: String
    /// The kernel's letter: R, S, D, Z, T, X, …
    package let state: Character
    package let parent: Int32
    package let processGroup: Int32
    package let session: Int32
    /// Processor time used by user and kernel code, in clock ticks.
    package let processorTicks: UInt64
    package let startTicks: UInt64
    package let residentPages: Int
    /// How it ended, as wait(2) would say, once it has; nil while it runs or where that may not be read.
    package let waitStatus: Int32?

    /// A zombie or a process being removed: it runs no code any more.
    package var hasEnded: Bool { state == "Z" || state == "X" || state == "x" }

    /// Reads the record of `pid`; nil when there is no such process.
    package static func read(pid: Int32) -> ProcessRecord? {
        // One read(2) gives all of it: the kernel makes the text at that moment.
        guard let descriptor = try? OwnedDescriptor.open("/proc/\(pid)/stat", [.readOnly]),
            let bytes = try? descriptor.read(upTo: 4096),
            let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        // The name may hold spaces and parentheses, so the fields are counted from the last one.
        guard close + 2 < bytes.count else { return nil }
        let state = Character(UnicodeScalar(bytes[close + 2]))
        let fields = numbers(bytes[(close + 3)...])
        guard fields.count > 20 else { return nil }
        return ProcessRecord(
            pid: pid, name: String(decoding: bytes[(open + 1)..<close], as: UTF8.self), state: state,
            parent: Int32(truncatingIfNeeded: fields[0]), processGroup: Int32(truncatingIfNeeded: fields[1]),
            session: Int32(truncatingIfNeeded: fields[2]), processorTicks: fields[10] &+ fields[11],
            startTicks: fields[18], residentPages: Int(truncatingIfNeeded: fields[20]),
            waitStatus: state == "Z" && fields.count > 48 ? Int32(truncatingIfNeeded: fields[48]) : nil)
    }

    /// Numbers between spaces; a negative one is its two's complement.
    private static func numbers(_ bytes: ArraySlice<UInt8>) -> [UInt64] {
        var result: [UInt64] = []
        result.reserveCapacity(50)
        var value: UInt64 = 0
        var isNegative = false
        var hasDigits = false
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
                hasDigits = true
            case UInt8(ascii: "-"): isNegative = true
            default:
                if hasDigits { result.append(isNegative ? 0 &- value : value) }
                (value, isNegative, hasDigits) = (0, false, false)
            }
        }
        if hasDigits { result.append(isNegative ? 0 &- value : value) }
        return result
    }

    /// All processes that can be seen.
    package static func all() -> [ProcessRecord] {
        let names = (try? FileSystem.list("/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { read(pid: $0) }
    }
}

extension FileSystem {
    /// Reads a file whose size says nothing, such as those below /proc.
    package static func readStream(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try OwnedDescriptor.open(path, [.readOnly])
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let chunk = try descriptor.read(upTo: min(65536, limit - bytes.count), path: path)
            if chunk.isEmpty { break }
            bytes.append(contentsOf: chunk)
        }
        return bytes
    }
}
