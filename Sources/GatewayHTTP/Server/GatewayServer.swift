// SPDX-License-Identifier: MIT

package import Diagnostics
package import GatewayConfig
internal import LLMRouting
internal import NIOPosix
internal import Synchronization
package import SystemIO

/// How a gateway is started.
package struct ServerOptions: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes a free port.
    package var port = 4000
    /// Event loops; nil is one a core.
    package var loops: Int?
    /// A listening socket that another process opened.
    package var inheritedSocket: Int32?
    /// The process that accepts from the inherited socket until now.
    package var predecessor: Int32?
    /// Where the access log goes.
    package var logDescriptor: Int32 = 1
    /// A PEM file of certificates that upstreams may show beside the system's.
    package var extraRoots: String?

    package init() {}
}

/// Why a gateway cannot start.
package enum ServerError: Error, Equatable, Sendable {
    case unsafeBind(host: String)
    case invalidHost(String)
    case bind(host: String, port: Int, SystemError)
}

extension ServerError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .unsafeBind(let host):
            Diagnostic(
                "gateway/unsafe-bind", "without any key the gateway listens on loopback only, not on `\(host)`",
                hints: ["set `general_settings.master_key: os.environ/LITELLM_MASTER_KEY`, or use `--host 127.0.0.1`"])
        case .invalidHost(let host):
            Diagnostic(
                "gateway/invalid-host", "`\(host)` is not an address of this machine",
                hints: ["use an IP address such as 127.0.0.1"])
        case .bind(let host, let port, let error):
            Diagnostic(
                "gateway/bind", "cannot listen on \(host):\(port): \(error.reason)",
                hints: ["see who has it: ss -ltnp 'sport = :\(port)'"])
        }
    }
}

/// A running gateway: its event loops, its listening sockets and the configuration in force.
package final class GatewayServer: Sendable {
    private struct State {
        var generation = 1
        var isDraining = false
        var operatorProblem: (any Error)?
    }

    package let port: Int
    private let shared: GatewayShared
    private let threads: NIOThreadPool
    private let loops: [LoopThread<GatewayLoop>]
    private let socket: ListeningSocket
    private let state = Mutex(State())
    private let snapshot: Mutex<Snapshot>
    private let reloadAction = Mutex<(@Sendable () throws -> Void)?>(nil)

    /// Starts to listen. Requests are answered as soon as this returns.
    package init(_ settings: GatewaySettings, options: ServerOptions = ServerOptions()) throws {
        let loopCount = max(1, options.loops ?? System.coreCount)
        guard !settings.keys.isEmpty || ListeningSocket.isLoopback(options.host) || options.inheritedSocket != nil
        else {
            throw ServerError.unsafeBind(host: options.host)
        }
        if let inherited = options.inheritedSocket {
            socket = try ListeningSocket(inherited: inherited)
        } else {
            socket = try ListeningSocket(host: options.host, port: options.port)
        }
        port = socket.port
        threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        var engine = RoutingEngine(policy: settings.policy)
        let recorders = try Recorders(settings, threads: threads)
        engine.ledger.restore(recorders.restored)
        let first = Snapshot(settings, table: engine.table, recorders: recorders, generation: 1)
        snapshot = Mutex(first)
        let shared = GatewayShared(
            loopCount: loopCount, engine: engine, tls: UpstreamTLS(extraRoots: options.extraRoots),
            logWriter: LogWriter(descriptor: options.logDescriptor, threads: threads),
            adminKey: settings.admin?.key.map { ClientKey(name: "admin", key: $0) })
        self.shared = shared
        loops = try (0..<loopCount).map { _ in
            try LoopThread { GatewayLoop($0, thread: $1, shared: shared, snapshot: first) }
        }
        shared.server = self
        if let predecessor = options.predecessor { Succession.takeOver(from: predecessor) }
        if let ledger = recorders.ledger {
            BudgetHandover(shared: shared, ledger: ledger, threads: threads).takeOver(on: loops[0])
        }
        try listen(socket.duplicate(), isAdmin: false)
        guard let admin = settings.admin else { return }
        do {
            try listen(ListeningSocket.descriptor(admin.address), isAdmin: true)
        } catch {
            // Clients are served by this process alone now; what the operator misses must not take that from them.
            guard options.predecessor != nil else {
                for loop in loops { loop.stop() }
                throw error
            }
            state.withLock { $0.operatorProblem = error }
        }
    }

    /// Why the operator's side of a successor does not answer.
    var operatorProblem: (any Error)? { state.withLock { $0.operatorProblem } }

    /// One loop accepts and deals the connections out in turn (docs/decisions/0072).
    private func listen(_ descriptor: Int32, isAdmin: Bool) throws {
        let loops = self.loops
        let problem = loops[0].call { loop in
            var turn = 0
            return loop.listen(descriptor) { connection in
                turn = (turn + 1) % loops.count
                let isTaken = loops[turn].post { $0.serve(connection, isAdmin: isAdmin) }
                if !isTaken { NonBlockingSocket.close(connection) }
            }
        }
        if case .some(.some(let error)) = problem { throw error }
    }

    // MARK: Reload

    /// Puts new settings in force: requests that arrive from now on are answered by them, those under way by the old ones.
    ///
    /// - Throws: when a budget database that they name cannot be opened; the old settings stay in force then.
    package func reload(_ settings: GatewaySettings) throws {
        let recorders = try Recorders(settings, after: snapshot.withLock { $0.recorders }, threads: threads)
        let generation = state.withLock { state in
            state.generation += 1
            return state.generation
        }
        let table = shared.engine.withLock { engine in
            engine.install(settings.policy)
            engine.ledger.restore(recorders.restored)
            return engine.table
        }
        let next = Snapshot(settings, table: table, recorders: recorders, generation: generation)
        snapshot.withLock { $0 = next }
        for loop in loops { loop.post { $0.replace(next) } }
    }

    /// What the operator's side does to reload: reads the files again and calls `reload`.
    package func onReload(_ action: @escaping @Sendable () throws -> Void) {
        reloadAction.withLock { $0 = action }
    }

    /// Reloads on a thread of its own and says the new generation.
    func requestReload(_ done: @escaping @Sendable (Result<Int, any Error>) -> Void) {
        let action = reloadAction.withLock { $0 }
        threads.submit { _ in
            done(
                Result {
                    try action?()
                    return self.generation
                })
        }
    }

    /// Ends the process as SIGTERM does.
    func requestDrain() {
        System.terminate()
    }

    package var generation: Int { state.withLock { $0.generation } }

    // MARK: Metrics

    /// Adds up the counters of all loops.
    func collect(_ done: @escaping @Sendable ((LoopMetrics, GatewayGauges)) -> Void) {
        let sum = MetricsSum(gauges: GatewayGauges(generation: generation), missing: loops.count)
        for loop in loops {
            loop.post { loop in
                if let whole = sum.add(loop) { done(whole) }
            }
        }
    }

    /// The counters of the loops that were asked so far.
    private final class MetricsSum: Sendable {
        private let state: Mutex<(metrics: LoopMetrics, gauges: GatewayGauges, missing: Int)>

        init(gauges: GatewayGauges, missing: Int) {
            state = Mutex((LoopMetrics(), gauges, missing))
        }

        /// All of them, with the last loop.
        func add(_ loop: GatewayLoop) -> (LoopMetrics, GatewayGauges)? {
            let (part, pools) = (loop.metrics, loop.poolSizes)
            let (connections, running, waiting) = (loop.openConnections, loop.runningExchanges, loop.waitingExchanges)
            return state.withLock { state in
                state.metrics.merge(part)
                state.gauges.connections += connections
                state.gauges.runningRequests += running
                state.gauges.waitingRequests += waiting
                state.gauges.poolOpen += pools.open
                state.gauges.poolIdle += pools.idle
                state.missing -= 1
                return state.missing == 0 ? (state.metrics, state.gauges) : nil
            }
        }
    }

    // MARK: End

    /// Stops accepting, lets what runs finish within `limit`, then ends everything. Returns whether all finished.
    ///
    /// `whenDeaf` is called as soon as nothing is accepted any more.
    @discardableResult
    package func drain(within limit: Duration, whenDeaf: () -> Void = {}) -> Bool {
        state.withLock { $0.isDraining = true }
        _ = loops[0].call { $0.stopAccepting() }
        if let ledger = snapshot.withLock({ $0.recorders.ledger }) {
            BudgetHandover(shared: shared, ledger: ledger, threads: threads).passOn()
        }
        whenDeaf()
        // What was accepted just now is on its way to its loop, before what is sent there now.
        for loop in loops { _ = loop.call { _ in } }
        _ = loops[0].call { $0.closeListeners() }
        for loop in loops { loop.post { $0.drain() } }
        let deadline = MonotonicTime.now() + limit
        var isDone = false
        while !isDone, MonotonicTime.now() < deadline {
            isDone = shared.connections.value == 0
            if !isDone { Pause.milliseconds(5) }
        }
        for loop in loops { loop.post { $0.cut() } }
        for loop in loops { loop.stop() }
        shared.logWriter.writeWhatWaits()
        try? threads.syncShutdownGracefully()
        return isDone
    }

    /// The listening socket, for a process that takes over.
    package var listeningDescriptor: Int32 { socket.rawValue }
}
