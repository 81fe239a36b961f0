// SPDX-License-Identifier: MIT

internal import NIOCore

/// A call to a provider that is under way; what comes back goes to its `UpstreamReceiver`.
///
/// All methods run on the event loop that the call belongs to.
protocol UpstreamCall: AnyObject {
    /// Ends the call; the receiver hears nothing more.
    func cancel()
    /// Says that the answer is complete; the receiver hears nothing more, and the connection may be used again.
    func letGo()
    /// Stops or continues reading, for clients that read slowly.
    func setReading(_ isReading: Bool)
}

/// Who hears what an upstream answers, in the order head, body pieces, end; a failure ends it at any point.
protocol UpstreamReceiver: AnyObject {
    func upstreamConnected()
    func upstreamHead(_ head: UpstreamHead)
    func upstreamBody(_ piece: ByteBuffer)
    /// Everything that was readable has been delivered: time to flush.
    func upstreamPause()
    func upstreamEnd()
    func upstreamFailed(_ failure: TransportFailure)
}

/// A response head together with its bytes.
final class UpstreamHead {
    let head: ResponseHead
    let bytes: ByteBuffer

    init(head: ResponseHead, bytes: ByteBuffer) {
        self.head = head
        self.bytes = bytes
    }

    var status: Int { head.status }

    /// The text of the first header of this kind.
    func text(_ kind: HeaderKind) -> String? {
        guard let field = head.first(kind) else { return nil }
        return bytes.withUnsafeReadableBytes { $0.text(field.value) }
    }

    /// Whether the content type is `word`, parameters aside.
    func contentType(is word: StaticString) -> Bool {
        guard let field = head.first(.contentType) else { return false }
        return bytes.withUnsafeReadableBytes { bytes in
            var end = field.value.start
            while end < field.value.end, bytes[end] != UInt8(ascii: ";"), bytes[end] != 0x20 { end += 1 }
            return bytes.matches(ByteSpan(start: field.value.start, end: end), word)
        }
    }
}

/// Why a connection gave no whole answer.
enum TransportFailure: Error, Equatable, Sendable {
    case nameNotFound
    case refused
    case connectTimeout
    case connectFailed
    case tls(String)
    /// A pooled connection was closed by the other side before it answered: nobody's fault, tried again at once.
    case staleConnection
    case closedBeforeHead
    case cut
    case malformed(FramingError)
}
