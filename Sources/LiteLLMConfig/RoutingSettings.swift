// SPDX-License-Identifier: MIT

package import Diagnostics
package import YAMLSyntax

/// How LiteLLM picks among the deployments of a group.
package enum RoutingStrategy: String, CaseIterable, Sendable {
    case simpleShuffle = "simple-shuffle"
    case lar1
    case leastBusy = "least-busy"
    case latencyBased = "latency-based-routing"
    case costBased = "cost-based-routing"
    case usageBasedV2 = "usage-based-routing-v2"
    case usageBased = "usage-based-routing"
    case providerBudget = "provider-budget-routing"
}

/// The keys that `router_settings` and `litellm_settings` share; nil where the section says nothing.
package struct RoutingSettings: Sendable {
    package var routingStrategy: RoutingStrategy?
    package var numRetries: Int?
    /// `timeout` of `router_settings`, `request_timeout` of `litellm_settings`.
    package var timeout: Duration?
    package var streamTimeout: Duration?
    package var allowedFails: Int?
    package var cooldownTime: Duration?
    /// The shortest wait before a retry.
    package var retryAfter: Duration?
    package var fallbacks: [Fallback]?
    package var defaultFallbacks: [String]?
    package var contextWindowFallbacks: [Fallback]?
    package var contentPolicyFallbacks: [Fallback]?
    package var modelGroupAliases: [ModelGroupAlias]?
    package var retryPolicy: [RetryRule]?
    package var enablePreCallChecks: Bool?
    package var dropParams: Bool?
    package var disableCooldowns: Bool?
    /// Keys that this reader does not use.
    package var others: [YAMLNode.Entry] = []

    package init() {}

    /// These settings, with those of `other` where these say nothing.
    package func completed(by other: RoutingSettings) -> RoutingSettings {
        var result = self
        result.routingStrategy = routingStrategy ?? other.routingStrategy
        result.numRetries = numRetries ?? other.numRetries
        result.timeout = timeout ?? other.timeout
        result.streamTimeout = streamTimeout ?? other.streamTimeout
        result.allowedFails = allowedFails ?? other.allowedFails
        result.cooldownTime = cooldownTime ?? other.cooldownTime
        result.retryAfter = retryAfter ?? other.retryAfter
        result.fallbacks = fallbacks.nonEmpty ?? other.fallbacks
        result.defaultFallbacks = defaultFallbacks.nonEmpty ?? other.defaultFallbacks
        result.contextWindowFallbacks = contextWindowFallbacks.nonEmpty ?? other.contextWindowFallbacks
        result.contentPolicyFallbacks = contentPolicyFallbacks.nonEmpty ?? other.contentPolicyFallbacks
        result.modelGroupAliases = modelGroupAliases ?? other.modelGroupAliases
        result.retryPolicy = retryPolicy ?? other.retryPolicy
        result.enablePreCallChecks = enablePreCallChecks ?? other.enablePreCallChecks
        result.dropParams = dropParams ?? other.dropParams
        result.disableCooldowns = disableCooldowns ?? other.disableCooldowns
        return result
    }
}

/// What LiteLLM does where a config says nothing.
package enum LiteLLMDefaults {
    package static let routingStrategy = RoutingStrategy.simpleShuffle
    package static let numRetries = 2
    package static let allowedFails = 3
    package static let cooldownTime = Duration.seconds(5)
    package static let timeout = Duration.seconds(6000)
}

/// Where requests for `model` go when all its deployments have failed.
package struct Fallback: Equatable, Sendable {
    package let model: String
    /// In the order they are tried.
    package let targets: [String]
    package let span: SourceSpan?

    package init(model: String, targets: [String], span: SourceSpan? = nil) {
        self.model = model
        self.targets = targets
        self.span = span
    }
}

/// Another name for a model group.
package struct ModelGroupAlias: Equatable, Sendable {
    package let name: String
    package let target: String
    /// Works, but is not listed by `/v1/models`.
    package let isHidden: Bool
    package let span: SourceSpan?

    package init(name: String, target: String, isHidden: Bool = false, span: SourceSpan? = nil) {
        self.name = name
        self.target = target
        self.isHidden = isHidden
        self.span = span
    }
}

/// How often one kind of failure is tried again.
package struct RetryRule: Equatable, Sendable {
    package enum Failure: String, CaseIterable, Sendable {
        case badRequest = "BadRequestErrorRetries"
        case authentication = "AuthenticationErrorRetries"
        case timeout = "TimeoutErrorRetries"
        case rateLimit = "RateLimitErrorRetries"
        case contentPolicy = "ContentPolicyViolationErrorRetries"
        case internalServer = "InternalServerErrorRetries"
        case serviceUnavailable = "ServiceUnavailableErrorRetries"
    }

    package let failure: Failure
    package let retries: Int

    package init(failure: Failure, retries: Int) {
        self.failure = failure
        self.retries = retries
    }
}

extension Optional where Wrapped: Collection {
    /// LiteLLM treats an empty list as one that was not given.
    fileprivate var nonEmpty: Wrapped? { self.flatMap { $0.isEmpty ? nil : $0 } }
}
