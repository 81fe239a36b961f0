// SPDX-License-Identifier: MIT

/// Walks the providers of a role: the chosen one, then the fallbacks. Pure; the router performs its steps.
struct RoleChain: Sendable {
    struct Attempt: Hashable, Sendable {
        /// Zero-based position in the chain; positions of unknown providers are counted and skipped.
        let position: Int
        let provider: RoleConfiguration.Provider
        /// Overrides the request's model.
        let model: String?
        /// Pause before the call.
        let delay: Duration

        var isFallback: Bool { position > 0 }
    }

    enum Step: Hashable, Sendable {
        case attempt(Attempt)
        case fail(CompletionFailure)
    }

    private let configuration: RoleConfiguration
    private let chain: [RoleConfiguration.Fallback]
    private var position = 0
    private var last: (provider: String, failure: CompletionFailure)?

    /// Before another call to the provider that just failed, when it named no time itself.
    static let pauseForSameProvider = Duration.milliseconds(500)
    static let longestPause = Duration.seconds(30)

    init(_ configuration: RoleConfiguration, role: RoleConfiguration.Role, choice: ProviderChoice) {
        self.configuration = configuration
        chain = [RoleConfiguration.Fallback(provider: choice.providerName)] + role.fallbacks
    }

    /// The next call, or the failure to report when nobody is left.
    mutating func next() -> Step {
        while position < chain.count {
            let link = chain[position]
            position += 1
            guard let provider = configuration.provider(named: link.provider) else { continue }
            return .attempt(
                Attempt(
                    position: position - 1, provider: provider, model: link.model, delay: delay(before: link.provider)))
        }
        return .fail(last?.failure ?? CompletionFailure(.providerError, "No providers available"))
    }

    /// Takes a failure; false when it ends the request.
    mutating func failed(_ failure: CompletionFailure, at attempt: Attempt) -> Bool {
        last = (attempt.provider.name, failure)
        return failure.type.shouldRetry
    }

    private func delay(before name: String) -> Duration {
        guard let last, last.provider == name else { return .zero }
        return min(last.failure.retryAfter ?? Self.pauseForSameProvider, Self.longestPause)
    }
}
