// SPDX-License-Identifier: MIT

import Foundation
import GatewayHTTP
import LLMRouting
import NIOPosix
import Synchronization

/// Settlements a second that the budget database keeps, by how many answers wait for it at the same time.
@main
enum LedgerBenchmark {
    /// A gateway that answers more often than this with budgets would wait for its disk.
    static let least = 2000.0

    static func main() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        var isMissed = false
        for waiting in [1, 16, 256] {
            let path = folder.appendingPathComponent("\(waiting).sqlite").path
            let rate = try settlements(SQLiteLedger(path: path, threads: threads), waiting: waiting)
            let isBound = waiting > 1
            isMissed = isMissed || isBound && rate < least
            print("\(waiting) waiting: \(Int(rate)) settlements a second\(isBound ? " (>= \(Int(least)))" : "")")
        }
        try threads.syncShutdownGracefully()
        if isMissed {
            print("TOO SLOW")
            exit(1)
        }
    }

    private static func settlements(_ ledger: SQLiteLedger, waiting: Int) throws -> Double {
        let count = waiting * 200
        let chain = Chain(ledger, count: count)
        let start = ContinuousClock.now
        for _ in 0..<waiting { chain.next() }
        chain.done.wait()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let kept = try ledger.balances().reduce(Money.zero) { $0 + $1.spent }
        precondition(
            kept == Money(picodollars: Int64(count)) * 2, "every amount is there, for the user and the provider")
        return Double(count) / seconds
    }

    /// Begins the next settlement when one is kept, as a connection asks again when it was answered.
    private final class Chain: Sendable {
        let done = DispatchSemaphore(value: 0)
        private let ledger: SQLiteLedger
        private let count: Int
        private let state = Mutex((begun: 0, kept: 0))

        init(_ ledger: SQLiteLedger, count: Int) {
            self.ledger = ledger
            self.count = count
        }

        func next() {
            let number = state.withLock { state in
                state.begun += 1
                return state.begun
            }
            guard number <= count else { return }
            let now = CalendarTime(secondsSince1970: 1_700_000_000)
            let amount = Money(picodollars: 1)
            let scopes: [BudgetScope] = [.user("user-\(number % 500)"), .provider("p")]
            let entry = LedgerEntry(
                amount: amount, at: now,
                balances: scopes.map { AccountBalance(scope: $0, spent: amount, windowStart: now) })
            ledger.append(entry) {
                let isLast = self.state.withLock { state in
                    state.kept += 1
                    return state.kept == self.count
                }
                if isLast { self.done.signal() } else { self.next() }
            }
        }
    }
}
