// SPDX-License-Identifier: MIT

/// A policy made ready for decisions: names resolved to places in arrays, chains laid out. Immutable; a reload makes a
/// new one, and requests that run keep theirs.
public final class RoutingTable: Sendable {
    /// A group as a step of a chain, with the name it was reached by.
    public struct Link: Hashable, Sendable {
        let group: Int
        /// What the `*` of a wildcard group stands for in this request.
        let wildcardMatch: String?
    }

    struct Group: Sendable {
        let name: String
        /// Places in `deployments`, by order, then as declared.
        let members: [Int]
        /// What a weighted shuffle weighs by.
        let weights: [Double]
        /// Ranking over everything does not care which order deployments have in their own groups.
        var ignoresOrder = false
    }

    private struct Wildcard: Sendable {
        let prefix: String
        let suffix: String
        let group: Int
    }

    /// What the table was made from.
    public let policy: GatewayPolicy
    /// The policy's deployments; ids that are there twice got a number.
    public let deployments: [Deployment]
    /// Place of each deployment's state in the engine; the same over reloads.
    let slots: [Int]
    let seeds: [UInt64]
    let facts: [DeploymentFacts]
    let groups: [Group]
    private let groupByName: [String: Int]
    private let wildcards: [Wildcard]
    let hasProviderLimits: Bool
    let hasBudgets: Bool
    let hasProviderBudgets: Bool

    init(policy: GatewayPolicy, slot: (String) -> Int) {
        self.policy = policy
        deployments = Self.withUniqueIDs(policy.deployments)
        slots = deployments.map { slot($0.id) }
        facts = deployments.map { DeploymentFacts($0) }
        seeds = deployments.map { Affinity.hash($0.id.utf8) }
        var members: [(name: String, places: [Int])] = []
        var byName: [String: Int] = [:]
        for (place, deployment) in deployments.enumerated() {
            if let group = byName[deployment.group] {
                members[group].places.append(place)
            } else {
                byName[deployment.group] = members.count
                members.append((deployment.group, [place]))
            }
        }
        let all = deployments
        let named = members.map { name, places in
            let sorted = places.sorted { (all[$0].order, $0) < (all[$1].order, $1) }
            return Group(name: name, members: sorted, weights: Self.weights(sorted.map { all[$0] }))
        }
        let everything = Group(
            name: "", members: Array(all.indices), weights: Self.weights(all), ignoresOrder: true)
        groups = named + [everything]
        groupByName = byName
        wildcards = named.enumerated().compactMap { index, group in
            guard let star = group.name.firstIndex(of: "*") else { return nil }
            let suffix = group.name[group.name.index(after: star)...]
            return Wildcard(prefix: String(group.name[..<star]), suffix: String(suffix), group: index)
        }.sorted { $0.prefix.utf8.count + $0.suffix.utf8.count > $1.prefix.utf8.count + $1.suffix.utf8.count }
        hasProviderLimits = !policy.providerLimits.isEmpty
        hasBudgets = !policy.budgets.isEmpty
        hasProviderBudgets = !policy.budgets.providerCaps.isEmpty
    }

    /// The names that clients may ask for: groups without wildcards, aliases, virtual models.
    public var modelNames: [String] {
        var seen: Set<String> = []
        let names =
            groups.map(\.name).filter { !$0.isEmpty && !$0.contains("*") } + policy.aliases.keys.sorted()
            + policy.virtualModels.keys.sorted()
        return names.filter { seen.insert($0).inserted }
    }

    /// Whether the prompt's texts matter for a decision on this model: scanning a body for them costs more than all
    /// else.
    public func needsPrompt(forModel model: String) -> Bool {
        if case .ranked = policy.strategy { return true }
        return policy.virtualModels[dealiased(model)] != nil
    }

    /// Whether ``PromptMessage/printedContent`` matters as well: for the score that reads it.
    public func needsPrintedPrompt(forModel model: String) -> Bool {
        policy.virtualModels[dealiased(model)]?.mode == .vibe
    }

    /// Whether a request for this model can be routed at all.
    public func serves(_ model: String) -> Bool {
        let name = dealiased(model)
        return policy.virtualModels[name] != nil || link(to: name) != nil
    }

    /// The model that a deployment is asked for.
    public func upstreamModel(_ place: Int, on link: Link) -> String {
        let model = deployments[place].upstreamModel
        guard let match = link.wildcardMatch, let star = model.firstIndex(of: "*") else { return model }
        return model[..<star] + match + model[model.index(after: star)...]
    }

    /// The name of the group that a link leads to.
    public func groupName(of link: Link) -> String {
        groups[link.group].name
    }

    /// All deployments as one group.
    var everything: Link { Link(group: groups.count - 1, wildcardMatch: nil) }

    func dealiased(_ model: String) -> String {
        guard !policy.aliases.isEmpty else { return model }
        var name = model
        // Bounded, because aliases may name each other.
        for _ in 0..<8 {
            guard let next = policy.aliases[name], next != name else { return name }
            name = next
        }
        return name
    }

    func link(to name: String) -> Link? {
        if let group = groupByName[name] { return Link(group: group, wildcardMatch: nil) }
        for wildcard in wildcards
        where name.hasPrefix(wildcard.prefix) && name.hasSuffix(wildcard.suffix)
            && name.utf8.count >= wildcard.prefix.utf8.count + wildcard.suffix.utf8.count
        {
            let match = name.dropFirst(wildcard.prefix.count).dropLast(wildcard.suffix.count)
            return Link(group: wildcard.group, wildcardMatch: String(match))
        }
        return nil
    }

    /// The groups behind `name`, nearest first, each once: its fallbacks, then the fallbacks of those.
    func chain(from name: String, link first: Link, kind: FailureConduct.Chain) -> [Link] {
        let direct = targets(of: name, link: first, kind: kind)
        guard !direct.isEmpty else { return [] }
        var chain: [Link] = []
        var seen: Set<Link> = [first]
        var waiting = direct.reversed().map { $0 }
        while let next = waiting.popLast(), chain.count < policy.maximumFallbacks {
            let target = dealiased(next)
            guard let link = link(to: target), seen.insert(link).inserted else { continue }
            chain.append(link)
            waiting.append(contentsOf: targets(of: target, link: link, kind: .general).reversed())
        }
        return chain
    }

    private func targets(of name: String, link: Link, kind: FailureConduct.Chain) -> [String] {
        let group = groups[link.group].name
        switch kind {
        case .general:
            return policy.fallbacks[name] ?? policy.fallbacks[group] ?? policy.fallbacks["*"]
                ?? policy.defaultFallbacks
        case .contextWindow:
            return policy.contextWindowFallbacks[name] ?? policy.contextWindowFallbacks[group]
                ?? policy.contextWindowFallbacks["*"] ?? []
        case .contentPolicy:
            return policy.contentPolicyFallbacks[name] ?? policy.contentPolicyFallbacks[group]
                ?? policy.contentPolicyFallbacks["*"] ?? []
        case .none:
            return []
        }
    }

    private static func weights(_ members: [Deployment]) -> [Double] {
        if members.contains(where: { $0.weight != nil }) { return members.map { max(0, $0.weight ?? 0) } }
        if members.contains(where: { $0.requestsPerMinute != nil }) {
            return members.map { Double(max(0, $0.requestsPerMinute ?? 0)) }
        }
        if members.contains(where: { $0.tokensPerMinute != nil }) {
            return members.map { Double(max(0, $0.tokensPerMinute ?? 0)) }
        }
        return members.map { _ in 1 }
    }

    /// State is kept by id, so two deployments must not share one.
    private static func withUniqueIDs(_ deployments: [Deployment]) -> [Deployment] {
        var seen: [String: Int] = [:]
        return deployments.map { deployment in
            var deployment = deployment
            let count = seen[deployment.id, default: 0]
            seen[deployment.id] = count + 1
            if count > 0 { deployment.id += "#\(count + 1)" }
            return deployment
        }
    }
}
