// SPDX-License-Identifier: MIT

internal import CSQLite
package import Diagnostics
internal import LLMRouting
internal import NIOCore
internal import NIOPosix
internal import Synchronization

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
final class LedgerStore: Sendable {
    private struct Waiting {
        let entry: LedgerEntry
        let done: @Sendable () -> Void
    }

    private struct Queue {
        var entries: [Waiting] = []
        var isWriting = false
    }

    private let database: LedgerDatabase
    private let queue = Mutex(Queue())
    private let threads: NIOThreadPool
    private let failures = Atomic<Int>(0)

    init(path: String, threads: NIOThreadPool) throws(LedgerError) {
        database = try LedgerDatabase(path: path)
        self.threads = threads
    }

    /// What was spent before this process began.
    func balances() throws(LedgerError) -> [AccountBalance] { try database.balances() }

    /// Keeps an entry; `done` is called on the writing thread when it is in the database.
    func append(_ entry: LedgerEntry, done: @escaping @Sendable () -> Void) {
        let mustStart = queue.withLock { queue in
            queue.entries.append(Waiting(entry: entry, done: done))
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        if mustStart { threads.submit { _ in self.writeWhatWaits() } }
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
            do throws(LedgerError) {
                try database.write(waiting.map(\.entry))
            } catch {
                // The answer was paid for and is given all the same; the balance in memory still counts it.
                failures.add(1, ordering: .relaxed)
            }
            for one in waiting { one.done() }
        }
    }

    /// Transactions that failed, for metrics.
    var failureCount: Int { failures.load(ordering: .relaxed) }
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
        // Entries of several loops may arrive out of order: within a window the larger sum is the later one.
        let statement = """
            INSERT INTO accounts(kind, name, spent, window_start) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(kind, name) DO UPDATE SET
              spent = CASE WHEN excluded.window_start > window_start THEN excluded.spent
                           WHEN excluded.window_start = window_start THEN max(spent, excluded.spent) ELSE spent END,
              window_start = max(window_start, excluded.window_start)
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

    func write(_ entries: [LedgerEntry]) throws(LedgerError) {
        try run("BEGIN IMMEDIATE")
        for balance in entries.flatMap(\.balances) {
            let (kind, name) = Self.key(balance.scope)
            sqlite3_reset(upsert)
            sqlite3_bind_int(upsert, 1, kind)
            // SQLITE_TRANSIENT: the text is copied before the call returns.
            sqlite3_bind_text(upsert, 2, name, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            sqlite3_bind_int64(upsert, 3, balance.spent.picodollars)
            sqlite3_bind_int64(upsert, 4, balance.windowStart.microsecondsSince1970)
            guard sqlite3_step(upsert) == SQLITE_DONE else {
                let error = failure
                sqlite3_reset(upsert)
                try? run("ROLLBACK")
                throw error
            }
        }
        sqlite3_reset(upsert)
        try run("COMMIT")
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
