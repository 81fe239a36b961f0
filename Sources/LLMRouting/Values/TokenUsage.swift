// SPDX-License-Identifier: MIT

/// Tokens that one answer used.
public struct TokenUsage: Hashable, Sendable {
    /// Of the prompt, cached ones included.
    public var inputTokens: Int
    /// Of the answer.
    public var outputTokens: Int
    /// The part of the input that the provider read from its cache, at its own price.
    public var cachedInputTokens: Int
    /// True when the provider reported nothing and the numbers are counted from the texts.
    public var isEstimated: Bool

    public init(inputTokens: Int, outputTokens: Int, cachedInputTokens: Int = 0, isEstimated: Bool = false) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cachedInputTokens = cachedInputTokens
        self.isEstimated = isEstimated
    }

    /// Of prompt and answer. Counts that no model can have are taken for the largest that one could, or for none: a
    /// provider's or a client's lie must not overflow a sum.
    public var totalTokens: Int { Self.bounded(inputTokens) + Self.bounded(outputTokens) }

    /// A count between nothing and more than any model reads or writes in one request.
    static func bounded(_ count: Int) -> Int { min(max(0, count), 1_000_000_000) }
}

/// What a deployment charges.
public struct TokenPrices: Hashable, Sendable {
    /// Per token of the prompt.
    public var input: Money
    /// Per token of the answer.
    public var output: Money
    /// Per token read from the provider's cache; the input price when nil.
    public var cachedInput: Money?
    /// For each call, whatever it uses.
    public var request: Money

    public init(input: Money, output: Money, cachedInput: Money? = nil, request: Money = .zero) {
        self.input = input
        self.output = output
        self.cachedInput = cachedInput
        self.request = request
    }

    /// Charges nothing, such as a model of one's own.
    public static let free = TokenPrices(input: .zero, output: .zero)

    /// The exact cost of an answer.
    public func cost(of usage: TokenUsage) -> Money {
        let cached = min(max(0, usage.cachedInputTokens), max(0, usage.inputTokens))
        let fresh = max(0, usage.inputTokens) - cached
        return request + input * fresh + (cachedInput ?? input) * cached + output * max(0, usage.outputTokens)
    }
}
