// SPDX-License-Identifier: MIT

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Synchronization

/// A small HTTP/1.1 server on a loopback address for stand-ins and tests.
///
/// It writes response heads itself, so that a handler can send what a correct server never would.
package final class StandInServer: Sendable {
    package typealias Handler = @Sendable (StandInRequest) async -> StandInResponse

    /// Longer bodies are answered with 413.
    package static let bodyLimitBytes = 32 << 20
    /// Older requests are forgotten, so that a server under load does not grow.
    package static let recordLimit = 10_000

    package let host: String
    package let port: Int
    private let listener: any Channel
    private let accepting: Task<Void, Never>
    private let record: Record

    /// Binds `host`:`port` (0: any free port) and answers until `stop()`.
    ///
    /// - Throws: the system's error when the address cannot be bound.
    package static func start(
        host: String = "127.0.0.1", port: Int = 0, handler: @escaping Handler
    ) async throws -> StandInServer {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
                    return try NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let record = Record()
        let accepting = Task(executorPreference: LoopExecutor(server.channel.eventLoop)) {
            await accept(on: server, record: record, handler: handler)
        }
        return StandInServer(
            host: host, port: server.channel.localAddress?.port ?? port, listener: server.channel,
            accepting: accepting, record: record)
    }

    private init(host: String, port: Int, listener: any Channel, accepting: Task<Void, Never>, record: Record) {
        self.host = host
        self.port = port
        self.listener = listener
        self.accepting = accepting
        self.record = record
    }

    deinit {
        accepting.cancel()
        listener.close(promise: nil)
    }

    /// `http://host:port`, without a final slash.
    package var baseURL: String { "http://\(host):\(port)" }

    /// The requests so far, oldest first.
    package var requests: [StandInRequest] { record.requests.withLock { $0 } }

    /// How many connections are open now.
    package var openConnections: Int { record.connections.withLock { $0 } }

    /// How many connections there were so far.
    package var acceptedConnections: Int { record.accepted.withLock { $0 } }

    /// Closes the listener and cuts every connection; returns when all are gone.
    package func stop() async {
        try? await listener.close()
        accepting.cancel()
        await accepting.value
    }

    private static func accept(
        on server: NIOAsyncChannel<NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>, Never>, record: Record,
        handler: @escaping Handler
    ) async {
        try? await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    let executor = LoopExecutor(connection.channel.eventLoop)
                    group.addTask(executorPreference: executor) {
                        await StandInConnection(
                            channel: connection, executor: executor, handler: handler, record: record
                        ).serve()
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// What tests ask for afterwards.
    final class Record: Sendable {
        let requests = Mutex<[StandInRequest]>([])
        let connections = Mutex(0)
        let accepted = Mutex(0)

        func add(_ request: StandInRequest) {
            requests.withLock { list in
                if list.count >= StandInServer.recordLimit { list.removeFirst(StandInServer.recordLimit / 2) }
                list.append(request)
            }
        }
    }
}
