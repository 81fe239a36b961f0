// SPDX-License-Identifier: MIT

/// Finds the content of a chunked body in bytes that arrive in any pieces.
package struct ChunkedFraming: Sendable {
    /// What the next bytes are.
    package enum Step: Equatable, Sendable {
        /// So many bytes from the current position are content.
        case content(Int)
        /// So many bytes were framing; they are consumed.
        case framing(Int)
        /// So many bytes were framing and the body ends after them.
        case end(Int)
        /// Nothing can be said before more bytes come.
        case incomplete
    }

    private enum State: Equatable, Sendable {
        case size
        case content(remaining: Int)
        case contentEnd
        case trailers
        case ended
    }

    /// Longer chunk-size lines, extensions included, are refused.
    private static let sizeLineLimit = 256
    /// More trailer bytes than this are refused; they are dropped anyway.
    private static let trailerLimit = 8 << 10

    private var state = State.size
    private var trailerBytes = 0

    package init() {}

    package var isComplete: Bool { state == .ended }

    /// Reads on at the start of `bytes`; call again with what follows the bytes that a step names.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) throws(FramingError) -> Step {
        switch state {
        case .size: return try size(bytes)
        case .content(let remaining):
            let count = min(remaining, bytes.count)
            guard count > 0 else { return .incomplete }
            state = count == remaining ? .contentEnd : .content(remaining: remaining - count)
            return .content(count)
        case .contentEnd:
            if let first = bytes.first, first != 0x0D { throw .invalidChunk }
            guard bytes.count >= 2 else { return .incomplete }
            guard bytes[1] == 0x0A else { throw .invalidChunk }
            state = .size
            return .framing(2)
        case .trailers: return try trailer(bytes)
        case .ended: return .end(0)
        }
    }

    private mutating func size(_ bytes: UnsafeRawBufferPointer) throws(FramingError) -> Step {
        var index = 0
        var total = 0
        while index < bytes.count, let digit = ByteClass.hexDigit(bytes[index]) {
            guard index < 12 else { throw .invalidChunk }
            total = total << 4 | digit
            index += 1
        }
        guard index > 0 || bytes.isEmpty else { throw .invalidChunk }
        index = try skipExtensions(bytes, from: index)
        guard index < bytes.count else {
            guard index <= Self.sizeLineLimit else { throw .invalidChunk }
            return .incomplete
        }
        guard index <= Self.sizeLineLimit, bytes[index] == 0x0D else { throw .invalidChunk }
        guard index + 1 < bytes.count else { return .incomplete }
        guard bytes[index + 1] == 0x0A else { throw .invalidChunk }
        state = total == 0 ? .trailers : .content(remaining: total)
        return .framing(index + 2)
    }

    /// `;name` and `;name=token`; quoted values and white space are refused, since readers disagree about them.
    private func skipExtensions(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(FramingError) -> Int {
        var index = start
        while index < bytes.count, bytes[index] == UInt8(ascii: ";") {
            index += 1
            let nameStart = index
            while index < bytes.count, ByteClass.isToken(bytes[index]) { index += 1 }
            guard index > nameStart || index == bytes.count else { throw .invalidChunk }
            guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else { continue }
            index += 1
            let valueStart = index
            while index < bytes.count, ByteClass.isToken(bytes[index]) { index += 1 }
            guard index > valueStart || index == bytes.count else { throw .invalidChunk }
        }
        return index
    }

    private mutating func trailer(_ bytes: UnsafeRawBufferPointer) throws(FramingError) -> Step {
        var index = 0
        while index < bytes.count, bytes[index] != 0x0A { index += 1 }
        guard trailerBytes + index < Self.trailerLimit else { throw .invalidTrailer }
        guard index < bytes.count else { return .incomplete }
        guard index > 0, bytes[index - 1] == 0x0D else { throw .invalidTrailer }
        if index == 1 {
            state = .ended
            return .end(2)
        }
        trailerBytes += index + 1
        var reader = HeaderBlockReader(bytes, from: 0, to: index + 1)
        let field: HeaderField?
        do throws(FramingError) { field = try reader.next() } catch { throw .invalidTrailer }
        switch field?.kind {
        case .contentLength, .transferEncoding, .host, .connection, .authorization: throw .invalidTrailer
        default: return .framing(index + 1)
        }
    }
}
