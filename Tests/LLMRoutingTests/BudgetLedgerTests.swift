// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

struct BudgetLedgerTests {
    private let start = CalendarTime(secondsSince1970: 1_700_000_000)

    private func policy(window: Duration? = nil) -> BudgetPolicy {
        var policy = BudgetPolicy()
        policy.defaultUserCap = BudgetCap(amount: .dollars(1), window: window)
        return policy
    }

    @Test func `a refusal says what is left and when it resets`() throws {
        var ledger = BudgetLedger(policy: policy(window: .seconds(3600)))
        let first = try ledger.reserve(try Money(exactly: "0.60"), for: [.user("ann")], at: start).get()
        #expect(
            ledger.settle(first, cost: try Money(exactly: "0.60"), at: start)?.amount == (try Money(exactly: "0.60")))
        _ = try ledger.reserve(try Money(exactly: "0.30"), for: [.user("ann")], at: start).get()
        guard case .failure(let refusal) = ledger.reserve(try Money(exactly: "0.2"), for: [.user("ann")], at: start)
        else {
            Issue.record("0.90 of 1.00 are taken")
            return
        }
        #expect(refusal.left.description == "0.10" && refusal.spent.description == "0.60")
        #expect(refusal.resetsAt == start + .seconds(3600))
        _ = try ledger.reserve(try Money(exactly: "0.1"), for: [.user("ann")], at: start).get()
    }

    @Test func `nobody's money is nobody's budget`() throws {
        var ledger = BudgetLedger(policy: policy())
        _ = try ledger.reserve(.dollars(50), for: [.user("")], at: start).get()
        _ = try ledger.reserve(.dollars(50), for: [.provider("openai"), .key("k")], at: start).get()
    }

    @Test func `the window resets the spending, not what is set aside`() throws {
        var ledger = BudgetLedger(policy: policy(window: .seconds(60)))
        let done = try ledger.reserve(try Money(exactly: "0.5"), for: [.user("u")], at: start).get()
        _ = ledger.settle(done, cost: try Money(exactly: "0.5"), at: start)
        let running = try ledger.reserve(try Money(exactly: "0.4"), for: [.user("u")], at: start).get()
        let later = start + .seconds(60)
        #expect(ledger.balance(of: .user("u"), at: later).spent == .zero)
        #expect(ledger.balance(of: .user("u"), at: later).left?.description == "0.60")
        _ = ledger.settle(running, cost: try Money(exactly: "0.4"), at: later)
        #expect(ledger.balance(of: .user("u"), at: later).spent.description == "0.40")
    }

    @Test func `settling twice or after a release changes nothing`() throws {
        var ledger = BudgetLedger(policy: policy())
        let reservation = try ledger.reserve(try Money(exactly: "0.5"), for: [.user("u")], at: start).get()
        ledger.release(reservation)
        #expect(ledger.settle(reservation, cost: try Money(exactly: "0.5"), at: start) == nil)
        #expect(ledger.balance(of: .user("u"), at: start).spent == .zero)
        #expect(ledger.openReservations == 0)
    }

    @Test func `entries restore a ledger, whichever was kept last`() throws {
        var ledger = BudgetLedger(policy: policy())
        var entries: [LedgerEntry] = []
        for _ in 0..<5 {
            let reservation = try ledger.reserve(try Money(exactly: "0.1"), for: [.user("u")], at: start).get()
            entries += [ledger.settle(reservation, cost: try Money(exactly: "0.07"), at: start)].compactMap { $0 }
        }
        var restored = BudgetLedger(policy: policy())
        for entry in entries { restored.restore(entry.balances) }
        #expect(restored.balance(of: .user("u"), at: start) == ledger.balance(of: .user("u"), at: start))
        #expect(restored.balance(of: .user("u"), at: start).spent.description == "0.35")
    }

    @Test func `accounts of users who never come back are forgotten`() throws {
        var ledger = BudgetLedger(policy: policy(window: .seconds(60)))
        for user in 0..<1000 {
            let reservation = try ledger.reserve(try Money(exactly: "0.1"), for: [.user("u\(user)")], at: start).get()
            _ = ledger.settle(reservation, cost: try Money(exactly: "0.1"), at: start)
        }
        #expect(ledger.accountCount == 1000)
        ledger.prune(at: start + .seconds(61))
        #expect(ledger.accountCount == 0)
    }

    @Test func `memory is bounded by the users of two windows, and nobody's money is forgotten`() throws {
        var ledger = BudgetLedger(policy: policy(window: .seconds(60)))
        let regular = try ledger.reserve(try Money(exactly: "0.2"), for: [.user("regular")], at: start).get()
        var largest = 0
        for user in 0..<50_000 {
            // A hundred new users a second.
            let now = start + .milliseconds(10 * user)
            let reservation = try ledger.reserve(try Money(exactly: "0.1"), for: [.user("u\(user)")], at: now).get()
            if user % 3 == 0 {
                ledger.release(reservation)
            } else {
                _ = ledger.settle(reservation, cost: try Money(exactly: "0.1"), at: now)
            }
            largest = max(largest, ledger.accountCount)
        }
        #expect(largest <= 2 * 6000 + 1024, "\(largest) accounts at most")
        let end = start + .seconds(500)
        #expect(ledger.balance(of: .user("regular"), at: end).reserved.description == "0.20")
        _ = ledger.settle(regular, cost: try Money(exactly: "0.2"), at: end)
        #expect(ledger.balance(of: .user("regular"), at: end).spent.description == "0.20")
        #expect(ledger.balance(of: .user("u49999"), at: end).spent.description == "0.10")
    }

    /// 1,000 calls at the same time, in any order of reserving, settling and releasing.
    @Test(arguments: 1...30)
    func `spending never exceeds a cap, however calls interleave`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var policy = BudgetPolicy()
        policy.defaultUserCap = BudgetCap(amount: .dollars(1))
        policy.keyCaps = ["k": BudgetCap(amount: .dollars(2))]
        policy.providerCaps = ["p": BudgetCap(amount: .dollars(3), window: .seconds(500))]
        var ledger = BudgetLedger(policy: policy)
        var running: [BudgetLedger.Reservation] = []
        var spent: [BudgetScope: Money] = [:]
        var now = start
        for _ in 0..<4000 {
            now = now + .milliseconds(Int.random(in: 0...20, using: &random))
            if running.count < 1000, Int.random(in: 0..<2, using: &random) == 0 {
                let amount = Money(picodollars: Int64.random(in: 0...10_000_000_000, using: &random))
                let user = BudgetScope.user("u\(Int.random(in: 0..<4, using: &random))")
                if case .success(let granted) = ledger.reserve(amount, for: [user, .key("k"), .provider("p")], at: now)
                {
                    running.append(granted)
                }
            } else if let index = running.indices.randomElement(using: &random) {
                let reservation = running.remove(at: index)
                guard Int.random(in: 0..<3, using: &random) > 0 else {
                    ledger.release(reservation)
                    continue
                }
                let cost = Money(
                    picodollars: Int64.random(in: 0...max(1, reservation.amount.picodollars), using: &random))
                _ = ledger.settle(reservation, cost: min(cost, reservation.amount), at: now)
                for scope in reservation.scopes { spent[scope, default: .zero] += min(cost, reservation.amount) }
            }
            for scope in spent.keys {
                let balance = ledger.balance(of: scope, at: now)
                #expect(balance.spent + balance.reserved <= (balance.cap ?? .limit))
            }
        }
        for (scope, amount) in spent { #expect(ledger.balance(of: scope, at: now).spent == amount) }
        for reservation in running { ledger.release(reservation) }
        for scope in spent.keys { #expect(ledger.balance(of: scope, at: now).reserved == .zero) }
    }
}

struct BudgetHandoverLedgerTests {
    private let start = CalendarTime(secondsSince1970: 1_700_000_000)

    private func money(_ cents: Int64) -> Money { Money(picodollars: cents * 10_000_000_000) }

    @Test func `what another process holds counts against the cap until it has ended`() throws {
        var policy = BudgetPolicy()
        policy.defaultUserCap = BudgetCap(amount: .dollars(1))
        var ledger = BudgetLedger(policy: policy)
        let ann = BudgetScope.user("ann")
        ledger.hold(forOther: [ann: money(60)], at: start)
        #expect(ledger.balance(of: ann, at: start).left == money(40))
        let own = try ledger.reserve(money(30), for: [ann], at: start).get()
        #expect(ledger.held == [ann: money(30)])
        #expect(ledger.refusal(of: money(11), in: ann, at: start) != nil)
        ledger.endHold(forOther: [ann: money(60)], spent: [ann: money(25)], at: start)
        #expect(ledger.balance(of: ann, at: start).left == money(45))
        _ = ledger.settle(own, cost: money(30), at: start)
        #expect(ledger.balance(of: ann, at: start).spent == money(55))
        #expect(ledger.held.isEmpty)
    }

    @Test func `a hold lives longer than the window it began in`() {
        var policy = BudgetPolicy()
        policy.defaultUserCap = BudgetCap(amount: .dollars(1), window: .seconds(10))
        var ledger = BudgetLedger(policy: policy)
        let ann = BudgetScope.user("ann")
        ledger.hold(forOther: [ann: money(60)], at: start)
        let later = start + .seconds(20)
        ledger.prune(at: later)
        #expect(ledger.balance(of: ann, at: later).reserved == money(60))
        ledger.endHold(forOther: [ann: money(60)], spent: [:], at: later)
        #expect(ledger.balance(of: ann, at: later).reserved == .zero)
    }
}

struct MemoryStoreTests {
    @Test func `keeps the last balance of each scope`() async throws {
        let store = MemoryStore(now: { Instant(nanoseconds: 0) })
        let start = CalendarTime(secondsSince1970: 1_700_000_000)
        for cents in [5, 3] as [Int64] {
            let balance = AccountBalance(
                scope: .user("u"), spent: Money(picodollars: cents * 10_000_000_000), windowStart: start)
            await store.keep([LedgerEntry(amount: balance.spent, at: start, balances: [balance])])
        }
        #expect(await store.balances().map(\.spent.description) == ["0.03"])
    }

    @Test func `counts under each name by itself`() async throws {
        let store = MemoryStore(now: { Instant(nanoseconds: 7) })
        #expect(await store.take(2, of: "a", limit: 2, window: .seconds(60)) == .admitted)
        #expect(await store.take(1, of: "b", limit: 2, window: .seconds(60)) == .admitted)
        #expect(await store.take(1, of: "a", limit: 2, window: .seconds(60)) == .refused(retryAfter: .seconds(60)))
        #expect(await store.take(3, of: "c", limit: 2, window: .seconds(60)) == .refused(retryAfter: nil))
    }
}
