// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
public import LLMRouting
internal import SystemIO
internal import Transfer

/// Calls a server that speaks OpenAI's chat API: the provider types `openrouter_http` and `openai_http`.
///
/// Settings: `base_url`, `api_key_env` (the name of a variable, read at each call), `headers`, `timeout`.
public struct OpenAIProvider: CompletionProvider {
    static let defaultBaseURL = "https://openrouter.ai/api/v1"
    static let defaultKeyVariable = "OPENROUTER_API_KEY"
    static let defaultTimeout = Duration.seconds(60)
    /// What is read of an answer.
    private static let answerLimitBytes = 64 << 20

    private let environment: @Sendable (String) -> String?
    private let transfer: TransferSettings

    /// - Parameter environment: looks up variables: keys, proxies and certificates.
    public init(environment: @escaping @Sendable (String) -> String?) {
        self.environment = environment
        let names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
        let wanted = names + names.map { $0.lowercased() } + ["SSL_CERT_FILE", "CURL_CA_BUNDLE"]
        var settings = TransferSettings(
            environment: Dictionary(
                wanted.compactMap { name in environment(name).map { (name, $0) } },
                uniquingKeysWith: { first, _ in first })
        )
        settings.redirectLimit = 0
        settings.sizeLimitBytes = Self.answerLimitBytes
        transfer = settings
    }

    public func complete(_ request: CompletionRequest, settings: Settings) async throws -> CompletionResponse {
        let call = try call(request, settings, isStreaming: false)
        return try await Blocking.run { _ in
            let response: TransferResponse
            do throws(TransferError) {
                response = try HTTPExchange(settings: call.transfer).send(call.request)
            } catch {
                throw call.failure(error)
            }
            try call.check(response.head, body: response.body)
            return try OpenAIAnswer.response(response.body, to: request)
        }
    }

    public func stream(
        _ request: CompletionRequest, settings: Settings
    ) -> AsyncThrowingStream<CompletionChunk, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    let call = try call(request, settings, isStreaming: true)
                    try await Blocking.run { isCancelled in
                        try Self.receive(call, request, isCancelled) { continuation.yield($0) }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private static func receive(
        _ call: OpenAICall, _ request: CompletionRequest, _ isCancelled: @Sendable () -> Bool,
        yield: (CompletionChunk) -> Void
    ) throws {
        do {
            let stream = try TransferStream(call.request, settings: call.transfer)
            guard stream.head.status == 200,
                stream.head["content-type"]?.lowercased().hasPrefix("text/event-stream") == true
            else {
                var body: [UInt8] = []
                while case let bytes = try stream.read(), !bytes.isEmpty { body.append(contentsOf: bytes) }
                try call.check(stream.head, body: body)
                // Some servers answer whole although they were asked for a stream.
                let response = try OpenAIAnswer.response(body, to: request)
                yield(.text(response.text))
                yield(.finished(response))
                return
            }
            var reader = OpenAIStream(request, secrets: call.secrets)
            while !isCancelled(), case let bytes = try stream.read(), !bytes.isEmpty {
                for text in try reader.receive(bytes) { yield(.text(text)) }
                if reader.isDone { break }
            }
            if isCancelled() { throw CancellationError() }
            yield(.finished(try reader.finish()))
        } catch let error as TransferError {
            throw call.failure(error)
        }
    }

    private func call(
        _ request: CompletionRequest, _ settings: Settings, isStreaming: Bool
    ) throws(CompletionFailure) -> OpenAICall {
        let variable = settings["api_key_env"]?.textValue ?? Self.defaultKeyVariable
        let key = environment(variable) ?? ""
        var headers = (settings["headers"]?.mapValue?.members ?? []).compactMap { member in
            member.value.textValue.map { (member.name, $0) }
        }
        if !headers.contains(where: { $0.0.lowercased() == "authorization" }) {
            guard !key.isEmpty else {
                throw CompletionFailure(
                    .providerError, "HTTP request failed: Illegal header value: the variable \(variable) is not set")
            }
            headers.append(("Authorization", "Bearer \(key)"))
        }
        guard headers.allSatisfy({ !("\($0.0)\($0.1)").utf8.contains { $0 < 0x20 || $0 == 0x7F } }) else {
            throw CompletionFailure(.providerError, "HTTP request failed: Illegal header value")
        }
        var base = settings["base_url"]?.textValue ?? Self.defaultBaseURL
        while base.hasSuffix("/") { base.removeLast() }
        let url: TransferURL
        do { url = try TransferURL(base + "/chat/completions") } catch {
            throw CompletionFailure(.providerError, "HTTP request failed: \(error.diagnostic.message)")
        }
        let timeout =
            request.timeout > .zero
            ? request.timeout : settings["timeout"].flatMap(\.duration) ?? Self.defaultTimeout
        return OpenAICall(
            url: url, headers: headers, body: OpenAIAnswer.body(of: request, isStreaming: isStreaming),
            secrets: SentSecrets(key: key, headers: headers), timeout: timeout, transfer: transfer)
    }
}

/// One request, ready to be sent, and the words for what becomes of it.
struct OpenAICall: Sendable {
    let request: TransferRequest
    let transfer: TransferSettings
    let secrets: SentSecrets
    private let timeout: Duration

    init(
        url: TransferURL, headers: [(String, String)], body: [UInt8], secrets: SentSecrets, timeout: Duration,
        transfer: TransferSettings
    ) {
        var request = TransferRequest(url)
        request.method = "POST"
        request.body = Secret(body)
        for (name, value) in headers {
            switch name.lowercased() {
            case "authorization": request.authorization = Secret(value)
            case "content-type": request.contentType = value
            default: request.set(name, value)
            }
        }
        var settings = transfer
        settings.totalTimeout = timeout
        settings.stallTimeout = timeout
        settings.connectTimeout = min(settings.connectTimeout, timeout)
        self.request = request
        self.transfer = settings
        self.timeout = timeout
        self.secrets = secrets
    }

    func failure(_ error: TransferError) -> CompletionFailure {
        if error.word == "timeout" {
            return CompletionFailure(.timeout, "Request timed out after \(timeout.inSeconds)s")
        }
        return CompletionFailure(.providerError, "HTTP request failed: \(error.diagnostic.message)")
    }

    /// Throws what a status other than 200 means.
    func check(_ head: ResponseHead, body: [UInt8]) throws(CompletionFailure) {
        switch head.status {
        case 429:
            throw CompletionFailure(
                .rateLimit, "Rate limited by provider", retryAfter: head.retryAfter(now: .now()))
        case 400...:
            let text = secrets.redacted(String(decoding: body, as: UTF8.self)).unicodeScalars.prefix(200)
            throw CompletionFailure(
                .providerError, "Provider returned HTTP \(head.status): \(String(text))",
                retryAfter: head.retryAfter(now: .now()))
        case 300..<400: throw CompletionFailure(.unknown, "Provider redirects (HTTP \(head.status))")
        default: return
        }
    }
}

/// What a request carries that nobody else may read: a server may repeat what it was sent.
struct SentSecrets: Sendable {
    /// A shorter one is a word that texts have anyway.
    private static let shortestBytes = 6
    /// Headers that say who the caller is and never what it is allowed to.
    private static let openHeaders: Set = [
        "accept", "content-type", "http-referer", "referer", "user-agent", "x-title",
    ]

    /// The longest first, since a short one may be part of it.
    private let values: Secret<[String]>

    /// - Parameters:
    ///   - key: of the environment.
    ///   - headers: all that are sent; what follows a scheme such as `Bearer` is a secret by itself.
    init(key: String, headers: [(String, String)]) {
        var found: Set = [key]
        for (name, value) in headers where !Self.openHeaders.contains(name.lowercased()) {
            found.formUnion([value, String(value.split(separator: " ").last ?? "")])
        }
        values = Secret(
            found.filter { $0.utf8.count >= Self.shortestBytes }.sorted { $0.utf8.count > $1.utf8.count })
    }

    func redacted(_ text: String) -> String {
        values.reveal().reduce(text) { $0.replacing($1, with: "<redacted>") }
    }
}

extension SettingValue {
    /// Seconds; nil for what is no positive number.
    var duration: Duration? {
        let seconds: Double? =
            switch self {
            case .integer(let number): Double(number)
            case .number(let number): number
            case .null, .bool, .text, .list, .map: nil
            }
        return seconds.flatMap { $0 > 0 && $0 < 1e9 ? .milliseconds(Int64($0 * 1000)) : nil }
    }
}

extension Duration {
    /// As in `0.5`, `60.0`.
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds / 1_000_000_000_000) / 1_000_000
    }
}
