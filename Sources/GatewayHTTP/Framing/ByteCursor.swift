// SPDX-License-Identifier: MIT

internal import NIOCore

/// Writes one piece after the other into memory whose size was settled before, so that nothing grows or is checked twice.
struct ByteCursor {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    fileprivate init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    @inline(__always)
    private mutating func room(_ size: Int) -> UnsafeMutableRawBufferPointer {
        precondition(size <= memory.count - count, "the size of a text was summed up wrongly")
        defer { count += size }
        return UnsafeMutableRawBufferPointer(rebasing: memory[count..<(count + size)])
    }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        room(bytes.count).copyMemory(from: bytes)
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func write(_ byte: UInt8) {
        room(1)[0] = byte
    }

    mutating func write(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { write($0) }
    }

    mutating func write(_ text: String) {
        let wasWritten: Void? = text.utf8.withContiguousStorageIfAvailable { write(UnsafeRawBufferPointer($0)) }
        if wasWritten == nil { room(text.utf8.count).copyBytes(from: text.utf8) }
    }

    /// Writes text for a header: what must not stand in one becomes a question mark.
    mutating func writeSafe(_ text: String) {
        let room = room(text.utf8.count)
        var index = 0
        for byte in text.utf8 {
            room[index] = ByteClass.isVisible(byte) || byte == 0x20 ? byte : UInt8(ascii: "?")
            index += 1
        }
    }

    /// At most 20 digits.
    mutating func write(_ number: Int) {
        var rest = number.magnitude
        var digits = 1
        var power: UInt = 10
        while digits < 19, rest >= power {
            digits += 1
            power *= 10
        }
        if number < 0 { write(UInt8(ascii: "-")) }
        let room = room(digits)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            room[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// A string's content in JSON, without its quotes; needs six bytes for each byte of it.
    mutating func writeEscaped(_ text: String) {
        let start = count
        let isPlain = text.utf8.withContiguousStorageIfAvailable { bytes in
            let room = room(bytes.count)
            for index in bytes.indices {
                let byte = bytes[index]
                guard byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else {
                    return false
                }
                room[index] = byte
            }
            return true
        }
        guard isPlain != true else { return }
        count = start
        let quoted = JSONText.quoted(text)
        quoted.withUnsafeBytes { write(UnsafeRawBufferPointer(rebasing: $0[1..<($0.count - 1)])) }
    }
}

extension ByteBuffer {
    /// Adds what arrived behind what is not read yet. What was read is let go: a buffer that always holds the beginning of
    /// something would else grow for ever, and be copied as a whole each time.
    mutating func appendArrived(_ piece: ByteBuffer) {
        guard readableBytes > 0 else {
            self = piece
            return
        }
        if readerIndex > 0 {
            var rest = ByteBuffer()
            rest.reserveCapacity(readableBytes + piece.readableBytes)
            rest.writeImmutableBuffer(self)
            self = rest
        }
        writeImmutableBuffer(piece)
    }

    /// The same for bytes that are in no buffer yet.
    mutating func appendArrived(_ bytes: UnsafeRawBufferPointer) {
        guard readableBytes == 0 || readerIndex > 0 else {
            return append(atMost: bytes.count) { $0.write(bytes) }
        }
        let unread = self
        self = .assembled(unread.readableBytes + bytes.count) { text in
            text.write(unread)
            text.write(bytes)
        }
    }

    /// A new buffer of at most `capacity` bytes.
    static func assembled(_ capacity: Int, _ body: (inout ByteCursor) -> Void) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: capacity)
        buffer.append(atMost: capacity, body)
        return buffer
    }

    /// Appends at most `capacity` bytes.
    mutating func append(atMost capacity: Int, _ body: (inout ByteCursor) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { memory in
            var cursor = ByteCursor(memory)
            body(&cursor)
            return cursor.count
        }
    }
}

/// Memory for what is written and sent at once: used again as soon as nobody holds what was written in it before.
struct ScratchBuffer {
    /// More is not kept.
    private static let keptBytes = 32 << 10

    private var buffer = ByteBuffer()

    /// At most `capacity` bytes.
    mutating func assemble(_ capacity: Int, _ body: (inout ByteCursor) -> Void) -> ByteBuffer {
        guard capacity <= Self.keptBytes else { return .assembled(capacity, body) }
        // New memory if the last text still waits to be sent.
        buffer.clear(minimumCapacity: max(capacity, 2048))
        buffer.append(atMost: capacity, body)
        return buffer
    }
}
