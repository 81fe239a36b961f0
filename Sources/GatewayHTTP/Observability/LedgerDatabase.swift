// SPDX-License-Identifier: MIT

internal import CSQLite
internal import LLMRouting
internal import SystemIO

/// The database itself.
///
/// `accounts` has what was spent in the window that runs. `leaving` has, for each process that passes on, what its open
/// calls held when it began to leave and what they have cost since: a row without an account (kind -1) stands for the process.
final class LedgerDatabase: Sendable {
    private static let processRow: Int32 = -1

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
            CREATE TABLE IF NOT EXISTS leaving(process TEXT NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL,
              held INTEGER NOT NULL, spent INTEGER NOT NULL, PRIMARY KEY(process, kind, name)) WITHOUT ROWID;
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

    /// Adds amounts to the accounts, and to what the process has spent since it began to leave.
    func write(_ sums: SQLiteLedger.Sums, leaving process: ProcessIdentity?) throws(LedgerError) {
        try transaction { () throws(LedgerError) in
            defer { sqlite3_reset(upsert) }
            for (scope, sum) in sums.byScope {
                let (kind, name) = Self.key(scope)
                sqlite3_reset(upsert)
                sqlite3_bind_int(upsert, 1, kind)
                Self.bind(name, 2, upsert)
                sqlite3_bind_int64(upsert, 3, sum.amount.picodollars)
                sqlite3_bind_int64(upsert, 4, sum.windowStart.microsecondsSince1970)
                if let window = sum.window {
                    sqlite3_bind_int64(upsert, 5, window.wholeNanoseconds / 1000)
                } else {
                    sqlite3_bind_null(upsert, 5)
                }
                guard sqlite3_step(upsert) == SQLITE_DONE else { throw failure }
            }
            if let process {
                try add(sums.byScope.map { (Self.key($0.key), .zero, $0.value.amount) }, of: process)
            }
        }
    }

    func balances() throws(LedgerError) -> [AccountBalance] {
        var balances: [AccountBalance] = []
        try rows("SELECT kind, name, spent, window_start FROM accounts") { row in
            guard let scope = Self.scope(sqlite3_column_int(row, 0), Self.text(row, 1)) else { return }
            balances.append(
                AccountBalance(
                    scope: scope, spent: Money(picodollars: sqlite3_column_int64(row, 2)),
                    windowStart: CalendarTime(microsecondsSince1970: sqlite3_column_int64(row, 3))))
        }
        return balances
    }

    // MARK: Processes that leave

    /// Balances and leavers as of one moment.
    func opening() throws(LedgerError) -> (balances: [AccountBalance], leavers: [LedgerLeaver]) {
        var answer: (balances: [AccountBalance], leavers: [LedgerLeaver]) = ([], [])
        try transaction { () throws(LedgerError) in answer = (try balances(), try leavers()) }
        return answer
    }

    func note(leaver process: ProcessIdentity, held: [BudgetScope: Money]) throws(LedgerError) {
        try transaction { () throws(LedgerError) in
            try add([((Self.processRow, ""), .zero, .zero)], of: process)
            try add(held.map { (Self.key($0.key), $0.value, .zero) }, of: process)
        }
    }

    func leavers() throws(LedgerError) -> [LedgerLeaver] {
        var leavers: [LedgerLeaver] = []
        try rows("SELECT process, kind, name, held, spent FROM leaving ORDER BY process") { row in
            guard let process = Self.process(Self.text(row, 0)) else { return }
            if leavers.last?.process != process { leavers.append(LedgerLeaver(process: process)) }
            guard let scope = Self.scope(sqlite3_column_int(row, 1), Self.text(row, 2)) else { return }
            leavers[leavers.count - 1].held[scope] = Money(picodollars: sqlite3_column_int64(row, 3))
            leavers[leavers.count - 1].spent[scope] = Money(picodollars: sqlite3_column_int64(row, 4))
        }
        return leavers
    }

    func forget(_ process: ProcessIdentity) throws(LedgerError) {
        let statement = try prepare("DELETE FROM leaving WHERE process = ?1")
        defer { sqlite3_finalize(statement) }
        Self.bind(Self.text(process), 1, statement)
        guard sqlite3_step(statement) == SQLITE_DONE else { throw failure }
    }

    private func add(
        _ amounts: [(key: (Int32, String), held: Money, spent: Money)], of process: ProcessIdentity
    ) throws(LedgerError) {
        let statement = try prepare(
            """
            INSERT INTO leaving(process, kind, name, held, spent) VALUES(?1, ?2, ?3, ?4, ?5)
              ON CONFLICT(process, kind, name) DO UPDATE SET held = held + excluded.held, spent = spent + excluded.spent
            """)
        defer { sqlite3_finalize(statement) }
        for (key, held, spent) in amounts {
            sqlite3_reset(statement)
            Self.bind(Self.text(process), 1, statement)
            sqlite3_bind_int(statement, 2, key.0)
            Self.bind(key.1, 3, statement)
            sqlite3_bind_int64(statement, 4, held.picodollars)
            sqlite3_bind_int64(statement, 5, spent.picodollars)
            guard sqlite3_step(statement) == SQLITE_DONE else { throw failure }
        }
    }

    private static func text(_ process: ProcessIdentity) -> String {
        "\(process.pid) \(process.startTicks) \(process.bootID)"
    }

    private static func process(_ text: String) -> ProcessIdentity? {
        let parts = text.split(separator: " ", maxSplits: 2)
        guard parts.count == 3, let pid = Int32(parts[0]), let ticks = UInt64(parts[1]) else { return nil }
        return ProcessIdentity(pid: pid, startTicks: ticks, bootID: String(parts[2]))
    }

    // MARK: Statements

    private func transaction(_ body: () throws(LedgerError) -> Void) throws(LedgerError) {
        try run("BEGIN IMMEDIATE")
        do throws(LedgerError) {
            try body()
            try run("COMMIT")
        } catch {
            try? run("ROLLBACK")
            throw error
        }
    }

    private func prepare(_ text: String) throws(LedgerError) -> OpaquePointer {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, text, -1, &statement, nil) == SQLITE_OK, let statement else { throw failure }
        return statement
    }

    private func rows(_ text: String, _ body: (OpaquePointer) -> Void) throws(LedgerError) {
        let statement = try prepare(text)
        defer { sqlite3_finalize(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: body(statement)
            case SQLITE_DONE: return
            default: throw failure
            }
        }
    }

    /// SQLITE_TRANSIENT: the text is copied before the call returns.
    private static func bind(_ text: String, _ index: Int32, _ statement: OpaquePointer) {
        sqlite3_bind_text(statement, index, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
    }

    private static func text(_ row: OpaquePointer, _ column: Int32) -> String {
        sqlite3_column_text(row, column).map { String(cString: $0) } ?? ""
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
