// SPDX-License-Identifier: MIT

/// Everything that decides where requests go: plain values, made from a config file by the caller.
public struct GatewayPolicy: Sendable {
    /// Everything that can be called; those with the same group share its requests.
    public var deployments: [Deployment] = []
    /// Other names of model groups.
    public var aliases: [String: String] = [:]
    /// Names that stand for a light and a strong pool.
    public var virtualModels: [String: VirtualModel] = [:]
    /// Groups to try when every deployment of a group failed, in order.
    public var fallbacks: [String: [String]] = [:]
    /// For groups that have no `fallbacks` of their own.
    public var defaultFallbacks: [String] = []
    /// Instead of `fallbacks` when the prompt did not fit.
    public var contextWindowFallbacks: [String: [String]] = [:]
    /// Only with these does a content-policy refusal go elsewhere.
    public var contentPolicyFallbacks: [String: [String]] = [:]
    /// How one deployment of a group is chosen.
    public var strategy: RoutingStrategy = .shuffle
    /// Ranking by speed uses measured latency where there is any, the declared one otherwise.
    public var measuredLatency = true
    /// When calls are repeated, and after which pause.
    public var retry = RetryPolicy()
    /// Failures within a minute that a deployment may have before it cools down; nil leaves that to the breaker.
    public var allowedFails: Int?
    /// How long a deployment cools down.
    public var cooldown: Duration = .seconds(5)
    /// When a circuit opens.
    public var breaker = BreakerPolicy()
    /// A second call when the first is slow; nil makes none.
    public var hedge: HedgePolicy?
    /// Of deployments that have none of their own.
    public var timeouts = AttemptTimeouts()
    /// What happens when a stream breaks after the client has seen a part of it.
    public var resume: ResumePolicy = .verifiedPrefix
    /// Requests whose estimated tokens exceed a deployment's window skip it.
    public var checksContextWindow = false
    /// Limits over all deployments of a provider, by its name.
    public var providerLimits: [String: RateLimits] = [:]
    /// Limits by key name.
    public var keyLimits: [String: RateLimits] = [:]
    /// What users, keys and providers may spend.
    public var budgets = BudgetPolicy()
    /// The most calls one request may cause.
    public var maximumAttempts = 16
    /// The most fallback groups one request may visit.
    public var maximumFallbacks = 5
    /// The longest that a request waits for a limit, a Retry-After or a backoff before it is refused.
    public var maximumWait: Duration = .seconds(10)

    public init() {}
}

/// How one deployment of several is chosen.
public enum RoutingStrategy: Hashable, Sendable {
    /// Weighted at random: by `weight`, else requests per minute, else tokens per minute, else evenly.
    case shuffle
    /// The fewest calls in flight.
    case leastBusy
    /// The better measured latency of two drawn at random.
    case latency
    /// The cheapest for the estimated tokens.
    case cost
    /// The smallest part of its limits used in the last minute.
    case usage
    /// Filter, rank and boost by cost, speed or quality, where a specialty for the prompt's task class counts.
    case ranked(RankingPriority)

    /// A word for explanations: LiteLLM's, where it has the strategy.
    public var label: String {
        switch self {
        case .shuffle: "simple-shuffle"
        case .leastBusy: "least-busy"
        case .latency: "latency-based-routing"
        case .cost: "cost-based-routing"
        case .usage: "usage-based-routing-v2"
        case .ranked(let priority): "ranked-by-\(priority.rawValue)"
        }
    }

    /// The name that LiteLLM's config has for it.
    public init?(liteLLMName name: String) {
        switch name {
        case "simple-shuffle": self = .shuffle
        case "least-busy": self = .leastBusy
        case "latency-based-routing": self = .latency
        case "cost-based-routing": self = .cost
        case "usage-based-routing", "usage-based-routing-v2": self = .usage
        default: return nil
        }
    }
}

/// Repeats of a call. A deployment that was not tried yet is no repeat.
public struct RetryPolicy: Hashable, Sendable {
    /// The most repeats in one request.
    public var count: Int
    /// Overrides `count` for a kind of failure.
    public var countByFailure: [FailureKind: Int]
    /// Before any repeat.
    public var minimumDelay: Duration
    /// Before the first repeat; doubled for each further one.
    public var baseDelay: Duration
    /// The longest that doubling leads to.
    public var maximumDelay: Duration
    /// Before the one repeat at the same deployment after a sudden error; short, because most such errors are.
    public var quickDelay: Duration
    /// A longer Retry-After counts as this long.
    public var retryAfterCap: Duration

    public init(
        count: Int = 2, countByFailure: [FailureKind: Int] = [:], minimumDelay: Duration = .zero,
        baseDelay: Duration = .milliseconds(250), maximumDelay: Duration = .seconds(8),
        quickDelay: Duration = .milliseconds(25), retryAfterCap: Duration = .seconds(60)
    ) {
        self.count = count
        self.countByFailure = countByFailure
        self.minimumDelay = minimumDelay
        self.baseDelay = baseDelay
        self.maximumDelay = maximumDelay
        self.quickDelay = quickDelay
        self.retryAfterCap = retryAfterCap
    }

    func repeats(after kind: FailureKind) -> Int {
        countByFailure[kind] ?? count
    }

    /// The pause before repeat `number` (from 0): doubled each time, between half and the whole of it at random.
    func backoff(_ number: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let base = max(1, baseDelay.nanoseconds)
        let (doubled, overflow) = base.multipliedReportingOverflow(by: Int64(1) << Int64(min(max(0, number), 40)))
        let ceiling = max(1, min(overflow ? .max : doubled, maximumDelay.nanoseconds))
        return max(minimumDelay, .nanoseconds(Int64.random(in: (ceiling / 2)...ceiling, using: &random)))
    }

    func quickPause(using random: inout some RandomNumberGenerator) -> Duration {
        let middle = max(2, quickDelay.nanoseconds)
        return max(minimumDelay, .nanoseconds(Int64.random(in: (middle / 2)...(middle + middle / 2), using: &random)))
    }
}

/// When a circuit breaker opens and how it closes again.
public struct BreakerPolicy: Hashable, Sendable {
    /// Consecutive failures that open it.
    public var failures: Int
    /// How long it stays open before calls test it.
    public var open: Duration
    /// Calls that may test a half-open deployment at the same time.
    public var probes: Int

    public init(failures: Int = 3, open: Duration = .seconds(60), probes: Int = 1) {
        self.failures = failures
        self.open = open
        self.probes = probes
    }
}

/// A second call when the first is slow.
public struct HedgePolicy: Hashable, Sendable {
    /// How long the first call may stay without an answer.
    public var after: Duration
    /// Extra calls allowed per thousand requests.
    public var extraPerThousand: Int

    public init(after: Duration, extraPerThousand: Int = 50) {
        self.after = after
        self.extraPerThousand = extraPerThousand
    }
}

/// What happens when a stream breaks after the client has seen a part of it.
public enum ResumePolicy: Hashable, Sendable {
    /// One error event inside the stream.
    case never
    /// Another deployment answers anew; when its output begins with exactly what was sent, the stream goes on behind
    /// it.
    case verifiedPrefix
}

/// Calls and tokens that any 60 seconds may hold.
public struct RateLimits: Hashable, Sendable {
    /// Calls; nil is no limit.
    public var requestsPerMinute: Int?
    /// Tokens of prompts and answers; nil is no limit.
    public var tokensPerMinute: Int?

    public init(requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
    }
}
