// SPDX-License-Identifier: MIT

/// What a ranking prefers.
public enum RankingPriority: String, Hashable, Sendable, CaseIterable {
    case cost, speed, quality
}

/// The rules that order deployments for one prompt: base score by priority, a boost for specialists, lowest first.
public struct Ranking: Hashable, Sendable {
    /// What is compared.
    public var priority: RankingPriority
    /// What the prompt is; specialists for it get the boost.
    public var taskClass: TaskClass
    /// Factor on a specialist's cost or latency.
    public var costBoost: Double
    /// Factor on a specialist's quality.
    public var qualityBoost: Double

    public init(
        priority: RankingPriority = .cost, taskClass: TaskClass, costBoost: Double = 0.9, qualityBoost: Double = 1.1
    ) {
        self.priority = priority
        self.taskClass = taskClass
        self.costBoost = costBoost
        self.qualityBoost = qualityBoost
    }

    /// Tokens of a prompt when nobody counted them: a quarter of its code points, rounded up.
    public static func estimatedTokens(_ prompt: String) -> Int {
        (prompt.unicodeScalars.count + 3) / 4
    }

    /// The cost of a prompt's tokens alone; what an answer will cost nobody knows.
    public static func estimatedCost(_ deployment: Deployment, inputTokens: Int) -> Money {
        deployment.prices.input * max(0, inputTokens)
    }

    /// Lower is better. `measuredLatency` takes the place of the declared one.
    public func score(_ deployment: Deployment, estimatedCost: Money, measuredLatency: Duration? = nil) -> Double {
        score(
            estimatedCost: estimatedCost, latency: measuredLatency ?? deployment.latency, quality: deployment.quality,
            isSpecialist: deployment.specialties.contains(taskClass))
    }

    func score(estimatedCost: Money, latency: Duration?, quality: Double, isSpecialist: Bool) -> Double {
        switch priority {
        case .cost: estimatedCost.approximateDollars * (isSpecialist ? costBoost : 1)
        case .speed: (latency?.milliseconds ?? 0) * (isSpecialist ? costBoost : 1)
        case .quality: -quality * (isSpecialist ? qualityBoost : 1)
        }
    }
}
