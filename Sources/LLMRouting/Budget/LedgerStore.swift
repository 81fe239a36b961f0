// SPDX-License-Identifier: MIT

/// Where settled amounts outlive the process: a file for one gateway, a database for several.
///
/// An entry has the amount and the balances that it led to. A store of one process may keep the last balance of a
/// scope; one that several processes write to adds amounts, and begins anew where an entry's window starts after the
/// end of the one it has. An entry must be kept before the answer that it pays for is complete.
public protocol LedgerStore: Sendable {
    /// The last balance of every scope: read once, at the start.
    func balances() async throws -> [AccountBalance]
    func keep(_ entries: [LedgerEntry]) async throws
}

/// Counts against limits where several gateways share them.
///
/// The engine's own windows are exact within one process. A shared store is asked in addition, before an attempt.
public protocol CounterStore: Sendable {
    /// Counts an amount under a name when the last `window` holds less than the limit with it; else says how long to
    /// wait.
    func take(_ amount: Int, of name: String, limit: Int, window: Duration) async throws -> CounterAnswer
}

/// A counter store's answer.
public enum CounterAnswer: Hashable, Sendable {
    case admitted
    case refused(retryAfter: Duration?)
}

/// Keeps everything in memory: for one process and for tests.
public actor MemoryStore: LedgerStore, CounterStore {
    private var kept: [BudgetScope: AccountBalance] = [:]
    private var windows: [String: RollingWindow] = [:]
    private let now: @Sendable () -> Instant

    public init(now: @escaping @Sendable () -> Instant) {
        self.now = now
    }

    public func balances() -> [AccountBalance] { Array(kept.values) }

    public func keep(_ entries: [LedgerEntry]) {
        for balance in entries.flatMap(\.balances) { kept[balance.scope] = balance }
    }

    public func take(_ amount: Int, of name: String, limit: Int, window: Duration) -> CounterAnswer {
        let present = now()
        var counted = windows[name] ?? RollingWindow(length: window)
        defer { windows[name] = counted }
        if counted.admit(amount, limit: limit, at: present) { return .admitted }
        return .refused(retryAfter: counted.admission(of: amount, limit: limit, at: present).map { $0 - present })
    }
}
