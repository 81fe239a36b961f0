// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore

/// A request as it goes to a deployment: the client's body with another model name, the deployment's own head.
enum UpstreamRequest {
    /// Bodies up to this size are sent in one piece with their head: a copy costs less than a gathering write.
    private static let joinedBytes = 8 << 10

    /// The pieces to write. The body is spliced: what surrounds the model name is sent as it came.
    static func make(
        _ request: ClientRequest, id: String, to target: Target, surface: Surface, body: UpstreamBody,
        contentType: StaticString?, in scratch: inout ScratchBuffer
    ) -> (first: ByteBuffer, rest: ByteBuffer?) {
        let start = target.requestHead(surface)
        let isJoined = body.rest.readableBytes <= joinedBytes
        let size =
            256 + start.readableBytes + request.headBytes.readableBytes + id.utf8.count + body.lead.readableBytes
            + body.name.count + (isJoined ? body.rest.readableBytes : 0)
        let first = scratch.assemble(size) { head in
            head.write(start)
            head.write("content-length: ")
            head.write(body.byteCount)
            head.write("\r\nx-request-id: ")
            head.write(id)
            head.write("\r\n")
            if let contentType {
                head.write("content-type: ")
                head.write(contentType)
                head.write("\r\n")
            }
            copyHeaders(request, to: &head, target: target, withContentType: contentType == nil)
            head.write("\r\n")
            body.write(to: &head, withRest: isJoined)
        }
        return (first, isJoined ? nil : body.rest)
    }

    private static func copyHeaders(
        _ request: ClientRequest, to head: inout ByteCursor, target: Target, withContentType: Bool
    ) {
        var hasVersion = false
        request.headBytes.withUnsafeReadableBytes { bytes in
            let nominated = request.head.fields.filter { $0.kind == .connection }
            for field in request.head.fields {
                switch field.kind {
                case .other, .accept, .userAgent: break
                case .contentType: guard withContentType else { continue }
                case .acceptEncoding, .authorization, .connection, .contentEncoding, .contentLength, .cookie, .date,
                    .expect,
                    .host, .hopByHop, .requestID, .retryAfter, .server, .setCookie, .transferEncoding, .apiKey,
                    .ownPrefix:
                    continue
                }
                // Headers that the client names in Connection are meant for this hop only.
                if nominated.contains(where: { isNominated(bytes, field.name, by: $0.value) }) { continue }
                if field.kind == .other, bytes.matches(field.name, "anthropic-version") {
                    // Only its own dialect has that header.
                    guard target.dialect == .anthropic, !hasVersion else { continue }
                    hasVersion = true
                }
                let line = bytes[field.name.start..<field.value.end]
                head.write(UnsafeRawBufferPointer(rebasing: line))
                head.write("\r\n")
            }
        }
        if target.wantsVersionHeader(clientHasOne: hasVersion) {
            head.write("anthropic-version: 2023-06-01\r\n")
        }
    }

    private static func isNominated(_ bytes: UnsafeRawBufferPointer, _ name: ByteSpan, by list: ByteSpan) -> Bool {
        guard list.count >= name.count else { return false }
        var start = list.start
        for index in list.start...list.end where index == list.end || bytes[index] == UInt8(ascii: ",") {
            var (first, last) = (start, index)
            while first < last, bytes[first] == 0x20 || bytes[first] == 0x09 { first += 1 }
            while last > first, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
            if last - first == name.count,
                (0..<name.count).allSatisfy({
                    ByteClass.lowercased(bytes[first + $0]) == ByteClass.lowercased(bytes[name.start + $0])
                })
            {
                return true
            }
            start = index + 1
        }
        return false
    }

    /// `body` with the string at `span` (quotes excluded) replaced by `model`; `asJSON` false for multipart fields.
    ///
    /// What follows the name is a slice of the client's body, so a long prompt is not copied.
    static func splice(_ body: ByteBuffer, _ span: ByteSpan, model: String, asJSON: Bool) -> UpstreamBody {
        let isPlain = model.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
        let name = isPlain || !asJSON ? Array(model.utf8)[...] : JSONText.quoted(model).dropFirst().dropLast()
        var lead = body
        lead.moveWriterIndex(to: body.readerIndex + span.start)
        var rest = body
        rest.moveReaderIndex(forwardBy: span.end)
        return UpstreamBody(lead: lead, name: name, rest: rest)
    }
}

/// A body in three parts: what stands before the model's name, the name, and what follows.
struct UpstreamBody {
    var lead = ByteBuffer()
    var name: ArraySlice<UInt8> = []
    var rest: ByteBuffer

    var byteCount: Int { lead.readableBytes + name.count + rest.readableBytes }

    /// All parts as one.
    var whole: ByteBuffer {
        guard lead.readableBytes > 0 else { return rest }
        return .assembled(byteCount) { write(to: &$0, withRest: true) }
    }

    func write(to bytes: inout ByteCursor, withRest: Bool) {
        bytes.write(lead)
        name.withUnsafeBytes { bytes.write($0) }
        if withRest { bytes.write(rest) }
    }
}
