// SPDX-License-Identifier: MIT

package import Diagnostics
package import GatewayConfig
internal import LLMRouting
internal import NIOCore
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
        var listeners: [any Channel] = []
        var generation = 1
        var isDraining = false
        var operatorProblem: (any Error)?
    }

    package let port: Int
    private let shared: GatewayShared
    private let group: MultiThreadedEventLoopGroup
    private let threads: NIOThreadPool
    private let loops: [NIOLoopBound<GatewayLoop>]
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
        group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
        loops = try (0..<loopCount).map { [group] _ in
            let eventLoop = group.next()
            return try eventLoop.submit {
                NIOLoopBound(GatewayLoop(eventLoop: eventLoop, shared: shared, snapshot: first), eventLoop: eventLoop)
            }.wait()
        }
        shared.server = self
        if let predecessor = options.predecessor { Succession.takeOver(from: predecessor) }
        if let ledger = recorders.ledger {
            BudgetHandover(shared: shared, ledger: ledger, threads: threads).takeOver(on: group.next())
        }
        try listen(socket.duplicate(), isAdmin: false)
        guard let admin = settings.admin else { return }
        do {
            try listen(ListeningSocket.descriptor(admin.address), isAdmin: true)
        } catch {
            // Clients are served by this process alone now; what the operator misses must not take that from them.
            guard options.predecessor != nil else { throw error }
            state.withLock { $0.operatorProblem = error }
        }
    }

    /// Why the operator's side of a successor does not answer.
    var operatorProblem: (any Error)? { state.withLock { $0.operatorProblem } }

    /// One loop accepts and deals the connections out in turn. (If each loop accepted from the same socket, the loser of a race
    /// would wake for nothing, which NIO takes for a fault.)
    private func listen(_ descriptor: Int32, isAdmin: Bool) throws {
        let loops = self.loops
        let bootstrap = ServerBootstrap(group: group.next(), childGroup: group)
            // With only a few a turn, the queue of a busy loop overflows, and whoever is in it connects again a second later.
            .serverChannelOption(ChannelOptions.maxMessagesPerRead, value: 256)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .childChannelOption(
                ChannelOptions.recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2048, maximum: 131_072)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else { return }
                    if !isAdmin {
                        try channel.syncOptions?.setOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                    }
                    try channel.pipeline.syncOperations.addHandler(ClientConnection(loop: loop.value, isAdmin: isAdmin))
                }
            }
        let channel = try bootstrap.withBoundSocket(descriptor).wait()
        state.withLock { $0.listeners.append(channel) }
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
        for loop in loops {
            loop.eventLoop.execute { loop.value.replace(next) }
        }
    }

    /// What the operator's side does to reload: reads the files again and calls `reload`.
    package func onReload(_ action: @escaping @Sendable () throws -> Void) {
        reloadAction.withLock { $0 = action }
    }

    func requestReload() -> EventLoopFuture<Int> {
        let action = reloadAction.withLock { $0 }
        return threads.runIfActive(eventLoop: group.next()) {
            try action?()
            return self.generation
        }
    }

    /// Ends the process as SIGTERM does.
    func requestDrain() {
        System.terminate()
    }

    package var generation: Int { state.withLock { $0.generation } }

    // MARK: Metrics

    /// Adds up the counters of all loops.
    func collect() -> EventLoopFuture<(LoopMetrics, GatewayGauges)> {
        let parts = loops.map { loop in
            loop.eventLoop.submit {
                let value = loop.value
                let pools = value.poolSizes
                return (
                    value.metrics,
                    GatewayGauges(
                        connections: value.openConnections, runningRequests: value.runningExchanges,
                        waitingRequests: value.waitingExchanges,
                        poolOpen: pools.open,
                        poolIdle: pools.idle)
                )
            }
        }
        let generation = self.generation
        return EventLoopFuture.whenAllSucceed(parts, on: group.next()).map { parts in
            var metrics = LoopMetrics()
            var gauges = GatewayGauges(generation: generation)
            for (part, gauge) in parts {
                metrics.merge(part)
                gauges.connections += gauge.connections
                gauges.runningRequests += gauge.runningRequests
                gauges.waitingRequests += gauge.waitingRequests
                gauges.poolOpen += gauge.poolOpen
                gauges.poolIdle += gauge.poolIdle
            }
            return (metrics, gauges)
        }
    }

    // MARK: End

    /// Stops accepting, lets what runs finish within `limit`, then ends everything. Returns whether all finished.
    ///
    /// `whenDeaf` is called as soon as nothing is accepted any more.
    @discardableResult
    package func drain(within limit: Duration, whenDeaf: () -> Void = {}) -> Bool {
        let listeners = state.withLock { state in
            state.isDraining = true
            defer { state.listeners = [] }
            return state.listeners
        }
        for listener in listeners { try? listener.setOption(.autoRead, value: false).wait() }
        if let ledger = snapshot.withLock({ $0.recorders.ledger }) {
            BudgetHandover(shared: shared, ledger: ledger, threads: threads).passOn()
        }
        whenDeaf()
        // What was accepted just now is still on its way to its loop; a listener that closes would close it as well.
        for loop in loops { try? loop.eventLoop.submit {}.wait() }
        for listener in listeners {
            try? listener.eventLoop.submit {}.wait()
            try? listener.close().wait()
        }
        for loop in loops {
            loop.eventLoop.execute { loop.value.drain() }
        }
        let deadline = MonotonicTime.now() + limit
        var isDone = false
        while !isDone, MonotonicTime.now() < deadline {
            isDone = shared.connections.value == 0
            if !isDone { System.pause(milliseconds: 5) }
        }
        for loop in loops { try? loop.eventLoop.submit { loop.value.cut() }.wait() }
        shared.logWriter.writeWhatWaits()
        try? group.syncShutdownGracefully()
        try? threads.syncShutdownGracefully()
        return isDone
    }

    /// The listening socket, for a process that takes over.
    package var listeningDescriptor: Int32 { socket.rawValue }
}
