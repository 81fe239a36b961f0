// SPDX-License-Identifier: MIT

package import GatewayConfig
internal import LLMRouting

/// A route that is answered by a deployment.
package enum Surface: UInt8, CaseIterable, Sendable {
    case chatCompletions, completions, embeddings, responses, messages, countTokens, speech, transcriptions,
        translations,
        imageGenerations, imageEdits, imageVariations, rerank, moderations

    /// What is appended to a deployment's base path.
    package var path: StaticString {
        switch self {
        case .chatCompletions: "/chat/completions"
        case .completions: "/completions"
        case .embeddings: "/embeddings"
        case .responses: "/responses"
        case .messages: "/messages"
        case .countTokens: "/messages/count_tokens"
        case .speech: "/audio/speech"
        case .transcriptions: "/audio/transcriptions"
        case .translations: "/audio/translations"
        case .imageGenerations: "/images/generations"
        case .imageEdits: "/images/edits"
        case .imageVariations: "/images/variations"
        case .rerank: "/rerank"
        case .moderations: "/moderations"
        }
    }

    package var dialect: Dialect {
        switch self {
        case .messages, .countTokens: .anthropic
        case .chatCompletions, .completions, .embeddings, .responses, .speech, .transcriptions, .translations,
            .imageGenerations, .imageEdits, .imageVariations, .rerank, .moderations:
            .openAI
        }
    }

    /// A short name for logs and metrics; OpenTelemetry's operation name where it has one.
    package var label: StaticString {
        switch self {
        case .chatCompletions: "chat"
        case .completions: "text_completion"
        case .embeddings: "embeddings"
        case .responses: "responses"
        case .messages: "messages"
        case .countTokens: "count_tokens"
        case .speech: "speech"
        case .transcriptions: "transcriptions"
        case .translations: "translations"
        case .imageGenerations: "image_generation"
        case .imageEdits: "image_edit"
        case .imageVariations: "image_variation"
        case .rerank: "rerank"
        case .moderations: "moderation"
        }
    }

    var mode: DeploymentMode {
        switch self {
        case .chatCompletions, .messages, .countTokens: .chat
        case .completions: .completion
        case .embeddings: .embedding
        case .responses: .responses
        case .speech: .speech
        case .transcriptions, .translations: .transcription
        case .imageGenerations, .imageEdits, .imageVariations: .image
        case .rerank: .rerank
        case .moderations: .moderation
        }
    }
}

/// What a request target asks for.
package enum Route: Equatable, Sendable {
    case surface(Surface)
    case models
    case model(String)
    case liveness
    case readiness
    case health
    case metrics
    case admin(AdminRoute)
    case unknown

    /// Reads the path of a target; one `/v1` before it and a query behind it make no difference.
    package static func of(_ bytes: UnsafeRawBufferPointer, _ target: ByteSpan) -> Route {
        var path = target
        if bytes.isExactly(ByteSpan(start: path.start, end: min(path.end, path.start + 4)), "/v1/") {
            path = ByteSpan(start: path.start + 3, end: path.end)
        }
        // The routes that are asked all day, without making a text.
        switch path.count {
        case 9: if bytes.isExactly(path, "/messages") { return .surface(.messages) }
        case 10: if bytes.isExactly(path, "/responses") { return .surface(.responses) }
        case 11: if bytes.isExactly(path, "/embeddings") { return .surface(.embeddings) }
        case 12: if bytes.isExactly(path, "/completions") { return .surface(.completions) }
        case 17: if bytes.isExactly(path, "/chat/completions") { return .surface(.chatCompletions) }
        default: break
        }
        return of(bytes.text(target))
    }

    /// Reads the path of a target.
    package static func of(_ target: String) -> Route {
        var path = target.prefix { $0 != "?" }
        if path.hasPrefix("/v1/") { path = path.dropFirst(3) }
        if path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        if let surface = surfaces[path] { return .surface(surface) }
        switch path {
        case "/models": return .models
        case "/health/liveliness", "/health/liveness", "/livez": return .liveness
        case "/health/readiness", "/readyz": return .readiness
        case "/health": return .health
        case "/metrics": return .metrics
        default: break
        }
        if path.hasPrefix("/models/"), let name = PercentDecoding.decode(path.dropFirst(8)), !name.isEmpty {
            return .model(name)
        }
        return AdminRoute(path: path).map(Route.admin) ?? .unknown
    }

    private static let surfaces = Dictionary(
        uniqueKeysWithValues: Surface.allCases.map { (Substring("\($0.path)"), $0) })

    /// The methods that the route answers, for 405.
    package var methods: [RequestMethod] {
        switch self {
        case .surface: [.post]
        case .models, .model, .liveness, .readiness, .health, .metrics: [.get, .head]
        case .admin(let route): route.methods
        case .unknown: []
        }
    }
}

/// Routes of the operator's side.
package enum AdminRoute: Equatable, Sendable {
    case dashboard, providers, analytics, simulateFailure, reload, drain

    package init?(path: some StringProtocol) {
        switch path {
        case "/", "/dashboard": self = .dashboard
        case "/providers": self = .providers
        case "/routing/analytics": self = .analytics
        case "/simulate/failure": self = .simulateFailure
        case "/admin/reload": self = .reload
        case "/admin/drain": self = .drain
        default: return nil
        }
    }

    package var methods: [RequestMethod] {
        switch self {
        case .dashboard, .providers, .analytics: [.get, .head]
        case .simulateFailure, .reload, .drain: [.post]
        }
    }
}

/// `%41` → `A`.
enum PercentDecoding {
    /// Nil for a broken escape or bytes that are not UTF-8.
    static func decode(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let first = iterator.next().flatMap(ByteClass.hexDigit),
                let second = iterator.next().flatMap(ByteClass.hexDigit)
            else { return nil }
            bytes.append(UInt8(first << 4 | second))
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
