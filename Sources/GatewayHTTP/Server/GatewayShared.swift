// SPDX-License-Identifier: MIT

internal import LLMRouting
internal import NIOCore
internal import Synchronization

/// What all loops share: the state of routing, counters with bounds, TLS and the writers.
///
/// The routing engine sits behind one lock that is held for the microseconds of a decision (docs/decisions/0071).
final class GatewayShared: Sendable {
    let loopCount: Int
    let connections = BoundedCount()
    let requests = BoundedCount()
    let engine: Mutex<RoutingEngine>
    let tls: UpstreamTLS
    let logWriter: LogWriter
    let adminKey: ClientKey?
    let mockDraws = MockDraws()
    private let owner = Mutex<WeakServer>(WeakServer())

    private struct WeakServer: Sendable {
        weak var server: GatewayServer?
    }

    init(
        loopCount: Int, engine: RoutingEngine, tls: UpstreamTLS, logWriter: LogWriter, adminKey: ClientKey?
    ) {
        self.loopCount = loopCount
        self.engine = Mutex(engine)
        self.tls = tls
        self.logWriter = logWriter
        self.adminKey = adminKey
    }

    var server: GatewayServer? {
        get { owner.withLock { $0.server } }
        set { owner.withLock { $0.server = newValue } }
    }

    /// The deployments as the operator's side shows them.
    func statuses() -> [DeploymentStatus] {
        let now = Now.current().instant
        return engine.withLock { $0.statuses(at: now) }
    }
}

extension CircuitBreaker.Status {
    /// The number that metrics show.
    var level: Int {
        switch self {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
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
