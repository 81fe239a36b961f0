// SPDX-License-Identifier: MIT

/// Why a deployment is not called now.
public enum Unavailability: Hashable, Sendable {
    /// An operator said so.
    case down
    case wrongMode
    case circuitOpen(until: Instant?)
    /// Its rate limit, or its provider's, is used up; nil when the request alone exceeds it.
    case rateLimited(until: Instant?)
    case overBudget(BudgetRefusal)
    /// It asked for rest by 429.
    case resting(until: Instant)
    /// Too many failures in the last minute. Called all the same when nobody else is left.
    case cooling(until: Instant)
    case busy
    case promptTooLong
    case tooExpensive

    /// When it may be called again; nil when no time heals it or nobody knows.
    public var until: Instant? {
        switch self {
        case .circuitOpen(let until), .rateLimited(let until): until
        case .resting(let until), .cooling(let until): until
        case .down, .wrongMode, .overBudget, .busy, .promptTooLong, .tooExpensive: nil
        }
    }

    /// A bounded word for metrics and explanations.
    public var label: String {
        switch self {
        case .down: "down"
        case .wrongMode: "wrong_mode"
        case .circuitOpen: "circuit_open"
        case .rateLimited: "rate_limited"
        case .overBudget: "over_budget"
        case .resting: "resting"
        case .cooling: "cooling"
        case .busy: "busy"
        case .promptTooLong: "prompt_too_long"
        case .tooExpensive: "too_expensive"
        }
    }
}
