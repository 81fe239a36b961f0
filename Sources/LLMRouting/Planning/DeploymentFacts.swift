// SPDX-License-Identifier: MIT

/// What a decision reads of a deployment for every candidate: numbers only, so that looking at a thousand of them
/// counts no references.
struct DeploymentFacts: Sendable {
    let mode: DeploymentMode
    let order: Int
    let prices: TokenPrices
    let latency: Duration?
    let limits: RateLimits
    let maximumParallelRequests: Int?
    let maximumInputTokens: Int?
    let maximumOutputTokens: Int?
    let quality: Double
    private let specialties: UInt8

    init(_ deployment: Deployment) {
        mode = deployment.mode
        order = deployment.order
        prices = deployment.prices
        latency = deployment.latency
        limits = deployment.limits
        maximumParallelRequests = deployment.maximumParallelRequests
        maximumInputTokens = deployment.maximumInputTokens
        maximumOutputTokens = deployment.maximumOutputTokens
        quality = deployment.quality
        specialties = deployment.specialties.reduce(0) { $0 | Self.bit($1) }
    }

    func isSpecialist(for taskClass: TaskClass) -> Bool {
        specialties & Self.bit(taskClass) != 0
    }

    private static func bit(_ taskClass: TaskClass) -> UInt8 {
        switch taskClass {
        case .code: 1
        case .writing: 2
        case .analysis: 4
        }
    }
}

extension DeploymentState {
    /// What keeps a deployment from being called, apart from its provider's limits and budget.
    func unavailability(_ facts: DeploymentFacts, estimate: TokenEstimate, at now: Instant) -> Unavailability? {
        if isDown { return .down }
        if !breaker.admits(at: now) { return .circuitOpen(until: breaker.opensAgain) }
        if let most = facts.maximumParallelRequests, inFlight >= most { return .busy }
        if facts.limits.isAny {
            let tokens = estimate.counted(against: facts.limits)
            if !windows.admits(facts.limits, tokens: tokens, at: now) {
                return .rateLimited(until: windows.admission(facts.limits, tokens: tokens, at: now))
            }
        }
        return nil
    }

    /// A rest it asked for, or one after too many failures.
    func pause(at now: Instant) -> Unavailability? {
        if let rest = restsUntil, rest > now { return .resting(until: rest) }
        if let cool = coolsUntil, cool > now { return .cooling(until: cool) }
        return nil
    }
}
