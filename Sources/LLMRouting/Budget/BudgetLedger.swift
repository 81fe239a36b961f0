// SPDX-License-Identifier: MIT

/// Counts money against caps: reserve before a call, settle or release after it.
///
/// A reservation is granted only when spent and reserved amounts stay within every cap it touches, so that any number
/// of calls at the same time spend no more than one after another. Reservations live in memory only; settled amounts
/// are handed out as ``LedgerEntry`` values for a store to keep.
public struct BudgetLedger: Sendable {
    /// Money set aside for one call.
    public struct Reservation: Hashable, Sendable {
        let id: UInt64
        /// What is set aside in each of the scopes.
        public let amount: Money
        /// The accounts that have a cap, and only those.
        public let scopes: [BudgetScope]
    }

    private struct Account: Sendable {
        var spent = Money.zero
        var reserved = Money.zero
        var windowStart: CalendarTime
    }

    /// The caps in force; a new policy keeps what was spent.
    public var policy: BudgetPolicy
    private var accounts: [BudgetScope: Account] = [:]
    private var open: Set<UInt64> = []
    private var nextID: UInt64 = 0
    /// The part of all reservations that other processes made.
    private var foreign: [BudgetScope: Money] = [:]
    /// The number of accounts at which those that are over are forgotten; doubled with what is left, so that the look at
    /// all of them costs each new account a fixed part.
    private var pruneAt = leastPruned
    static let leastPruned = 1024

    public init(policy: BudgetPolicy = BudgetPolicy()) {
        self.policy = policy
    }

    /// Sets money aside in all scopes that have a cap, or in none.
    public mutating func reserve(
        _ amount: Money, for scopes: [BudgetScope], at now: CalendarTime
    ) -> Result<Reservation, BudgetRefusal> {
        let amount = max(.zero, amount)
        for scope in scopes {
            if let refusal = refusal(of: amount, in: scope, at: now) { return .failure(refusal) }
        }
        let capped = policy.isEmpty ? [] : scopes.filter { policy.cap(for: $0) != nil }
        for scope in capped {
            accounts[scope, default: Account(windowStart: now)].reserved += amount
        }
        if accounts.count >= pruneAt {
            prune(at: now)
            pruneAt = max(Self.leastPruned, 2 * accounts.count)
        }
        nextID += 1
        if !capped.isEmpty { open.insert(nextID) }
        return .success(Reservation(id: nextID, amount: amount, scopes: capped))
    }

    /// Why an amount would be refused, without reserving it.
    public func refusal(of amount: Money, in scope: BudgetScope, at now: CalendarTime) -> BudgetRefusal? {
        guard let cap = policy.cap(for: scope) else { return nil }
        let balance = balance(of: scope, at: now)
        guard balance.spent + balance.reserved + amount > cap.amount else { return nil }
        return BudgetRefusal(
            scope: scope, cap: cap.amount, spent: balance.spent, reserved: balance.reserved, asked: amount,
            resetsAt: balance.resetsAt)
    }

    /// Replaces a reservation by what the call really cost. Settling twice, or after a release, does nothing.
    ///
    /// A cost above the reserved amount is counted in full: the ledger tells the truth, and the caller keeps within
    /// caps by reserving the most that a call can cost.
    public mutating func settle(_ reservation: Reservation, cost: Money, at now: CalendarTime) -> LedgerEntry? {
        guard close(reservation) else { return nil }
        let cost = max(.zero, cost)
        var balances: [AccountBalance] = []
        for scope in reservation.scopes {
            var account = current(scope, at: now) ?? Account(windowStart: now)
            if account.spent == .zero { account.windowStart = now }
            account.spent += cost
            accounts[scope] = account
            balances.append(
                AccountBalance(
                    scope: scope, spent: account.spent, windowStart: account.windowStart,
                    window: policy.cap(for: scope)?.window))
        }
        guard !balances.isEmpty, cost > .zero else { return nil }
        return LedgerEntry(amount: cost, at: now, balances: balances)
    }

    /// Gives a reservation back when nothing was spent.
    public mutating func release(_ reservation: Reservation) {
        _ = close(reservation)
    }

    /// What a scope has spent in its present window, and what is left.
    public func balance(of scope: BudgetScope, at now: CalendarTime) -> BudgetBalance {
        let cap = policy.cap(for: scope)
        let account = current(scope, at: now)
        let resetsAt = account.flatMap { account in
            cap?.window.map { account.spent == .zero ? nil : account.windowStart + $0 } ?? nil
        }
        return BudgetBalance(
            scope: scope, cap: cap?.amount, spent: account?.spent ?? .zero, reserved: account?.reserved ?? .zero,
            resetsAt: resetsAt)
    }

    /// Takes over what a store kept. Balances of windows that have passed are dropped at their next use.
    public mutating func restore(_ balances: some Sequence<AccountBalance>) {
        for balance in balances {
            let reserved = accounts[balance.scope]?.reserved ?? .zero
            accounts[balance.scope] = Account(
                spent: balance.spent, reserved: reserved, windowStart: balance.windowStart)
        }
    }

    /// What the open reservations of this process hold of each account.
    public var held: [BudgetScope: Money] {
        accounts.compactMapValues { $0.reserved > .zero ? $0.reserved : nil }.merging(foreign) { all, foreign in
            all - foreign
        }.filter { $0.value > .zero }
    }

    /// Sets aside what another process on the same accounts may still spend, whatever the caps say.
    public mutating func hold(forOther amounts: [BudgetScope: Money], at now: CalendarTime) {
        for (scope, amount) in amounts where amount > .zero {
            accounts[scope, default: Account(windowStart: now)].reserved += amount
            foreign[scope, default: .zero] += amount
        }
    }

    /// The other process has ended: what it held is free again, and what it spent since is counted.
    public mutating func endHold(
        forOther amounts: [BudgetScope: Money], spent: [BudgetScope: Money], at now: CalendarTime
    ) {
        for (scope, amount) in amounts where amount > .zero {
            accounts[scope]?.reserved -= amount
            foreign[scope, default: .zero] -= amount
            if foreign[scope] == .zero { foreign[scope] = nil }
        }
        for (scope, amount) in spent where amount > .zero {
            var account = current(scope, at: now) ?? Account(windowStart: now)
            if account.spent == .zero { account.windowStart = now }
            account.spent += amount
            accounts[scope] = account
        }
    }

    /// Forgets accounts whose window has passed, so that users who never come back cost nothing.
    public mutating func prune(at now: CalendarTime) {
        accounts = accounts.filter { scope, account in
            account.reserved > .zero || account.spent > .zero && !hasPassed(account, scope, at: now)
        }
    }

    /// Accounts in memory: of owners with a cap who spent or reserved something.
    public var accountCount: Int { accounts.count }
    /// Reservations that were neither settled nor released.
    public var openReservations: Int { open.count }

    private mutating func close(_ reservation: Reservation) -> Bool {
        guard open.remove(reservation.id) != nil else { return reservation.scopes.isEmpty }
        for scope in reservation.scopes {
            accounts[scope]?.reserved -= reservation.amount
        }
        return true
    }

    /// The account as of now: with nothing spent when its window has passed. Reservations live on.
    private func current(_ scope: BudgetScope, at now: CalendarTime) -> Account? {
        guard var account = accounts[scope] else { return nil }
        if hasPassed(account, scope, at: now) {
            account.spent = .zero
            account.windowStart = now
        }
        return account
    }

    private func hasPassed(_ account: Account, _ scope: BudgetScope, at now: CalendarTime) -> Bool {
        guard let window = policy.cap(for: scope)?.window else { return false }
        return now >= account.windowStart + window
    }
}

/// A refusal that says what is left and when it resets.
public struct BudgetRefusal: Error, Hashable, Sendable {
    /// The account that has too little.
    public let scope: BudgetScope
    /// The most that its window may hold.
    public let cap: Money
    /// What its window has spent already.
    public let spent: Money
    /// Set aside for calls that still run.
    public let reserved: Money
    /// What the refused call would have set aside.
    public let asked: Money
    /// Nil when the budget never resets or nothing was spent yet.
    public let resetsAt: CalendarTime?

    /// What could still be set aside, never below zero.
    public var left: Money { max(.zero, cap - spent - reserved) }
}

/// Where a scope stands.
public struct BudgetBalance: Hashable, Sendable {
    /// The account.
    public let scope: BudgetScope
    /// The most that a window may hold; nil is no cap.
    public let cap: Money?
    /// Settled in the present window.
    public let spent: Money
    /// Set aside for calls that still run.
    public let reserved: Money
    /// The end of the window; nil when it never ends or nothing was spent yet.
    public let resetsAt: CalendarTime?

    /// What can still be set aside; nil without a cap.
    public var left: Money? { cap.map { max(.zero, $0 - spent - reserved) } }
}

/// The settled part of an account: what outlives the process.
public struct AccountBalance: Hashable, Sendable {
    /// The account.
    public let scope: BudgetScope
    /// Settled since the window began.
    public let spent: Money
    /// When the first amount of the window was settled.
    public let windowStart: CalendarTime
    /// How long the window is by the policy in force; nil never ends.
    public let window: Duration?

    public init(scope: BudgetScope, spent: Money, windowStart: CalendarTime, window: Duration? = nil) {
        self.scope = scope
        self.spent = spent
        self.windowStart = windowStart
        self.window = window
    }
}

/// One settled amount, with the balances that it led to: a store may keep the entry, the balances, or both.
public struct LedgerEntry: Hashable, Sendable {
    /// What the call cost, once for every account.
    public let amount: Money
    /// When it was settled.
    public let at: CalendarTime
    /// The accounts after it.
    public let balances: [AccountBalance]

    public init(amount: Money, at: CalendarTime, balances: [AccountBalance]) {
        self.amount = amount
        self.at = at
        self.balances = balances
    }
}
