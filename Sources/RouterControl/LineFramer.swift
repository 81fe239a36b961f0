// SPDX-License-Identifier: MIT

/// Cuts a stream of bytes into lines, none longer than a limit.
package struct LineFramer: Sendable {
    /// The longest request or answer: a thousand services with all that can be told of them fit several times.
    package static let controlLimit = 16 << 20

    /// A line longer than the limit: the stream cannot be trusted any more.
    package struct TooLong: Error, Equatable {
        package let limit: Int
    }

    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private let limit: Int

    package init(limit: Int = Self.controlLimit) {
        self.limit = limit
    }

    /// Whether part of a line has come.
    package var isMidLine: Bool { start < buffer.count }

    package mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeFirst(start)
            scanned -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole line without its line break, or nil.
    package mutating func next() throws(TooLong) -> [UInt8]? {
        let found = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n"))
        guard let found, found - start <= limit else {
            scanned = buffer.count
            if (found ?? buffer.count) - start > limit { throw TooLong(limit: limit) }
            return nil
        }
        let line = Array(buffer[start..<found])
        start = found + 1
        scanned = start
        return line
    }
}
