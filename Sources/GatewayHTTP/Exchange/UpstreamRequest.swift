// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore

/// A request as it goes to a deployment: the client's body with another model name, the deployment's own head.
enum UpstreamRequest {
    /// Head and body. The body is spliced: what surrounds the model name is sent as it came.
    static func make(
        _ request: ClientRequest, id: String, to target: Target, surface: Surface, body: UpstreamBody,
        contentType: StaticString?
    ) -> (head: ByteBuffer, body: ByteBuffer) {
        var head = target.requestHead(surface)
        head.writeStaticString("content-length: ")
        head.writeString(String(body.byteCount))
        head.writeStaticString("\r\nx-request-id: ")
        head.writeString(id)
        head.writeStaticString("\r\n")
        if let contentType {
            head.writeStaticString("content-type: ")
            head.writeStaticString(contentType)
            head.writeStaticString("\r\n")
        }
        copyHeaders(request, to: &head, target: target, withContentType: contentType == nil)
        head.writeStaticString("\r\n")
        head.writeImmutableBuffer(body.lead)
        return (head, body.rest)
    }

    private static func copyHeaders(
        _ request: ClientRequest, to head: inout ByteBuffer, target: Target, withContentType: Bool
    ) {
        var hasVersion = false
        request.headBytes.withUnsafeReadableBytes { bytes in
            let nominated = request.head.first(.connection).map(\.value)
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
                if let nominated, isNominated(bytes, field.name, by: nominated) { continue }
                if field.kind == .other, bytes.matches(field.name, "anthropic-version") {
                    // Only its own dialect has that header.
                    guard target.dialect == .anthropic, !hasVersion else { continue }
                    hasVersion = true
                }
                let line = bytes[field.name.start..<field.value.end]
                head.writeBytes(UnsafeRawBufferPointer(rebasing: line))
                head.writeStaticString("\r\n")
            }
        }
        if target.wantsVersionHeader(clientHasOne: hasVersion) {
            head.writeStaticString("anthropic-version: 2023-06-01\r\n")
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
        let name = asJSON ? Array(JSONText.quoted(model).dropFirst().dropLast()) : Array(model.utf8)
        let isSame = body.withUnsafeReadableBytes { bytes in
            bytes[span.start..<span.end].elementsEqual(name)
        }
        if isSame { return UpstreamBody(rest: body) }
        var lead = ByteBuffer()
        lead.reserveCapacity(span.start + name.count)
        body.withUnsafeReadableBytes { bytes in
            _ = lead.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<span.start]))
        }
        lead.writeBytes(name)
        var rest = body
        rest.moveReaderIndex(forwardBy: span.end)
        return UpstreamBody(lead: lead, rest: rest)
    }
}

/// A body in two parts: what was rewritten, and what is sent as the client sent it.
struct UpstreamBody {
    var lead = ByteBuffer()
    var rest: ByteBuffer

    var byteCount: Int { lead.readableBytes + rest.readableBytes }

    /// Both parts as one.
    var whole: ByteBuffer {
        guard lead.readableBytes > 0 else { return rest }
        var whole = lead
        whole.writeImmutableBuffer(rest)
        return whole
    }
}
