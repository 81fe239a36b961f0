// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import LLMRouting
internal import NIOPosix

/// Where amounts and attempts are kept: opened where settings ask for it, and carried over reloads that change nothing.
struct Recorders: Sendable {
    let ledger: SQLiteLedger?
    let traces: TraceRecorder?
    /// What was spent before, by a ledger that was opened just now.
    let restored: [AccountBalance]
    private let ledgerPath: String?
    private let traceSettings: TraceSettings?

    init(_ settings: GatewaySettings, after previous: Recorders? = nil, threads: NIOThreadPool) throws(LedgerError) {
        ledgerPath = settings.ledgerPath
        traceSettings = settings.traces
        if let path = settings.ledgerPath {
            let known = previous?.ledgerPath == path ? previous?.ledger : nil
            if let known {
                (ledger, restored) = (known, [])
            } else {
                let opened = try SQLiteLedger(path: path, threads: threads)
                (ledger, restored) = (opened, try opened.balances())
            }
        } else {
            ledger = nil
            restored = []
        }
        if let settings = settings.traces {
            let known = previous?.traceSettings == settings ? previous?.traces : nil
            traces = known ?? TraceRecorder(settings, threads: threads)
        } else {
            traces = nil
        }
    }
}
