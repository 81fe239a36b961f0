// SPDX-License-Identifier: MIT

/// One message of a conversation.
public struct ChatMessage: Hashable, Sendable {
    /// `system`, `user`, `assistant` or `tool`.
    public var role: String
    /// The text.
    public var content: String

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }

    /// A message of the user.
    public static func user(_ content: String) -> ChatMessage { ChatMessage(role: "user", content: content) }
    /// A message of the system.
    public static func system(_ content: String) -> ChatMessage { ChatMessage(role: "system", content: content) }
}

/// What a provider is asked.
public struct CompletionRequest: Hashable, Sendable {
    /// The role as requested, also when the default role plays it.
    public var role: String
    /// The conversation, compressed by ``LLMRouter/compress``.
    public var messages: [ChatMessage]
    /// Empty leaves the choice to the provider.
    public var model: String
    /// From 0, the most likely words, upwards.
    public var temperature: Double
    /// Whether the answer must be a JSON object.
    public var jsonMode: Bool
    /// The longest answer; nil leaves it to the provider.
    public var maximumTokens: Int?
    /// Zero leaves it to the provider.
    public var timeout: Duration
    /// The same for all attempts of a request.
    public var requestID: String

    init(role: String, messages: [ChatMessage], attributes: RequestAttributes, requestID: String) {
        let defaults = RequestAttributes.defaults.merging(attributes)
        self.role = role
        self.messages = messages
        model = defaults.model ?? ""
        temperature = defaults.temperature ?? 0.2
        jsonMode = defaults.jsonMode ?? false
        maximumTokens = defaults.maximumTokens
        timeout = defaults.timeout ?? .seconds(60)
        self.requestID = requestID
    }
}

/// What a provider answers.
public struct CompletionResponse: Hashable, Sendable {
    /// Tokens as the provider counted them; zeros when it did not.
    public struct Usage: Hashable, Sendable {
        /// Of the messages.
        public var promptTokens: Int
        /// Of the answer.
        public var completionTokens: Int
        /// As reported, or the sum of both.
        public var totalTokens: Int

        public init(promptTokens: Int = 0, completionTokens: Int = 0, totalTokens: Int? = nil) {
            self.promptTokens = promptTokens
            self.completionTokens = completionTokens
            let (sum, overflow) = promptTokens.addingReportingOverflow(completionTokens)
            self.totalTokens = totalTokens ?? (overflow ? .max : sum)
        }
    }

    /// The whole answer.
    public var text: String
    /// What it used.
    public var usage: Usage
    /// The model that answered, as the provider says.
    public var model: String
    /// The provider's own name for itself, which may differ from the configured one.
    public var provider: String
    /// Set by the router.
    public var requestID = ""
    /// What the provider wants to add: for debugging.
    public var raw: Settings

    public init(text: String, usage: Usage, model: String, provider: String, raw: Settings = Settings()) {
        self.text = text
        self.usage = usage
        self.model = model
        self.provider = provider
        self.raw = raw
    }
}

/// A part of a streamed answer.
public enum CompletionChunk: Hashable, Sendable {
    case text(String)
    /// The last one; its text is the whole answer.
    case finished(CompletionResponse)
}

/// A typed failure of a provider.
public struct CompletionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What it means: whether another provider is asked.
    public var type: FailureType
    /// For people; part of traces and logs.
    public var message: String
    /// When the provider asked for a pause.
    public var retryAfter: Duration?

    /// A failure that nobody gave a type.
    public init(_ message: String) {
        self.init(.unknown, message)
    }

    public init(_ type: FailureType, _ message: String, retryAfter: Duration? = nil) {
        self.type = type
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { message }

    /// Any error as a typed one.
    init(_ error: any Error) {
        switch error {
        case let failure as CompletionFailure: self = failure
        case is CancellationError: self.init(.cancelled, "cancelled")
        default: self.init(.unknown, "\(error)")
        }
    }
}

/// Something that answers: an HTTP API, a program, a stand-in.
public protocol CompletionProvider: Sendable {
    /// Answers one request. Typed failures are ``CompletionFailure``; anything else counts as UNKNOWN.
    func complete(_ request: CompletionRequest, settings: Settings) async throws -> CompletionResponse

    /// Answers in parts. The default gives the whole answer as one.
    func stream(
        _ request: CompletionRequest, settings: Settings
    ) -> AsyncThrowingStream<CompletionChunk, any Error>
}

extension CompletionProvider {
    public func stream(
        _ request: CompletionRequest, settings: Settings
    ) -> AsyncThrowingStream<CompletionChunk, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    let response = try await complete(request, settings: settings)
                    continuation.yield(.text(response.text))
                    continuation.yield(.finished(response))
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

/// Provider types by the name that configurations use.
public struct ProviderRegistry: Sendable {
    private var providers: [String: any CompletionProvider]
    private var aliases: [String: String]

    public init(
        _ providers: [String: any CompletionProvider] = ["mock": MockProvider()],
        aliases: [String: String] = ["openai_http": "openrouter_http"]
    ) {
        self.providers = providers
        self.aliases = aliases
    }

    /// Makes a provider known under a type's name; an earlier one is replaced.
    public mutating func register(_ provider: any CompletionProvider, type: String) {
        providers[type] = provider
    }

    /// Names and aliases that lead to a provider, sorted.
    public var available: [String] {
        (Array(providers.keys) + aliases.filter { providers[$0.value] != nil }.map(\.key)).sorted()
    }

    /// The provider of a type or alias.
    public func provider(type: String) throws(CompletionFailure) -> any CompletionProvider {
        guard let provider = providers[aliases[type] ?? type] else {
            let names = available.map { "'\($0)'" }.joined(separator: ", ")
            throw CompletionFailure(.providerError, "Provider '\(type)' not registered. Available: [\(names)]")
        }
        return provider
    }
}

/// Answers without calling anybody, or fails as it is told.
public struct MockProvider: CompletionProvider {
    public init() {}

    public func complete(_ request: CompletionRequest, settings: Settings) async throws -> CompletionResponse {
        if settings["raise_timeout"]?.isTruthy == true { throw CompletionFailure(.timeout, "mock timeout") }
        if settings["raise_contract_violation"]?.isTruthy == true {
            throw CompletionFailure(.contractViolation, "mock contract violation")
        }
        if settings["raise_rate_limit"]?.isTruthy == true { throw CompletionFailure(.rateLimit, "mock rate limit") }
        return CompletionResponse(
            text: settings["response_text"]?.textValue ?? "mock response for role=\(request.role)",
            usage: CompletionResponse.Usage(promptTokens: 10, completionTokens: 5),
            model: request.model.isEmpty ? "mock-model" : request.model, provider: "mock",
            raw: Settings([("mock", .bool(true)), ("role", .text(request.role))]))
    }
}

extension SettingValue {
    /// Present and neither false, zero nor empty.
    var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .number(let number): number != 0
        case .text(let text): !text.isEmpty
        case .list(let list): !list.isEmpty
        case .map(let settings): !settings.isEmpty
        }
    }
}
