// SPDX-License-Identifier: MIT

internal import LLMRouting
internal import Synchronization

/// What all loops share: counters with bounds, TLS, the log's writer and the state of routing.
final class GatewayShared: Sendable {
    let loopCount: Int
    let connections = BoundedCount()
    let requests = BoundedCount()
    let tls: UpstreamTLS
    let logWriter: LogWriter

    init(loopCount: Int, tls: UpstreamTLS, logWriter: LogWriter) {
        self.loopCount = loopCount
        self.tls = tls
        self.logWriter = logWriter
    }
}

/// A count that several threads raise up to a limit.
final class BoundedCount: Sendable {
    private let count = Atomic<Int>(0)

    /// One more, unless the limit is reached.
    func take(limit: Int) -> Bool {
        let (_, raised) = count.add(1, ordering: .relaxed)
        if raised <= limit { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    func release() {
        count.subtract(1, ordering: .relaxed)
    }

    var value: Int { count.load(ordering: .relaxed) }
}
