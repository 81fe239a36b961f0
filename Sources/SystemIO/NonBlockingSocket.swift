// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Calls on stream sockets that never wait. What they say is a value: on a data path a full buffer is no exception.
package enum NonBlockingSocket {
    package enum Outcome: Equatable, Sendable {
        case moved(Int)
        case wouldBlock
        /// The other side sends nothing more.
        case ended
        /// With the error number.
        case failed(Int32)
    }

    package static func receive(from descriptor: Int32, into memory: UnsafeMutableRawBufferPointer) -> Outcome {
        let count = retryingInterrupts { recv(descriptor, memory.baseAddress, memory.count, 0) }
        return count == 0 ? .ended : outcome(count)
    }

    package static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Outcome {
        outcome(retryingInterrupts { router_send(descriptor, bytes.baseAddress, bytes.count) })
    }

    /// Sends two pieces as one.
    package static func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, to descriptor: Int32
    ) -> Outcome {
        outcome(
            retryingInterrupts {
                router_send_pair(descriptor, first.baseAddress, first.count, second.baseAddress, second.count)
            })
    }

    private static func outcome(_ count: Int) -> Outcome {
        if count >= 0 { return .moved(count) }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
    }

    /// The next connection that waits at a listener; nil with an error number when there is none.
    package static func accept(from listener: Int32) -> Result<Int32, SystemError> {
        while true {
            let descriptor = router_accept(listener)
            if descriptor >= 0 { return .success(descriptor) }
            // Whoever gave up before being accepted is no reason not to look at the next one.
            if errno == ECONNABORTED { continue }
            return .failure(.current("accept a connection"))
        }
    }

    /// Starts a connection to a numeric address.
    package static func connect(to address: String, port: Int) throws(SystemError) -> Int32 {
        let descriptor = router_tcp_connect(address, Int32(port))
        guard descriptor >= 0 else { throw .current("connect") }
        return descriptor
    }

    /// The error number that the socket holds, such as why its connection failed; 0 when there is none.
    package static func error(of descriptor: Int32) -> Int32 {
        router_socket_error(descriptor)
    }

    package static func setNonBlocking(_ descriptor: Int32) {
        _ = router_set_nonblocking(descriptor)
    }

    /// Small pieces leave at once; sockets that are not TCP have no such choice and ignore it.
    package static func sendWithoutDelay(_ descriptor: Int32) {
        router_send_without_delay(descriptor)
    }

    /// Tells the other side that nothing more comes; it may still be read from.
    package static func endOutput(_ descriptor: Int32) {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    package static func close(_ descriptor: Int32) {
        systemClose(descriptor)
    }
}

private func systemClose(_ descriptor: Int32) {
    close(descriptor)
}
