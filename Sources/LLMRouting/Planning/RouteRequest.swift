// SPDX-License-Identifier: MIT

/// The present moment on both clocks.
public struct Now: Hashable, Sendable {
    /// For durations: never runs backwards.
    public var instant: Instant
    /// For budget windows and traces.
    public var calendar: CalendarTime

    public init(instant: Instant, calendar: CalendarTime) {
        self.instant = instant
        self.calendar = calendar
    }
}

/// What routing needs to know of a request.
public struct RouteRequest: Sendable {
    /// A group, an alias or a virtual model; empty when any deployment may answer.
    public var model: String
    /// What kind of answer is asked for.
    public var mode: DeploymentMode
    /// Whether the answer comes in parts.
    public var isStreaming: Bool
    /// Empty unless the model is virtual or the strategy ranks: see ``RoutingTable/needsPrompt(forModel:)``.
    public var prompt: Prompt
    /// The score of a virtual model where it is known without the prompt, as in a request of the past.
    public var knownScore: Int?
    /// Of the whole request; about a quarter of the characters, or the body's bytes to be on the safe side.
    public var estimatedInputTokens: Int
    /// The client's `max_tokens`.
    public var maximumOutputTokens: Int?
    /// Whose budget counts; nil or empty has none.
    public var user: String?
    /// The client's key by name, for its limits and budget.
    public var key: String?
    /// Requests with the same value go to the same deployment while it can be called: see ``Affinity/hash(_:)``.
    public var affinity: UInt64?
    /// Ranks by it, whatever the strategy of the policy; see ``RoutePlan/init(rankingAll:table:)`` for requests without one.
    public var priority: RankingPriority?
    /// Deployments whose prompt alone costs more are left out.
    public var maximumCost: Money?
    /// The client's own limit; the policy's total time-out otherwise.
    public var timeout: Duration?

    public init(
        model: String, mode: DeploymentMode = .chat, isStreaming: Bool = false, prompt: Prompt = Prompt(),
        estimatedInputTokens: Int = 0, maximumOutputTokens: Int? = nil, user: String? = nil, key: String? = nil,
        affinity: UInt64? = nil, priority: RankingPriority? = nil, maximumCost: Money? = nil, timeout: Duration? = nil
    ) {
        self.model = model
        self.mode = mode
        self.isStreaming = isStreaming
        self.prompt = prompt
        self.estimatedInputTokens = estimatedInputTokens
        self.maximumOutputTokens = maximumOutputTokens
        self.user = user
        self.key = key
        self.affinity = affinity
        self.priority = priority
        self.maximumCost = maximumCost
        self.timeout = timeout
    }

    /// An upper guess of what a call at a deployment uses.
    func expectedUsage(at deployment: DeploymentFacts) -> TokenUsage {
        let output = maximumOutputTokens ?? deployment.maximumOutputTokens ?? Self.assumedOutputTokens
        return TokenUsage(inputTokens: max(0, estimatedInputTokens), outputTokens: max(0, output), isEstimated: true)
    }

    /// Users whose names are longer share the budget of the name's beginning.
    static let userNameBytes = 256

    /// Whose budget counts, in as many bytes as are kept: clients name users freely. No character is cut in two.
    var budgetUser: String? {
        guard let user, !user.isEmpty else { return nil }
        guard user.utf8.count > Self.userNameBytes else { return user }
        var end = user.utf8.index(user.startIndex, offsetBy: Self.userNameBytes)
        while end.samePosition(in: user.unicodeScalars) == nil { end = user.utf8.index(before: end) }
        return String(user[..<end])
    }

    /// When neither the client nor the deployment bounds the answer.
    public static let assumedOutputTokens = 4096
}

/// Session affinity.
public enum Affinity {
    /// FNV-1a over a header's value.
    public static func hash(_ value: some Sequence<UInt8>) -> UInt64 {
        value.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// The rendezvous weight of a deployment for a session: when a deployment goes, only its own sessions move.
    static func weight(_ session: UInt64, _ deployment: UInt64) -> UInt64 {
        var mixed = session ^ (deployment &* 0x9e37_79b9_7f4a_7c15)
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
