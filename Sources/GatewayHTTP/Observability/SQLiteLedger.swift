// SPDX-License-Identifier: MIT

internal import CSQLite
package import Diagnostics
package import LLMRouting
internal import NIOCore
package import NIOPosix
internal import Synchronization
internal import SystemIO

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

    package init(path: String, threads: NIOThreadPool) throws(LedgerError) {
        database = try LedgerDatabase(path: path)
        self.threads = threads
    }

    /// What was spent before this process began.
    package func balances() throws(LedgerError) -> [AccountBalance] { try database.balances() }

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
                guard (try? database.write(sums)) != nil else { return false }
                sums = Sums()
                return true
            }
            // The answer was paid for and is given all the same; the amount goes with the next one.
            if !isWritten { failures.add(1, ordering: .relaxed) }
            for one in waiting { one.done() }
        }
    }

    /// Transactions that failed, for metrics.
    package var failureCount: Int { failures.load(ordering: .relaxed) }
}

extension SQLiteLedger.Sums.Sum {
    /// Whether the window of `earlier` was over when this one began: its amounts do not count any more.
    fileprivate func isAfter(_ earlier: Self) -> Bool {
        window.map { windowStart >= earlier.windowStart + $0 } ?? false
    }
}

/// The database itself; used by one thread at a time.
private final class LedgerDatabase: Sendable {
    // SAFETY: SQLite is opened in its serialized mode, which locks each connection itself.
    nonisolated(unsafe) private let handle: OpaquePointer
    nonisolated(unsafe) private let upsert: OpaquePointer

    init(path: String) throws(LedgerError) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK, let handle else {
            let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close(handle)
            throw .open(path: path, reason: reason)
        }
        sqlite3_busy_timeout(handle, 2000)
        let schema = """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
            CREATE TABLE IF NOT EXISTS accounts(kind INTEGER NOT NULL, name TEXT NOT NULL, spent INTEGER NOT NULL,
              window_start INTEGER NOT NULL, PRIMARY KEY(kind, name)) WITHOUT ROWID;
            """
        // ?5 is the length of a window. Processes that take over from each other may have begun it at different moments:
        // only when it is over does the next one begin at zero.
        let statement = """
            INSERT INTO accounts(kind, name, spent, window_start) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(kind, name) DO UPDATE SET
              spent = excluded.spent + iif(excluded.window_start >= window_start + ?5, 0, spent),
              window_start = iif(excluded.window_start >= window_start + ?5, excluded.window_start, window_start)
            """
        var upsert: OpaquePointer?
        guard sqlite3_exec(handle, schema, nil, nil, nil) == SQLITE_OK,
            sqlite3_prepare_v2(handle, statement, -1, &upsert, nil) == SQLITE_OK, let upsert
        else {
            let reason = String(cString: sqlite3_errmsg(handle))
            sqlite3_close(handle)
            throw .open(path: path, reason: reason)
        }
        self.handle = handle
        self.upsert = upsert
    }

    deinit {
        sqlite3_finalize(upsert)
        sqlite3_close(handle)
    }

    func write(_ sums: SQLiteLedger.Sums) throws(LedgerError) {
        try run("BEGIN IMMEDIATE")
        for (scope, sum) in sums.byScope {
            let (kind, name) = Self.key(scope)
            sqlite3_reset(upsert)
            sqlite3_bind_int(upsert, 1, kind)
            // SQLITE_TRANSIENT: the text is copied before the call returns.
            sqlite3_bind_text(upsert, 2, name, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            sqlite3_bind_int64(upsert, 3, sum.amount.picodollars)
            sqlite3_bind_int64(upsert, 4, sum.windowStart.microsecondsSince1970)
            if let window = sum.window {
                sqlite3_bind_int64(upsert, 5, window.wholeNanoseconds / 1000)
            } else {
                sqlite3_bind_null(upsert, 5)
            }
            guard sqlite3_step(upsert) == SQLITE_DONE else {
                let error = failure
                sqlite3_reset(upsert)
                try? run("ROLLBACK")
                throw error
            }
        }
        sqlite3_reset(upsert)
        do throws(LedgerError) {
            try run("COMMIT")
        } catch {
            try? run("ROLLBACK")
            throw error
        }
    }

    func balances() throws(LedgerError) -> [AccountBalance] {
        var statement: OpaquePointer?
        guard
            sqlite3_prepare_v2(handle, "SELECT kind, name, spent, window_start FROM accounts", -1, &statement, nil)
                == SQLITE_OK
        else { throw failure }
        defer { sqlite3_finalize(statement) }
        var balances: [AccountBalance] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            guard let text = sqlite3_column_text(statement, 1),
                let scope = Self.scope(sqlite3_column_int(statement, 0), String(cString: text))
            else { continue }
            balances.append(
                AccountBalance(
                    scope: scope, spent: Money(picodollars: sqlite3_column_int64(statement, 2)),
                    windowStart: CalendarTime(microsecondsSince1970: sqlite3_column_int64(statement, 3))))
        }
        return balances
    }

    private var failure: LedgerError { .statement(reason: String(cString: sqlite3_errmsg(handle))) }

    private func run(_ statement: String) throws(LedgerError) {
        guard sqlite3_exec(handle, statement, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    private static func key(_ scope: BudgetScope) -> (Int32, String) {
        switch scope {
        case .user(let name): (0, name)
        case .key(let name): (1, name)
        case .provider(let name): (2, name)
        }
    }

    private static func scope(_ kind: Int32, _ name: String) -> BudgetScope? {
        switch kind {
        case 0: .user(name)
        case 1: .key(name)
        case 2: .provider(name)
        default: nil
        }
    }
}
