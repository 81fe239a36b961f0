// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization
internal import SystemIO

/// A front: it holds the address that clients know and passes everything on to the process that its target names.
package final class FrontServer: Sendable {
    /// Where to listen, and whom to pass requests to.
    package struct Options: Sendable {
        package var host = "127.0.0.1"
        /// 0 takes a free port.
        package var port = 4000
        /// The file that names the process behind: `{"host": "127.0.0.1", "port": 4001}`.
        package var target: String
        /// How long a request waits while that process does not accept connections.
        package var patience = Duration.seconds(15)
        package var connections = 16_384

        package init(target: String) {
            self.target = target
        }
    }

    private static let idleSeconds: Int64 = 75

    package let port: Int
    private let socket: ListeningSocket
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let listener: any Channel
    private let connections: Connections

    /// The open connections of clients.
    private final class Connections: Sendable {
        private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

        var count: Int { channels.withLock { $0.count } }
        var all: [any Channel] { channels.withLock { Array($0.values) } }

        /// False when there are too many.
        func add(_ channel: any Channel, limit: Int) -> Bool {
            let isAdded = channels.withLock { channels in
                guard channels.count < limit else { return false }
                channels[ObjectIdentifier(channel)] = channel
                return true
            }
            if isAdded {
                channel.closeFuture.whenComplete { _ in
                    self.channels.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
                }
            }
            return isAdded
        }
    }

    /// Starts to listen.
    package init(_ options: Options) throws {
        let connections = Connections()
        self.connections = connections
        socket = try ListeningSocket(host: options.host, port: options.port)
        port = socket.port
        let target = FrontTarget(path: options.target, ownPort: socket.port)
        let patience = options.patience
        let limit = options.connections
        listener = try ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.maxMessagesPerRead, value: 256)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.add(channel, limit: limit) else {
                        return channel.close(promise: nil)
                    }
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                    try pipeline.addHandler(IdleStateHandler(readTimeout: .seconds(Self.idleSeconds)))
                    try pipeline.addHandler(FrontConnection(target: target, patience: patience))
                }
            }
            .withBoundSocket(socket.duplicate()).wait()
    }

    /// Stops accepting, lets what runs finish within `limit`, then ends everything. Returns whether all finished.
    @discardableResult
    package func drain(within limit: Duration) -> Bool {
        try? listener.close().wait()
        for channel in connections.all { channel.pipeline.fireUserInboundEventTriggered(FrontConnection.Drain()) }
        let deadline = MonotonicTime.now() + limit
        while connections.count > 0, MonotonicTime.now() < deadline { Pause.milliseconds(5) }
        let isDone = connections.count == 0
        try? group.syncShutdownGracefully()
        return isDone
    }
}

/// The life of a front's process: until SIGTERM or SIGINT.
package struct FrontProcess: Sendable {
    private let options: FrontServer.Options

    package init(_ options: FrontServer.Options) {
        self.options = options
    }

    /// Serves until a signal ends it; returns the exit status.
    package func run(drainTimeout: Duration = .seconds(30)) -> Int32 {
        let signals = ProcessSignals()
        _ = ResourceLimits.raiseOpenFiles()
        var options = options
        options.connections = min(
            options.connections, GatewayLimits.connections(withOpenFiles: ResourceLimits.openFileCount))
        let server: FrontServer
        do {
            server = try FrontServer(options)
        } catch {
            ProcessWords.report(error)
            return 2
        }
        ProcessWords.say("listening on http://\(options.host):\(server.port) in front of \(options.target)")
        while true {
            guard signals.next() != .reload else { continue }
            ProcessWords.say("draining")
            let isDone = server.drain(within: drainTimeout)
            ProcessWords.say(isDone ? "stopped" : "stopped; some requests did not finish in time")
            return 0
        }
    }
}
