// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore
internal import NIOPosix
internal import SystemIO

/// The connections of one event loop to one origin. Nothing here is shared with other loops.
final class UpstreamPool {
    /// Idle connections kept; more are closed when they come back.
    private static let idleLimit = 256
    /// Shorter than the keep-alive time of common servers, so that they rarely close under our hands.
    static let idleLimitNanoseconds: Int64 = 50_000_000_000

    /// After the last word of an answer.
    private static let endingLimitNanoseconds: Int64 = 1_000_000_000

    private let origin: Origin
    private let loop: any EventLoop
    private let tls: UpstreamTLS
    let clock: LoopClock
    private var idle: [UpstreamConnection] = []
    /// Connections whose answer is complete but for the end of its framing, the oldest first.
    private var ending: [UpstreamConnection] = []
    /// Connections in use or idle, for metrics.
    private(set) var openCount = 0

    init(origin: Origin, loop: any EventLoop, clock: LoopClock, tls: UpstreamTLS) {
        self.origin = origin
        self.clock = clock
        self.loop = loop
        self.tls = tls
    }

    var idleCount: Int { idle.count }

    /// Sends a request over an idle connection or a new one.
    ///
    /// `fresh` never takes an idle one: after a stale connection the rest of the pool is suspect as well.
    func call(
        _ first: ByteBuffer, _ rest: ByteBuffer?, connectTimeout: Duration, fresh: Bool,
        receiver: any UpstreamReceiver
    ) -> any UpstreamCall {
        if fresh {
            closeIdle(olderThan: .max)
        }
        while let connection = idle.popLast() {
            guard connection.isUsable else { continue }
            receiver.upstreamConnected()
            connection.send(first, rest, to: receiver)
            return connection
        }
        let pending = PendingUpstreamCall(first, rest, receiver: receiver)
        connect(pending, timeout: connectTimeout)
        return pending
    }

    /// Notes a connection that only has to say where its answer ends.
    func await(_ connection: UpstreamConnection) {
        connection.idleSince = clock.now
        ending.append(connection)
    }

    /// Closes connections that do not end their answers.
    func closeUnended() {
        let late = clock.now - Self.endingLimitNanoseconds
        while let first = ending.first, first.idleSince < late {
            ending.removeFirst()
            first.cancel()
        }
    }

    /// Keeps a connection whose call is over.
    func giveBack(_ connection: UpstreamConnection) {
        ending.removeAll { $0 === connection }
        guard idle.count < Self.idleLimit else {
            connection.channel?.close(promise: nil)
            return
        }
        connection.idleSince = clock.now
        idle.append(connection)
    }

    func forget(_ connection: UpstreamConnection) {
        openCount -= 1
        ending.removeAll { $0 === connection }
        if let index = idle.firstIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    /// Closes what has been idle since before `limit` nanoseconds of the monotonic clock.
    func closeIdle(olderThan limit: Int64) {
        // The oldest are at the front: connections are taken from the back.
        let count = idle.prefix { $0.idleSince < limit }.count
        guard count > 0 else { return }
        let old = idle.prefix(count)
        idle.removeFirst(count)
        for connection in old { connection.cancel() }
    }

    private func connect(_ pending: PendingUpstreamCall, timeout: Duration) {
        let connection = UpstreamConnection(pool: self)
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let isSecure = origin.isSecure
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(timeout.wholeNanoseconds))
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                ChannelOptions.recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2048, maximum: 65536)
            )
            .channelInitializer { [tls, host = origin.host] channel in
                channel.eventLoop.makeCompletedFuture {
                    if isSecure { try channel.pipeline.syncOperations.addHandler(tls.handler(for: host)) }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        let future: EventLoopFuture<any Channel> =
            if let address = try? SocketAddress(ipAddress: origin.host, port: origin.port) {
                bootstrap.connect(to: address)
            } else {
                bootstrap.connect(host: origin.host, port: origin.port)
            }
        future.assumeIsolated().whenComplete { [self] result in
            clock.advance()
            switch result {
            case .success:
                openCount += 1
                pending.connected(connection, pool: self)
            case .failure(let error): pending.failed(Self.failure(error))
            }
        }
    }

    private static func failure(_ error: any Error) -> TransportFailure {
        switch error {
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty { return .nameNotFound }
            return error.connectionErrors.map { failure($0.error) }.first ?? .connectFailed
        case let error as ChannelError:
            if case .connectTimeout = error { return .connectTimeout }
            return .connectFailed
        case let error as IOError: return error.errnoCode == connectionRefused ? .refused : .connectFailed
        default: return UpstreamTLS.problem(in: error).map(TransportFailure.tls) ?? .connectFailed
        }
    }
}

/// A call whose connection is still being made.
final class PendingUpstreamCall: UpstreamCall {
    private let first: ByteBuffer
    private let rest: ByteBuffer?
    private var receiver: (any UpstreamReceiver)?
    private var connection: UpstreamConnection?

    init(_ first: ByteBuffer, _ rest: ByteBuffer?, receiver: any UpstreamReceiver) {
        self.first = first
        self.rest = rest
        self.receiver = receiver
    }

    func connected(_ connection: UpstreamConnection, pool: UpstreamPool) {
        guard let receiver else { return pool.giveBack(connection) }
        self.connection = connection
        self.receiver = nil
        receiver.upstreamConnected()
        connection.send(first, rest, to: receiver)
    }

    func failed(_ failure: TransportFailure) {
        let receiver = self.receiver
        self.receiver = nil
        receiver?.upstreamFailed(failure)
    }

    func cancel() {
        receiver = nil
        connection?.cancel()
    }

    func letGo() {
        receiver = nil
        connection?.letGo()
    }

    func setReading(_ isReading: Bool) {
        connection?.setReading(isReading)
    }
}
