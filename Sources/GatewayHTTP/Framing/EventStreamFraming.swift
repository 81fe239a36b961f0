// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One server-sent event as offsets into the bytes it was read from.
package struct StreamEvent: Equatable, Sendable {
    /// All bytes of the event, the blank line that ends it included.
    package let whole: ByteSpan
    /// The content of its only `data:` line; nil when there is none or more than one.
    package let data: ByteSpan?
    package let dataLines: Int
    /// The content of its `event:` line.
    package let name: ByteSpan?
}

/// Splits a stream of server-sent events at its blank lines; comments and unknown fields stay part of their event.
package enum EventStreamFraming {
    /// The event that starts at `start`, or nil when it is not whole yet.
    package static func next(_ bytes: UnsafeRawBufferPointer, from start: Int) -> StreamEvent? {
        guard let base = bytes.baseAddress else { return nil }
        var lineStart = start
        var data: ByteSpan?
        var dataLines = 0
        var name: ByteSpan?
        while lineStart < bytes.count, let found = memchr(base + lineStart, 0x0A, bytes.count - lineStart) {
            let feed = base.distance(to: UnsafeRawPointer(found))
            let lineEnd = feed > lineStart && bytes[feed - 1] == 0x0D ? feed - 1 : feed
            if lineEnd == lineStart {
                return StreamEvent(
                    whole: ByteSpan(start: start, end: feed + 1), data: dataLines == 1 ? data : nil,
                    dataLines: dataLines, name: name)
            }
            if let content = Self.content(bytes, lineStart, lineEnd, "data:") {
                data = content
                dataLines += 1
            } else if let content = Self.content(bytes, lineStart, lineEnd, "event:") {
                name = content
            }
            lineStart = feed + 1
        }
        return nil
    }

    /// The data of an event with several `data:` lines, joined as the standard says.
    package static func joinedData(_ bytes: UnsafeRawBufferPointer, _ event: StreamEvent) -> [UInt8] {
        var joined: [UInt8] = []
        var isFirst = true
        for line in bytes[event.whole.start..<event.whole.end].split(separator: 0x0A) {
            var content = line[...]
            if content.last == 0x0D { content = content.dropLast() }
            let span = ByteSpan(start: content.startIndex, end: content.endIndex)
            guard let part = Self.content(bytes, span.start, span.end, "data:") else { continue }
            if !isFirst { joined.append(0x0A) }
            joined.append(contentsOf: bytes[part.start..<part.end])
            isFirst = false
        }
        return joined
    }

    private static func content(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ field: StaticString
    ) -> ByteSpan? {
        let length = field.utf8CodeUnitCount
        guard end - start >= length else { return nil }
        for offset in 0..<length where bytes[start + offset] != field.utf8Start[offset] { return nil }
        let first = start + length
        return ByteSpan(start: first < end && bytes[first] == 0x20 ? first + 1 : first, end: end)
    }
}
