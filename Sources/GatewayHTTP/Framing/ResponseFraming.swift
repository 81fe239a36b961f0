// SPDX-License-Identifier: MIT

package import GatewayConfig

/// The head of an upstream's response as offsets into the bytes it was read from.
package struct ResponseHead: Equatable, Sendable {
    package let status: Int
    package let fields: [HeaderField]
    package let body: BodyFraming
    package let keepsAlive: Bool
    package let byteCount: Int

    /// The first header of this kind.
    package func first(_ kind: HeaderKind) -> HeaderField? {
        fields.first { $0.kind == kind }
    }
}

/// Reads response heads from the start of a buffer, as strictly as requests are read.
package struct ResponseFraming: Sendable {
    private let limits: HeadLimits
    private var searched = 0

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
    }

    /// The head at the start of `bytes`, or nil when it is not whole yet. `answersHead`: the request was a HEAD.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, answersHead: Bool = false) throws(FramingError)
        -> ResponseHead?
    {
        guard let end = try HeaderBlockReader.endOfHead(bytes, from: searched - 3) else {
            if let first = bytes.first, first != UInt8(ascii: "H") { throw .invalidStartLine }
            guard bytes.count <= limits.bytes else { throw .headersTooLarge(limit: limits.bytes) }
            searched = bytes.count
            return nil
        }
        searched = 0
        guard end <= limits.bytes else { throw .headersTooLarge(limit: limits.bytes) }
        return try Self.parse(bytes, end: end, limits: limits, answersHead: answersHead)
    }

    private static func parse(
        _ bytes: UnsafeRawBufferPointer, end: Int, limits: HeadLimits, answersHead: Bool
    ) throws(FramingError) -> ResponseHead {
        // HTTP/1.x SP 3DIGIT [SP reason] CR LF
        guard end >= 16 else { throw .invalidStartLine }
        let minor = try RequestFraming.minorVersion(bytes, at: 0)
        guard bytes[8] == 0x20, ByteClass.isDigit(bytes[9]), ByteClass.isDigit(bytes[10]), ByteClass.isDigit(bytes[11])
        else { throw .invalidStartLine }
        let status = Int(bytes[9] - 0x30) * 100 + Int(bytes[10] - 0x30) * 10 + Int(bytes[11] - 0x30)
        guard (100...599).contains(status) else { throw .invalidStartLine }
        var index = 12
        if bytes[index] == 0x20 {
            while ByteClass.isFieldContent(bytes[index]) { index += 1 }
        }
        guard bytes[index] == 0x0D, bytes[index + 1] == 0x0A else { throw .invalidStartLine }
        var reader = HeaderBlockReader(bytes, from: index + 2, to: end - 2)
        var fields: [HeaderField] = []
        fields.reserveCapacity(16)
        var facts = MessageFacts()
        while let field = try reader.next() {
            guard fields.count < limits.fields else { throw .tooManyHeaders(limit: limits.fields) }
            fields.append(field)
            try facts.note(field, in: bytes)
        }
        guard status != 101 else { throw .unexpectedProtocolSwitch }
        guard !facts.isChunked || minor == 1 else { throw .unsupportedTransferEncoding }
        let body = bodyFraming(status: status, facts: facts, answersHead: answersHead)
        return ResponseHead(
            status: status, fields: fields, body: body,
            keepsAlive: facts.keepsAlive(minorVersion: minor) && body != .untilClose, byteCount: end)
    }

    private static func bodyFraming(status: Int, facts: MessageFacts, answersHead: Bool) -> BodyFraming {
        if answersHead || status < 200 || status == 204 || status == 304 { return .empty }
        if facts.isChunked { return .chunked }
        guard let length = facts.length else { return .untilClose }
        return length == 0 ? .empty : .length(length)
    }
}
