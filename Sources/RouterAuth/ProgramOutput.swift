// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The lines that a program prints, as far as they have come.
struct ProgramOutput: ~Copyable {
    private static let lineLimitBytes = 16 << 10
    /// More than any pipe holds: what a program left in it at its end.
    private static let restLimitBytes = 1 << 20

    private let descriptor: OwnedDescriptor
    private var pending: [UInt8] = []
    private var isOpen = true

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// The whole lines that are there, after at most `milliseconds`.
    mutating func lines(within milliseconds: Int32) -> [String] {
        guard isOpen else {
            Pause.milliseconds(milliseconds)
            return []
        }
        return take(within: milliseconds).lines
    }

    /// What the program had printed when it ended, its last line included, however many others hold the output open.
    mutating func rest() -> [String] {
        var lines: [String] = []
        var count = 0
        while isOpen, count < Self.restLimitBytes {
            let taken = take(within: 0)
            lines += taken.lines
            count += taken.count
            if taken.count == 0 { break }
        }
        isOpen = false
        if !pending.isEmpty { lines.append(String(decoding: pending, as: UTF8.self)) }
        return lines
    }

    private mutating func take(within milliseconds: Int32) -> (lines: [String], count: Int) {
        var wait = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, milliseconds) > 0 else { return ([], 0) }
        guard let chunk = try? descriptor.read(upTo: 4096), !chunk.isEmpty else {
            isOpen = false
            return ([], 0)
        }
        pending += chunk
        var lines: [String] = []
        var start = 0
        while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: pending[start..<end], as: UTF8.self))
            start = end + 1
        }
        pending.removeSubrange(..<start)
        // A line that never ends is not one of those that matter.
        if pending.count > Self.lineLimitBytes { pending = [] }
        return (lines, chunk.count)
    }
}
