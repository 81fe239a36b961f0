// SPDX-License-Identifier: MIT

/// Calls the provider that plays a role, and the role's fallbacks when it fails.
public struct LLMRouter: Sendable {
    /// What the router needs of the world around it.
    public struct Environment: Sendable {
        /// The time of day, for traces.
        public var calendar: @Sendable () -> CalendarTime
        /// A clock that never runs backwards, for durations.
        public var now: @Sendable () -> Instant
        /// Waits between two calls to the same provider.
        public var sleep: @Sendable (Duration) async throws -> Void
        /// A new id for a request.
        public var requestID: @Sendable () -> String

        /// - Parameter calendar: the time of day, for traces.
        public init(calendar: @escaping @Sendable () -> CalendarTime) {
            let start = ContinuousClock.now
            self.calendar = calendar
            now = { Instant(nanoseconds: 0) + (ContinuousClock.now - start) }
            sleep = { try await Task.sleep(for: $0) }
            requestID = {
                var random = SystemRandomNumberGenerator()
                return RequestID.make(using: &random)
            }
        }
    }

    /// Roles and providers.
    public var configuration: RoleConfiguration
    /// Chooses the first provider of a request.
    public var policy: any RoutingPolicy
    /// Provider types that can be called.
    public var registry: ProviderRegistry
    /// Hears of each step.
    public var events: (any EventSink)?
    /// Keeps a record of each attempt.
    public var traces: (any TraceStore)?
    /// Hears of each step with all its fields.
    public var log: (@Sendable (RouterLogRecord) -> Void)?
    /// Called once for each success with usage, role and the configured provider's name; what it throws is dropped.
    public var onTokenUsage: (@Sendable (CompletionResponse.Usage, String, String) throws -> Void)?
    /// Shortens conversations before they are sent; passes them through by default.
    public var compress: @Sendable ([ChatMessage]) -> [ChatMessage] = { $0 }
    /// Noted in traces.
    public var workspace: String?
    let environment: Environment

    public init(
        configuration: RoleConfiguration, environment: Environment, policy: any RoutingPolicy = SimpleRoutingPolicy(),
        registry: ProviderRegistry = ProviderRegistry(), events: (any EventSink)? = nil,
        traces: (any TraceStore)? = nil
    ) {
        self.configuration = configuration
        self.environment = environment
        self.policy = policy
        self.registry = registry
        self.events = events
        self.traces = traces
    }

    /// Answers as a role. Failures are ``CompletionFailure``: the one that ended the chain.
    ///
    /// - Parameters:
    ///   - role: a role of the configuration; the default role plays one that is not there.
    ///   - messages: the conversation.
    ///   - attributes: over what the policy and the role say.
    public func complete(
        role: String, messages: [ChatMessage], attributes: RequestAttributes = RequestAttributes()
    ) async throws -> CompletionResponse {
        var call = try RoleCall(self, role: role, messages: messages, attributes: attributes)
        while true {
            let attempt = try await call.next()
            do {
                let provider = try registry.provider(type: attempt.provider.type)
                let response = try await provider.complete(call.request(attempt), settings: call.settings(attempt))
                return call.succeeded(attempt, response)
            } catch {
                try call.failed(attempt, CompletionFailure(error))
            }
        }
    }

    /// Answers as a role, in parts. Until the first part arrived, a failure goes to the next provider; after it, the
    /// stream ends with the failure.
    public func stream(
        role: String, messages: [ChatMessage], attributes: RequestAttributes = RequestAttributes()
    ) -> AsyncThrowingStream<CompletionChunk, any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    var call = try RoleCall(self, role: role, messages: messages, attributes: attributes)
                    while try await !streamAttempt(&call, into: continuation) {}
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// True when the answer is whole, false when the next provider is to be tried.
    private func streamAttempt(
        _ call: inout RoleCall, into continuation: AsyncThrowingStream<CompletionChunk, any Error>.Continuation
    ) async throws -> Bool {
        let attempt = try await call.next()
        var hasBegun = false
        do {
            let provider = try registry.provider(type: attempt.provider.type)
            for try await chunk in provider.stream(call.request(attempt), settings: call.settings(attempt)) {
                hasBegun = true
                switch chunk {
                case .text: continuation.yield(chunk)
                case .finished(let response):
                    continuation.yield(.finished(call.succeeded(attempt, response)))
                    return true
                }
            }
            throw CompletionFailure(.invalidResponse, "the stream ended before the answer was whole")
        } catch {
            let failure = CompletionFailure(error)
            try call.failed(attempt, failure)
            if hasBegun { throw failure }
            return false
        }
    }
}

/// Request ids.
public enum RequestID {
    /// A random UUID (version 4) in lower case.
    public static func make(using random: inout some RandomNumberGenerator) -> String {
        let high = random.next() & ~0xf000 | 0x4000
        let low = random.next() & ~(0b11 << 62) | (0b10 << 62)
        let digits = [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        let (first, second) = (Array(digits[0]), Array(digits[1]))
        return [first[0..<8], first[8..<12], first[12..<16], second[0..<4], second[4..<16]]
            .map { String($0) }.joined(separator: "-")
    }
}
