// SPDX-License-Identifier: MIT

/// Whose money is counted.
public enum BudgetScope: Hashable, Sendable {
    case user(String)
    case key(String)
    case provider(String)
}

extension BudgetScope: CustomStringConvertible {
    public var description: String {
        switch self {
        case .user(let name): "user \(name)"
        case .key(let name): "key \(name)"
        case .provider(let name): "provider \(name)"
        }
    }
}

/// The most that may be spent in a window of time.
public struct BudgetCap: Hashable, Sendable {
    /// The most of one window.
    public var amount: Money
    /// From the first spending to the reset; nil never resets.
    public var window: Duration?

    public init(amount: Money, window: Duration? = nil) {
        self.amount = amount
        self.window = window
    }
}

/// Caps by owner.
public struct BudgetPolicy: Hashable, Sendable {
    /// For every user that has no cap of its own. Requests that name no user have none.
    public var defaultUserCap: BudgetCap?
    /// Caps of single users, by the name that requests carry.
    public var userCaps: [String: BudgetCap] = [:]
    /// Caps by the name of a client's key.
    public var keyCaps: [String: BudgetCap] = [:]
    /// Caps by the name of a provider.
    public var providerCaps: [String: BudgetCap] = [:]

    public init() {}

    /// The cap of an owner; nil spends without limit.
    public func cap(for scope: BudgetScope) -> BudgetCap? {
        switch scope {
        case .user(let name): name.isEmpty ? nil : userCaps[name] ?? defaultUserCap
        case .key(let name): keyCaps[name]
        case .provider(let name): providerCaps[name]
        }
    }

    var isEmpty: Bool {
        defaultUserCap == nil && userCaps.isEmpty && keyCaps.isEmpty && providerCaps.isEmpty
    }
}
