// SPDX-License-Identifier: MIT

/// One place where a model can be called: a model at a provider, with its prices, limits and known qualities.
public struct Deployment: Hashable, Sendable {
    /// Unique in a policy and stable over reloads: breaker, limits and measured latency are kept by it.
    public var id: String
    /// The model name that clients ask for; deployments of one group stand in for each other.
    public var group: String
    /// Who runs it; limits and budgets of a provider count over all its deployments.
    public var provider: String
    /// The model's name at the provider. In a wildcard group a `*` in it is replaced by what the client's name matched.
    public var upstreamModel: String
    /// What it charges for tokens.
    public var prices: TokenPrices
    /// Expected latency before anything was measured.
    public var latency: Duration?
    /// Calls in any 60 seconds; nil is no limit.
    public var requestsPerMinute: Int?
    /// Tokens in any 60 seconds; nil is no limit.
    public var tokensPerMinute: Int?
    /// Calls at the same time; nil is no limit.
    public var maximumParallelRequests: Int?
    /// Share of a weighted shuffle.
    public var weight: Double?
    /// Deployments with a lower order are used first; the next order only when none of them can be called.
    public var order: Int
    /// What it is best at, for rankings.
    public var specialties: Set<TaskClass>
    /// From 0 to 1.
    public var quality: Double
    /// The longest prompt; nil is not known.
    public var maximumInputTokens: Int?
    /// The longest answer; nil is not known.
    public var maximumOutputTokens: Int?
    /// What it is for.
    public var mode: DeploymentMode
    /// Of its own; the policy's when nil.
    public var timeouts: AttemptTimeouts?

    public init(
        id: String, group: String, provider: String, upstreamModel: String, prices: TokenPrices = .free,
        latency: Duration? = nil, requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil,
        maximumParallelRequests: Int? = nil, weight: Double? = nil, order: Int = 1, specialties: Set<TaskClass> = [],
        quality: Double = 0.5, maximumInputTokens: Int? = nil, maximumOutputTokens: Int? = nil,
        mode: DeploymentMode = .chat, timeouts: AttemptTimeouts? = nil
    ) {
        self.id = id
        self.group = group
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.prices = prices
        self.latency = latency
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.maximumParallelRequests = maximumParallelRequests
        self.weight = weight
        self.order = order
        self.specialties = specialties
        self.quality = quality
        self.maximumInputTokens = maximumInputTokens
        self.maximumOutputTokens = maximumOutputTokens
        self.mode = mode
        self.timeouts = timeouts
    }
}

/// What a deployment is for; a request for one mode never goes to a deployment that is declared for another.
public enum DeploymentMode: String, Hashable, Sendable, CaseIterable {
    case chat, completion, embedding, responses, speech, transcription, image, rerank, moderation
    /// Anything: deployments whose mode nobody declared.
    case any

    func serves(_ requested: DeploymentMode) -> Bool {
        if self == requested || self == .any || requested == .any { return true }
        // Chat deployments answer the other text shapes too: by translation or at another path of the same host.
        return self == .chat && (requested == .completion || requested == .responses)
            || self == .responses && requested == .chat
    }
}

/// How long an attempt may take in each phase.
public struct AttemptTimeouts: Hashable, Sendable {
    /// To a connection, encryption included.
    public var connect: Duration
    /// To the first valid event of a stream, or to the whole answer's first byte.
    public var firstToken: Duration
    /// Between two chunks.
    public var idle: Duration
    /// Of the whole request with all its attempts.
    public var total: Duration

    public init(
        connect: Duration = .seconds(5), firstToken: Duration = .seconds(15), idle: Duration = .seconds(45),
        total: Duration = .seconds(600)
    ) {
        self.connect = connect
        self.firstToken = firstToken
        self.idle = idle
        self.total = total
    }
}
