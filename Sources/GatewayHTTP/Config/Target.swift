// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import LLMRouting
internal import NIOCore

/// How a deployment is called: everything about it that does not change from request to request, ready to be written.
final class Target: Sendable {
    let id: String
    let provider: TargetSpec.Provider
    let dialect: Dialect
    /// For whole answers: how long until they come.
    let answerTimeout: Duration?
    let firstEventTimeout: Duration?
    private let key: Secret<String>?
    private let requestHeads: [ByteBuffer]
    /// The headers of an answer that name the deployment.
    let answerHeaders: ByteBuffer
    /// Names of our own headers, so that a client's do not double them.
    private let hasVersion: Bool

    init(_ spec: TargetSpec) {
        id = spec.id
        provider = spec.provider
        dialect = spec.dialect
        key = spec.key
        answerTimeout = spec.answerTimeout
        firstEventTimeout = spec.firstEventTimeout
        hasVersion = spec.extraHeaders.contains { $0.name.lowercased() == "anthropic-version" }
        var headers = ByteBuffer()
        switch provider {
        case .mock: break
        case .http(let base): headers.writeString("host: \(base.origin.authority)\r\n")
        }
        if let key {
            switch dialect {
            case .openAI: headers.writeString("authorization: Bearer \(key.reveal())\r\n")
            case .anthropic: headers.writeString("x-api-key: \(key.reveal())\r\n")
            }
        }
        if let organization = spec.organization { headers.writeString("openai-organization: \(organization)\r\n") }
        for header in spec.extraHeaders { headers.writeString("\(header.name): \(header.value.reveal())\r\n") }
        headers.writeStaticString("accept-encoding: identity\r\n")
        let provider = spec.provider
        requestHeads = Surface.allCases.map { surface in
            var head = ByteBuffer(string: "POST \(Self.path(provider, surface))")
            head.writeStaticString(" HTTP/1.1\r\n")
            head.writeImmutableBuffer(headers)
            return head
        }
        answerHeaders = Self.answerHeaders(id: id, provider: provider)
    }

    /// The start of a request's head, up to where the client's headers begin.
    func requestHead(_ surface: Surface) -> ByteBuffer { requestHeads[Int(surface.rawValue)] }

    /// Whether a client's header is replaced by one of ours.
    func wantsVersionHeader(clientHasOne: Bool) -> Bool { dialect == .anthropic && !hasVersion && !clientHasOne }

    /// `text` without the deployment's key, should an upstream repeat it.
    func redacting(_ bytes: ByteBuffer) -> ByteBuffer {
        guard let key = key?.reveal(), key.utf8.count >= 8 else { return bytes }
        let text = String(buffer: bytes)
        guard text.contains(key) else { return bytes }
        return ByteBuffer(string: text.replacing(key, with: "<redacted>"))
    }

    /// The same for words that may have been cut within the key.
    func redacting(_ text: String) -> String {
        guard let key = key?.reveal(), key.utf8.count >= 8 else { return text }
        let whole = text.replacing(key, with: "<redacted>")
        let shortest = 4
        let cut = stride(from: key.count - 1, through: shortest, by: -1).first { whole.hasSuffix(key.prefix($0)) }
        return cut.map { whole.dropLast($0) + "<redacted>" } ?? whole
    }

    private static func path(_ provider: TargetSpec.Provider, _ surface: Surface) -> String {
        switch provider {
        case .mock: "\(surface.path)"
        case .http(let base): "\(base.path)\(surface.path)"
        }
    }

    private static func answerHeaders(id: String, provider: TargetSpec.Provider) -> ByteBuffer {
        var headers = ByteBuffer()
        let name = HeaderText.safe(id)
        headers.writeString("x-llm-router-deployment: \(name)\r\nx-litellm-model-id: \(name)\r\n")
        if case .http(let base) = provider {
            let scheme = base.origin.isSecure ? "https" : "http"
            headers.writeString("x-litellm-model-api-base: \(scheme)://\(base.origin.authority)\(base.path)\r\n")
        }
        return headers
    }
}

/// Text that may stand in a header.
enum HeaderText {
    static func safe(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 > 0x7E }) else { return text }
        return String(text.unicodeScalars.map { $0.value < 0x20 || $0.value > 0x7E ? "?" : Character($0) })
    }
}
