// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore
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
    private unowned let loop: GatewayLoop
    private let tls: UpstreamTLS
    let clock: LoopClock
    private var idle: [UpstreamConnection] = []
    /// Connections whose answer is complete but for the end of its framing, the oldest first.
    private var ending: [UpstreamConnection] = []
    /// Connections in use or idle, for metrics.
    private(set) var openCount = 0
    /// Who waits for the addresses of the host, which are asked for once at a time.
    private var isLookingUp = false
    private var waiting: [(call: PendingUpstreamCall, deadline: MonotonicTime)] = []

    init(origin: Origin, loop: GatewayLoop) {
        self.origin = origin
        clock = loop.clock
        self.loop = loop
        tls = loop.shared.tls
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
            connection.cancel()
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

    // MARK: New connections

    /// The host, where it is no name.
    private var address: SocketAddress? { try? SocketAddress(ipAddress: origin.host, port: origin.port) }

    private func connect(_ pending: PendingUpstreamCall, timeout: Duration) {
        let deadline = MonotonicTime.now() + timeout
        if address != nil {
            return connect(pending, to: [origin.host], until: deadline)
        }
        waiting.append((pending, deadline))
        loop.sockets.descriptors.at(deadline) { [weak self] in self?.giveUpWaiting(pending) }
        if !isLookingUp { lookUp() }
    }

    /// Name servers take their time, so a thread of its own asks them.
    private func lookUp() {
        isLookingUp = true
        let answer: @Sendable ([String]) -> Void = loop.whenTold { [weak self] in self?.found($0) }
        do throws(SystemError) {
            try BackgroundThread.start { [host = origin.host] in answer(NameLookup.addresses(of: host)) }
        } catch {
            answer([])
        }
    }

    private func found(_ addresses: [String]) {
        clock.advance()
        isLookingUp = false
        let calls = waiting
        waiting = []
        for (call, deadline) in calls {
            if addresses.isEmpty {
                call.failed(.nameNotFound)
            } else {
                connect(call, to: addresses, until: deadline)
            }
        }
    }

    private func giveUpWaiting(_ pending: PendingUpstreamCall) {
        guard let index = waiting.firstIndex(where: { $0.call === pending }) else { return }
        clock.advance()
        waiting.remove(at: index)
        pending.failed(.connectTimeout)
    }

    private func connect(_ pending: PendingUpstreamCall, to addresses: [String], until deadline: MonotonicTime) {
        _ = Connector(loop.sockets, addresses: addresses, port: origin.port, until: deadline) { [weak self] result in
            guard let self else { return }
            clock.advance()
            switch result {
            case .success(let descriptor): connected(pending, descriptor)
            case .failure(let failure): pending.failed(failure)
            }
        }
    }

    private func connected(_ pending: PendingUpstreamCall, _ descriptor: Int32) {
        var session: TLSSession?
        do {
            if origin.isSecure { session = try TLSSession(tls.handler(for: origin.host), address: address) }
        } catch {
            NonBlockingSocket.close(descriptor)
            return pending.failed(UpstreamTLS.problem(in: error).map(TransportFailure.tls) ?? .connectFailed)
        }
        openCount += 1
        let connection = UpstreamConnection(descriptor, tls: session, pool: self, loop: loop.sockets)
        pending.connected(connection, pool: self)
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
