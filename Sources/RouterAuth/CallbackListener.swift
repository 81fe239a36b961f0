// SPDX-License-Identifier: MIT

package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Listens where the browser is sent back to after a login, on this machine's loopback address only.
///
/// It understands one thing: a GET of `/auth/callback` with a query. Requests are small and short-lived, a few at a
/// time; everything that is larger, slower or different is dropped.
package struct CallbackListener: ~Copyable {
    private static let requestLimitBytes = 16 << 10
    private static let connectionLimit = 8
    private static let patience = Duration.seconds(5)

    private let listener: OwnedDescriptor
    private var connections: [Connection] = []
    package let port: Int

    /// Bytes of a request that has not come to its end.
    private final class Connection {
        let descriptor: Int32
        let deadline: MonotonicTime
        var bytes: [UInt8] = []

        init(descriptor: Int32, deadline: MonotonicTime) {
            self.descriptor = descriptor
            self.deadline = deadline
        }

        deinit {
            close(descriptor)
        }
    }

    private init(listener: consuming OwnedDescriptor, port: Int) {
        self.listener = listener
        self.port = port
    }

    /// Binds 127.0.0.1:`port`; 0 takes any free one.
    package static func open(port: Int) throws(SystemError) -> CallbackListener {
        let raw = makeSocket()
        guard raw >= 0 else { throw SystemError.current("open a socket") }
        let descriptor = OwnedDescriptor(taking: raw)
        // A connection of the login before this one may still be in TIME_WAIT.
        var yes: Int32 = 1
        setsockopt(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let bound = try bindLoopback(descriptor.rawValue, port: port)
        guard listen(descriptor.rawValue, Int32(connectionLimit)) == 0 else {
            throw SystemError.current("listen on port \(port)")
        }
        return CallbackListener(listener: descriptor, port: bound)
    }

    /// Waits at most `limit` for a callback and answers the browser.
    package mutating func next(within limit: Duration) -> CallbackParameters? {
        connections.removeAll { $0.deadline < MonotonicTime.now() }
        var waits = [pollfd(fd: listener.rawValue, events: Int16(POLLIN), revents: 0)]
        waits += connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        let milliseconds = Int32(clamping: max(0, limit.wholeMilliseconds))
        guard poll(&waits, nfds_t(waits.count), milliseconds) > 0 else { return nil }
        let present = connections
        for (index, connection) in present.enumerated() where waits[index + 1].revents != 0 {
            switch receive(connection) {
            case .more: continue
            case .done(let parameters):
                connections.removeAll { $0 === connection }
                if let parameters { return parameters }
            }
        }
        if waits[0].revents != 0 { acceptOne() }
        return nil
    }

    private mutating func acceptOne() {
        let raw = retryingInterrupts { accept(listener.rawValue, nil, nil) }
        guard raw >= 0 else { return }
        _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
        _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
        if connections.count >= Self.connectionLimit { connections.removeFirst() }
        connections.append(Connection(descriptor: raw, deadline: MonotonicTime.now() + Self.patience))
    }

    private enum Reception {
        case more
        case done(CallbackParameters?)
    }

    private func receive(_ connection: Connection) -> Reception {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = retryingInterrupts { recv(connection.descriptor, &buffer, buffer.count, 0) }
        guard count > 0 else { return count < 0 && errno == EAGAIN ? .more : .done(nil) }
        connection.bytes.append(contentsOf: buffer.prefix(count))
        guard let end = Self.endOfHead(connection.bytes) else {
            return connection.bytes.count < Self.requestLimitBytes ? .more : .done(nil)
        }
        let parameters = Self.callback(inHead: connection.bytes[..<end])
        send(Self.page(for: parameters), to: connection.descriptor)
        return .done(parameters)
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4)
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10 {
            return index
        }
        return nil
    }

    private static func callback(inHead head: ArraySlice<UInt8>) -> CallbackParameters? {
        let line = String(decoding: head.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ")
        guard line.count == 3, line[0] == "GET", line[1].hasPrefix("/auth/callback?") else { return nil }
        return CallbackParameters(String(line[1]))
    }

    /// Says what comes next; nothing of the request is repeated.
    private static func page(for parameters: CallbackParameters?) -> [UInt8] {
        let (status, words) =
            switch parameters {
            case nil: ("404 Not Found", "There is nothing here.")
            case let found? where found.error != nil: ("200 OK", "The login was refused. You can close this page.")
            case _?: ("200 OK", "Go back to the terminal: it says whether the login worked. You can close this page.")
            }
        let body = "<!doctype html><meta charset=utf-8><title>llm-router</title><p>\(words)</p>\n"
        return Array(
            """
            HTTP/1.1 \(status)\r
            Content-Type: text/html; charset=utf-8\r
            Content-Length: \(body.utf8.count)\r
            Cache-Control: no-store\r
            Referrer-Policy: no-referrer\r
            Connection: close\r
            \r
            \(body)
            """.utf8)
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

    private static func makeSocket() -> Int32 {
        #if os(Linux)
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            return socket(AF_INET, kind, 0)
        #else
            let raw = socket(AF_INET, SOCK_STREAM, 0)
            if raw >= 0 { _ = fcntl(raw, F_SETFD, FD_CLOEXEC) }
            return raw
        #endif
    }

    /// The port that was bound.
    private static func bindLoopback(_ descriptor: Int32, port: Int) throws(SystemError) -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else { throw SystemError.current("bind port \(port)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

private func systemSend(_ descriptor: Int32, _ bytes: [UInt8], _ flags: Int32) -> Int {
    send(descriptor, bytes, bytes.count, flags)
}
