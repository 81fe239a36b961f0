// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore

/// A request as it was read: head, the head's bytes and the body.
final class ClientRequest {
    let head: RequestHead
    let headBytes: ByteBuffer
    let receivedAt: Int64
    let route: Route
    var body = ByteBuffer()
    /// The key that the client showed, where keys are needed.
    var key: ClientKey?

    init(head: RequestHead, headBytes: ByteBuffer, receivedAt: Int64) {
        self.head = head
        self.headBytes = headBytes
        self.receivedAt = receivedAt
        self.route = headBytes.withUnsafeReadableBytes { Route.of($0, head.target) }
    }

    /// The same request with another body.
    init(_ other: ClientRequest, body: ByteBuffer) {
        head = other.head
        headBytes = other.headBytes
        receivedAt = other.receivedAt
        route = other.route
        key = other.key
        self.body = body
    }

    /// Whose error shape the client expects.
    var dialect: Dialect {
        if case .surface(let surface) = route { surface.dialect } else { .openAI }
    }

    /// The value of the first header of this kind.
    func text(_ kind: HeaderKind) -> String? {
        guard let field = head.first(kind) else { return nil }
        return headBytes.withUnsafeReadableBytes { $0.text(field.value) }
    }

    /// The value of the first header with this name (lower case).
    func text(named name: StaticString) -> String? {
        headBytes.withUnsafeReadableBytes { bytes in
            head.fields.first { bytes.matches($0.name, name) }.map { bytes.text($0.value) }
        }
    }

    /// The value of the first header with this name (lower case), for names from the config.
    func value(named name: String) -> String? {
        headBytes.withUnsafeReadableBytes { bytes in
            head.fields.first { $0.name.count == name.utf8.count && bytes.text($0.name).lowercased() == name }.map {
                bytes.text($0.value)
            }
        }
    }

    var isMultipart: Bool {
        guard let value = head.first(.contentType)?.value else { return false }
        let type = ByteSpan(start: value.start, end: min(value.end, value.start + 10))
        return headBytes.withUnsafeReadableBytes { $0.matches(type, "multipart/") }
    }

    /// The bearer token or API key that the client sent.
    func withKey<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        headBytes.withUnsafeReadableBytes { bytes in
            if let field = head.first(.authorization) {
                let prefix = ByteSpan(start: field.value.start, end: min(field.value.end, field.value.start + 7))
                if bytes.matches(prefix, "bearer ") {
                    var start = prefix.end
                    while start < field.value.end, bytes[start] == 0x20 { start += 1 }
                    return body(UnsafeRawBufferPointer(rebasing: bytes[start..<field.value.end]))
                }
            }
            if let field = head.first(.apiKey) {
                return body(UnsafeRawBufferPointer(rebasing: bytes[field.value.start..<field.value.end]))
            }
            return body(nil)
        }
    }

    /// The client's own request id where it is short and plain, else a new one.
    func id(from loop: GatewayLoop) -> String {
        guard let field = head.first(.requestID), (1...128).contains(field.value.count) else {
            return loop.makeRequestID()
        }
        return headBytes.withUnsafeReadableBytes { bytes in
            for index in field.value.start..<field.value.end where !Self.isPlain(bytes[index]) {
                return loop.makeRequestID()
            }
            return bytes.text(field.value)
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"): true
        default: false
        }
    }
}
