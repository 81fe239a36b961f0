// SPDX-License-Identifier: MIT

/// Where a request may go, before anybody is called: the outcome of names alone.
public struct RoutePlan: Sendable {
    /// The table that the plan was made from; the request finishes on it.
    public let table: RoutingTable
    /// The name that the client asked for.
    public let requestedModel: String
    /// Set when the requested model is virtual and the request has messages.
    public let virtual: VirtualDecision?
    /// The group the request was routed to, and its fallbacks.
    public let first: RoutingTable.Link
    /// Groups to ask when the first one cannot answer, in order.
    public let fallbacks: [RoutingTable.Link]
    /// What kind of task the prompt is, where deployments are ranked.
    public let taskClass: TaskClass?
    let name: String

    /// The model group that the request was routed to.
    public var model: String { table.groupName(of: first) }

    /// Resolves a request against a table.
    public init(_ request: RouteRequest, table: RoutingTable) throws(RequestFailure) {
        self.table = table
        requestedModel = request.model
        var name = table.dealiased(request.model)
        var decision: VirtualDecision?
        if let model = table.policy.virtualModels[name] {
            decision = VirtualDecision(name, model, prompt: request.prompt, knownScore: request.knownScore)
            // Without messages nothing can be scored: the name itself is looked up then, and the strong pool if there
            // is none, because a wrong answer costs more than a dear one.
            if let decision {
                name = table.dealiased(decision.target)
            } else if table.link(to: name) == nil {
                name = table.dealiased(model.complex)
            }
        }
        guard let first = table.link(to: name) else { throw .modelNotFound(request.model) }
        virtual = decision
        self.name = name
        self.first = first
        fallbacks = table.chain(from: name, link: first, kind: .general)
        if case .ranked = table.strategy(for: request) {
            taskClass = TaskClass(prompt: request.prompt.mainText)
        } else {
            taskClass = nil
        }
    }

    /// Ranks all deployments, whatever model they serve: for requests that name none.
    public init(rankingAll request: RouteRequest, table: RoutingTable) {
        self.table = table
        requestedModel = request.model
        virtual = nil
        name = ""
        first = table.everything
        fallbacks = []
        taskClass = TaskClass(prompt: request.prompt.mainText)
    }

    /// The chain for one kind of failure. The special chains are followed by the general one, so that whoever can
    /// answer is asked.
    func chain(_ kind: FailureConduct.Chain) -> [RoutingTable.Link] {
        switch kind {
        case .general: return [first] + fallbacks
        case .contextWindow:
            let special = table.chain(from: name, link: first, kind: .contextWindow)
            return special + ([first] + fallbacks).filter { !special.contains($0) }
        case .contentPolicy: return table.chain(from: name, link: first, kind: .contentPolicy)
        case .none: return []
        }
    }
}
