// SPDX-License-Identifier: MIT

internal import LLMRouting
internal import NIOPosix
internal import Synchronization
internal import SystemIO

/// Caps that hold while one process takes over from another: the successor sets aside what the last calls of its
/// predecessor may cost, until that has ended, and counts then what they did cost.
struct BudgetHandover {
    let shared: GatewayShared
    let ledger: SQLiteLedger
    let threads: NIOThreadPool

    private static let pollInterval = Duration.milliseconds(100)

    /// Reads what was spent and what processes that are leaving hold. Nothing is reserved or settled before it.
    func takeOver(on thread: LoopThread<GatewayLoop>) {
        guard let (balances, leavers) = try? ledger.opening() else { return ledger.countFailure() }
        shared.engine.withLock { engine in
            engine.ledger.restore(balances)
            for leaver in leavers { engine.ledger.hold(forOther: leaver.held, at: Now.current().calendar) }
        }
        for leaver in leavers {
            thread.post { loop in
                loop.poll(every: Self.pollInterval) {
                    guard !leaver.process.isAlive else { return false }
                    threads.submit { _ in end(leaver) }
                    return true
                }
            }
        }
    }

    /// Notes what this process's open calls hold, for its successor.
    func passOn() {
        guard let process = ProcessIdentity.of(pid: ProcessControl.currentPID) else { return }
        let held = shared.engine.withLock { $0.ledger.held }
        do { try ledger.leave(as: process, holding: held) } catch { ledger.countFailure() }
    }

    private func end(_ leaver: LedgerLeaver) {
        let last = (try? ledger.leaver(leaver.process)) ?? leaver
        let spent = last.spent.merging(leaver.spent) { $0 - $1 }
        shared.engine.withLock { engine in
            engine.ledger.endHold(forOther: leaver.held, spent: spent, at: Now.current().calendar)
        }
    }
}
