// SPDX-License-Identifier: MIT

internal import NIOCore

/// A body that is still arriving. It is an object, so that what has come is in one place only and can grow there.
final class RequestBody {
    /// What an announced length reserves at once; a larger body grows as it comes.
    private static let reservedBytes = 1 << 20

    enum Framing {
        case length(remaining: Int)
        case chunked(ChunkedFraming)
    }

    let request: ClientRequest
    var framing: Framing
    var content = ByteBuffer()
    var byteCount = 0
    /// What the client announced.
    let expectedBytes: Int
    /// Set when the answer is known already; the rest of the body is read and dropped.
    let rejection: GatewayError?

    init(_ request: ClientRequest, _ framing: Framing, expectedBytes: Int = 0, rejection: GatewayError?) {
        self.request = request
        self.framing = framing
        self.expectedBytes = expectedBytes
        self.rejection = rejection
    }

    /// Takes memory for what is announced, within bounds.
    func reserve() {
        guard content.capacity == 0 else { return }
        content.reserveCapacity(min(expectedBytes + 1, Self.reservedBytes))
    }

    /// Receives the next part into its place. One byte more than is missing is asked for, since less than what was asked
    /// for says that nothing is left.
    func receive(_ missing: Int, _ receive: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        reserve()
        let room = min(missing + 1, Self.reservedBytes)
        let count = content.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
            receive(UnsafeMutableRawBufferPointer(rebasing: memory[..<room]))
        }
        byteCount += count
        return count
    }

    /// The byte that belongs to the next request.
    func takeLastByte() -> UInt8? {
        byteCount -= 1
        defer { content.moveWriterIndex(to: content.writerIndex - 1) }
        return content.getInteger(at: content.writerIndex - 1)
    }
}
