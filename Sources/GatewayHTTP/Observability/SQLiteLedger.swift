// SPDX-License-Identifier: MIT

package import Diagnostics
package import LLMRouting
internal import NIOCore
package import NIOPosix
internal import Synchronization
package import SystemIO

/// Why the ledger cannot be kept.
package enum LedgerError: Error, Equatable, Sendable {
    case open(path: String, reason: String)
    case statement(reason: String)
}

extension LedgerError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .open(let path, let reason):
            Diagnostic(
                "gateway/ledger-open", "cannot open the budget database `\(path)`: \(reason)",
                hints: ["check who owns it with `ls -l`, or name another file in `gateway.budgets.store`"])
        case .statement(let reason): Diagnostic("gateway/ledger", "the budget database failed: \(reason)")
        }
    }
}

/// A process that accepts no more, and what its last calls may do to the accounts.
package struct LedgerLeaver: Equatable, Sendable {
    package let process: ProcessIdentity
    /// What its calls had reserved when it began to leave.
    package var held: [BudgetScope: Money] = [:]
    /// What it has spent since.
    package var spent: [BudgetScope: Money] = [:]
}

/// Keeps what was spent over restarts and crashes.
///
/// An answer is complete only when its amount is in the database: entries that wait at the same time share one transaction,
/// written on a thread of its own. A killed process loses nothing that was committed; only a machine that loses its power
/// may lose the last moments (docs/decisions/0075).
package final class SQLiteLedger: LedgerStore {
    private struct Waiting {
        let entry: LedgerEntry
        let done: @Sendable () -> Void
    }

    /// Amounts by account, to be added to what the database has: processes that take over from each other may both write.
    struct Sums {
        struct Sum {
            var amount: Money
            var windowStart: CalendarTime
            let window: Duration?
        }

        private(set) var byScope: [BudgetScope: Sum] = [:]

        mutating func add(_ entry: LedgerEntry) {
            for balance in entry.balances {
                var sum = Sum(amount: entry.amount, windowStart: balance.windowStart, window: balance.window)
                if let earlier = byScope[balance.scope], !sum.isAfter(earlier) {
                    sum.amount += earlier.amount
                    sum.windowStart = earlier.windowStart
                }
                byScope[balance.scope] = sum
            }
        }
    }

    private struct Queue {
        var entries: [Waiting] = []
        var isWriting = false
    }

    private let database: LedgerDatabase
    private let queue = Mutex(Queue())
    private let threads: NIOThreadPool
    private let failures = Atomic<Int>(0)
    /// What could not be written, to be written with what comes next; used by the writing thread alone.
    private let unwritten = Mutex(Sums())
    /// This process once it passes on: what it spends from then on is noted beside the accounts.
    private let leaving = Mutex<ProcessIdentity?>(nil)

    package init(path: String, threads: NIOThreadPool) throws(LedgerError) {
        database = try LedgerDatabase(path: path)
        self.threads = threads
    }

    /// What was spent before this process began.
    package func balances() throws(LedgerError) -> [AccountBalance] { try database.balances() }

    /// What was spent, with what processes that are leaving still hold, as of one moment; rows of ended ones are removed.
    package func opening(
        isAlive: (ProcessIdentity) -> Bool = \.isAlive
    ) throws(LedgerError) -> (balances: [AccountBalance], leavers: [LedgerLeaver]) {
        for leaver in try database.leavers() where !isAlive(leaver.process) { try database.forget(leaver.process) }
        return try database.opening()
    }

    /// From now on a successor may spend as well: notes what this process's open calls hold of each account.
    package func leave(as process: ProcessIdentity, holding held: [BudgetScope: Money]) throws(LedgerError) {
        leaving.withLock { $0 = process }
        try database.note(leaver: process, held: held)
    }

    /// The leaver as the database has it now.
    package func leaver(_ process: ProcessIdentity) throws(LedgerError) -> LedgerLeaver? {
        try database.leavers().first { $0.process == process }
    }

    /// Keeps an entry; `done` is called on the writing thread when it is in the database.
    package func append(_ entry: LedgerEntry, done: @escaping @Sendable () -> Void) {
        let mustStart = queue.withLock { queue in
            queue.entries.append(Waiting(entry: entry, done: done))
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        if mustStart { threads.submit { _ in self.writeWhatWaits() } }
    }

    package func keep(_ entries: [LedgerEntry]) async {
        for entry in entries {
            await withCheckedContinuation { done in append(entry) { done.resume() } }
        }
    }

    private func writeWhatWaits() {
        while true {
            let waiting = queue.withLock { queue in
                let taken = queue.entries
                queue.entries = []
                if taken.isEmpty { queue.isWriting = false }
                return taken
            }
            if waiting.isEmpty { return }
            let isWritten = unwritten.withLock { sums in
                for one in waiting { sums.add(one.entry) }
                guard (try? database.write(sums, leaving: leaving.withLock { $0 })) != nil else { return false }
                sums = Sums()
                return true
            }
            // The answer was paid for and is given all the same; the amount goes with the next one.
            if !isWritten { failures.add(1, ordering: .relaxed) }
            for one in waiting { one.done() }
        }
    }

    func countFailure() { failures.add(1, ordering: .relaxed) }

    /// Transactions that failed, for metrics.
    package var failureCount: Int { failures.load(ordering: .relaxed) }
}

extension SQLiteLedger.Sums.Sum {
    /// Whether the window of `earlier` was over when this one began: its amounts do not count any more.
    fileprivate func isAfter(_ earlier: Self) -> Bool {
        window.map { windowStart >= earlier.windowStart + $0 } ?? false
    }
}
