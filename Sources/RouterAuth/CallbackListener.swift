// SPDX-License-Identifier: MIT

package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Listens where the browser is sent back to after a login, on this machine's loopback addresses only.
///
/// It understands one thing: a GET of `/auth/callback` with a query. Requests are small and short-lived, a few at a
/// time; everything that is slower or different is dropped.
package struct CallbackListener: ~Copyable {
    /// What has come in.
    package enum Arrival: Equatable, Sendable {
        case callback(CallbackParameters)
        /// The callback of some other login.
        case otherAttempt
        /// A callback without a state, or with neither code nor error that could be read.
        case incomplete
    }

    /// Browsers send the cookies of every server that ever ran on localhost.
    private static let requestLimitBytes = 256 << 10
    private static let connectionLimit = 8
    private static let patience = Duration.seconds(5)

    private let listener: OwnedDescriptor
    /// Browsers may ask `localhost` by IPv6 first; nil on machines without it.
    private let second: OwnedDescriptor?
    private let numbers: [Int32]
    private var connections: [Connection] = []
    package let port: Int
    /// The attempt whose callbacks are wanted; nil takes those of any.
    package var state: String?

    private final class Connection {
        let descriptor: Int32
        let deadline: MonotonicTime
        /// A request that has not come to its end.
        var bytes: [UInt8] = []
        /// Where the search for that end goes on.
        var searched = 0
        /// What comes after the answer is read and dropped: closed before, the browser would see a broken connection.
        var isAnswered = false
        var received = 0

        init(descriptor: Int32, deadline: MonotonicTime) {
            self.descriptor = descriptor
            self.deadline = deadline
        }

        deinit {
            close(descriptor)
        }
    }

    private init(listener: consuming OwnedDescriptor, second: consuming OwnedDescriptor?, port: Int) {
        numbers = [listener.rawValue] + Self.number(of: second)
        self.listener = listener
        self.second = second
        self.port = port
    }

    private static func number(of descriptor: borrowing OwnedDescriptor?) -> [Int32] {
        switch descriptor {
        case .some(let present): [present.rawValue]
        case .none: []
        }
    }

    /// Binds `port` of 127.0.0.1 and, where there is IPv6, of ::1; 0 takes any that is free on both.
    ///
    /// Somebody else on either would get browsers that this login waits for.
    package static func open(port: Int) throws(SystemError) -> CallbackListener {
        for _ in 0..<attempts {
            do throws(SystemError) { return try openOnce(port: port) } catch {
                guard port == 0, error.code == EADDRINUSE else { throw error }
            }
        }
        return try openOnce(port: port)
    }

    private static let attempts = 10

    private static func openOnce(port: Int) throws(SystemError) -> CallbackListener {
        let first = try LoopbackSocket.listen(.ipv4, port: port, backlog: connectionLimit)
        let bound = LoopbackSocket.port(of: first) ?? port
        return CallbackListener(listener: first, second: try secondListener(port: bound), port: bound)
    }

    /// nil on a machine without IPv6.
    private static func secondListener(port: Int) throws(SystemError) -> OwnedDescriptor? {
        do throws(SystemError) {
            return try LoopbackSocket.listen(.ipv6, port: port, backlog: connectionLimit)
        } catch {
            if error.code == EADDRINUSE { throw error }
            return nil
        }
    }

    /// Waits at most `limit` for a callback and answers the browser.
    package mutating func next(within limit: Duration) -> Arrival? {
        connections.removeAll { $0.deadline < MonotonicTime.now() }
        let present = connections
        var waits = (present.map(\.descriptor) + numbers).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let milliseconds = Int32(clamping: max(0, limit.wholeMilliseconds))
        guard poll(&waits, nfds_t(waits.count), milliseconds) > 0 else { return nil }
        for (index, listener) in numbers.enumerated() where waits[present.count + index].revents != 0 {
            acceptOne(listener)
        }
        for (index, connection) in present.enumerated() where waits[index].revents != 0 {
            switch receive(connection) {
            case .more: continue
            case .answered(let arrival): if let arrival { return arrival }
            case .over: connections.removeAll { $0 === connection }
            }
        }
        return nil
    }

    private mutating func acceptOne(_ listener: Int32) {
        let raw = retryingInterrupts { accept(listener, nil, nil) }
        guard raw >= 0 else { return }
        _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
        _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
        if connections.count >= Self.connectionLimit { connections.removeFirst() }
        connections.append(Connection(descriptor: raw, deadline: MonotonicTime.now() + Self.patience))
    }

    private enum Reception {
        case more
        case answered(Arrival?)
        case over
    }

    private func receive(_ connection: Connection) -> Reception {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = retryingInterrupts { recv(connection.descriptor, &buffer, buffer.count, 0) }
        guard count > 0 else { return count < 0 && errno == EAGAIN ? .more : .over }
        connection.received += count
        if connection.isAnswered { return connection.received < 2 * Self.requestLimitBytes ? .more : .over }
        connection.bytes.append(contentsOf: buffer.prefix(count))
        let request: CallbackRequest
        if let end = Self.endOfHead(connection) {
            request = CallbackRequest(head: connection.bytes[..<end], port: port, state: state)
        } else {
            guard connection.received >= Self.requestLimitBytes else { return .more }
            request = .endless
        }
        connection.bytes = []
        connection.isAnswered = true
        send(request.answer, to: connection.descriptor)
        return .answered(request.arrival)
    }

    private static func endOfHead(_ connection: Connection) -> Int? {
        let bytes = connection.bytes
        // The end may lie across two pieces.
        var index = max(0, connection.searched - 3)
        connection.searched = bytes.count
        while index + 4 <= bytes.count {
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 {
                return index
            }
            index += 1
        }
        return nil
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) {
        #if os(Linux)
            let flags = Int32(MSG_NOSIGNAL)
        #else
            let flags: Int32 = 0
        #endif
        // A page of a few hundred bytes fits into the socket's buffer.
        _ = systemSend(descriptor, bytes, flags)
        shutdown(descriptor, Int32(SHUT_WR))
    }
}

private func systemSend(_ descriptor: Int32, _ bytes: [UInt8], _ flags: Int32) -> Int {
    send(descriptor, bytes, bytes.count, flags)
}
