// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Both ends of a pipe; neither survives an exec.
package struct Pipe: ~Copyable {
    package let reader: OwnedDescriptor
    package let writer: OwnedDescriptor

    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError.current("make a pipe") }
        reader = OwnedDescriptor(taking: ends[0])
        writer = OwnedDescriptor(taking: ends[1])
        reader.setInherited(false)
        writer.setInherited(false)
    }

    /// Closes the writing end of this process.
    package consuming func takeReader() -> OwnedDescriptor { reader }

    /// Closes the reading end of this process.
    package consuming func takeWriter() -> OwnedDescriptor { writer }
}

/// Connections to numeric addresses, made without waiting.
package enum TCPSocket {
    /// Begins a connection; it stands, or has failed, once the descriptor is writable.
    package static func startConnecting(to address: String, port: Int) throws(SystemError) -> OwnedDescriptor {
        let descriptor = router_tcp_connect(address, Int32(clamping: port))
        guard descriptor >= 0 else { throw SystemError.current("connect to \(address):\(port)") }
        return OwnedDescriptor(taking: descriptor)
    }

    /// 0 once a begun connection stands, else why it does not.
    package static func connectionError(_ descriptor: Int32) -> Int32 {
        router_socket_error(descriptor)
    }

    /// Listens on a numeric address; port 0 takes a free one.
    package static func listen(on address: String, port: Int) throws(SystemError) -> OwnedDescriptor {
        let descriptor = router_tcp_listen(address, Int32(clamping: port))
        guard descriptor >= 0 else { throw SystemError.current("listen on \(address):\(port)") }
        return OwnedDescriptor(taking: descriptor)
    }

    package static func port(of descriptor: Int32) -> Int {
        Int(router_socket_port(descriptor))
    }

    /// Whether nobody listens there; nil when that cannot be told.
    package static func isFree(_ address: String, port: Int) -> Bool? {
        switch router_port_is_free(address, Int32(clamping: port)) {
        case 1: true
        case 0: false
        default: nil
        }
    }

    /// Whether `text` is an IPv4 or IPv6 address.
    package static func isNumeric(_ text: String) -> Bool {
        var storage = in6_addr()
        return inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }
}
