// SPDX-License-Identifier: MIT

/// A decision with every number behind it, made without calling anybody.
public struct RouteExplanation: Sendable {
    /// One deployment of the chain.
    public struct Candidate: Hashable, Sendable {
        /// Its id.
        public let deployment: String
        /// Its provider's name.
        public let provider: String
        /// The group that it is considered for.
        public let group: String
        /// The model that it would be asked for.
        public let upstreamModel: String
        /// 0 for the requested group, then its fallbacks in order.
        public let chainPosition: Int
        /// Nil when it may be called now.
        public let unavailability: Unavailability?
        /// What the strategy compares; lower is better. Nil where chance or weights decide.
        public let score: Double?
        /// The chance of being the first choice of a weighted shuffle among those that may be called.
        public let share: Double?
        /// For the estimated tokens, answer included.
        public let estimatedCost: Money
        /// Measured where there is a measurement, else as declared; nil when nobody knows.
        public let latency: Duration?
        /// Whether ``latency`` was measured.
        public let isLatencyMeasured: Bool
        /// Calls that run now.
        public let inFlight: Int
        /// The state of its circuit.
        public let circuit: CircuitBreaker.Status
        /// Calls counted against its limit; 0 where it has none.
        public let requestsInLastMinute: Int
        /// Whether the prompt's task class is one of its specialties.
        public let isSpecialist: Bool
    }

    /// The name that the client asked for; empty when any deployment may answer.
    public let requestedModel: String
    /// The group that the request is routed to.
    public let model: String
    /// Set when that name is virtual and there are messages.
    public let virtual: VirtualDecision?
    /// The parts of the score, for a virtual model.
    public let complexity: ComplexityScore?
    /// The parts of the score by whole words, for a virtual model.
    public let difficulty: PromptDifficulty?
    /// What kind of task the prompt is, where deployments are ranked.
    public let taskClass: TaskClass?
    /// How deployments are compared.
    public let strategy: RoutingStrategy
    /// Every deployment of the chain, nearest group first.
    public let candidates: [Candidate]
    /// The deployment that a request would call now; one of several possible ones where chance decides.
    public let choice: String?

    public init(
        _ request: RouteRequest, in engine: RoutingEngine, at now: Now,
        using random: inout some RandomNumberGenerator
    ) throws(RequestFailure) {
        let table = engine.table
        let plan =
            request.model.isEmpty
            ? RoutePlan(rankingAll: request, table: table) : try RoutePlan(request, table: table)
        requestedModel = request.model
        model = plan.model
        virtual = plan.virtual
        let isVirtual = plan.virtual != nil
        complexity = isVirtual ? ComplexityScore(request.prompt) : nil
        difficulty = isVirtual ? PromptDifficulty(request.prompt) : nil
        taskClass = plan.taskClass
        strategy = table.strategy(for: request)
        let selection = Selection(request: request, plan: plan, tries: Tries(), spoiledModels: [])
        let chain = plan.chain(.general)
        candidates = chain.enumerated().flatMap { position, link in
            Self.candidates(of: link, at: position, selection, engine, now)
        }
        choice = selection.choose(from: chain, in: engine, at: now, using: &random).map {
            table.deployments[$0.place].id
        }
    }

    private static func candidates(
        of link: RoutingTable.Link, at position: Int, _ selection: Selection, _ engine: RoutingEngine, _ now: Now
    ) -> [Candidate] {
        let table = engine.table
        let request = selection.request
        let group = table.groups[link.group]
        let blocked = group.members.map { engine.unavailability($0, for: request, in: table, at: now) }
        let open = zip(group.members, blocked).filter { $0.1 == nil }.map { $0.0 }
        let first = open.first.map { table.deployments[$0].order }
        let competing = open.filter { group.ignoresOrder || table.deployments[$0].order == first }
        let weight = { (place: Int) in group.members.firstIndex(of: place).map { group.weights[$0] } ?? 0 }
        let sum = competing.reduce(0) { $0 + weight($1) }
        return zip(group.members, blocked).map { place, unavailability in
            let deployment = table.deployments[place]
            let state = engine.states[table.slots[place]]
            let measured = state.measuredLatency(streaming: request.isStreaming)
            let isShuffle = table.strategy(for: request) == .shuffle && request.affinity == nil
            let isCompeting = competing.contains(place)
            let share = isShuffle && isCompeting && sum > 0 ? weight(place) / sum : nil
            return Candidate(
                deployment: deployment.id, provider: deployment.provider, group: group.name,
                upstreamModel: table.upstreamModel(place, on: link), chainPosition: position,
                unavailability: unavailability, score: selection.score(place, in: engine, at: now), share: share,
                estimatedCost: deployment.prices.cost(of: request.expectedUsage(at: table.facts[place])),
                latency: measured ?? deployment.latency, isLatencyMeasured: measured != nil, inFlight: state.inFlight,
                circuit: state.breaker.status(at: now.instant),
                requestsInLastMinute: state.windows.requests.peek(at: now.instant),
                isSpecialist: selection.plan.taskClass.map { deployment.specialties.contains($0) } ?? false)
        }
    }
}
