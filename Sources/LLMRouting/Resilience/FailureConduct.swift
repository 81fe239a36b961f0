// SPDX-License-Identifier: MIT

/// What one kind of failure means for the deployment and for the request: the table behind every retry and fallback.
struct FailureConduct: Hashable, Sendable {
    enum Verdict: Hashable, Sendable {
        /// Speaks against the deployment: counts for breaker and cooldown.
        case blamesDeployment
        /// The deployment is well but must rest: no breaker, a hold until Retry-After.
        case asksForRest
        /// Nothing about the deployment: the client's request or a cancelled call.
        case neutral
        /// Wrong key or empty account: rests for the cooldown at once.
        case restsForCooldown
    }

    enum Repeat: Hashable, Sendable {
        /// The deployment is not called again for this request.
        case never
        /// Once more right away after a short pause with jitter, then others, then with backoff.
        case quickly
        /// Only when no other deployment is left, with backoff.
        case whenNothingElse
    }

    enum Chain: Hashable, Sendable {
        case general
        case contextWindow
        case contentPolicy
        /// The request ends here.
        case none
    }

    let verdict: Verdict
    let repetition: Repeat
    let chain: Chain
    /// Other deployments of the same upstream model would fail in the same way.
    var spoilsModel = false
}

extension FailureKind {
    var conduct: FailureConduct {
        switch self {
        case .rateLimited:
            FailureConduct(verdict: .asksForRest, repetition: .whenNothingElse, chain: .general)
        case .serverError, .connection:
            FailureConduct(verdict: .blamesDeployment, repetition: .quickly, chain: .general)
        case .unavailable, .malformedAnswer, .emptyAnswer, .htmlAnswer, .errorFirstStream, .streamCut, .unknown:
            FailureConduct(verdict: .blamesDeployment, repetition: .whenNothingElse, chain: .general)
        case .connectTimeout, .firstTokenTimeout, .idleTimeout:
            FailureConduct(verdict: .blamesDeployment, repetition: .never, chain: .general)
        case .prefixMismatch:
            FailureConduct(verdict: .neutral, repetition: .never, chain: .none)
        case .contextLength:
            FailureConduct(verdict: .neutral, repetition: .never, chain: .contextWindow, spoilsModel: true)
        case .contentPolicy:
            FailureConduct(verdict: .neutral, repetition: .never, chain: .contentPolicy, spoilsModel: true)
        case .badRequest:
            FailureConduct(verdict: .neutral, repetition: .never, chain: .general, spoilsModel: true)
        case .authentication, .paymentRequired:
            FailureConduct(verdict: .restsForCooldown, repetition: .never, chain: .general)
        case .notFound:
            FailureConduct(verdict: .neutral, repetition: .never, chain: .general)
        case .contractViolation, .cancelled:
            FailureConduct(verdict: .neutral, repetition: .never, chain: .none)
        }
    }
}
