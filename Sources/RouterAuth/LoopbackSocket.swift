// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Sockets that only programs of this machine can reach.
enum LoopbackSocket {
    enum Family {
        case ipv4, ipv6
    }

    /// Listens on a port of 127.0.0.1 or ::1, and on no other address; 0 takes any free one.
    static func listen(_ family: Family, port: Int, backlog: Int) throws(SystemError) -> OwnedDescriptor {
        let raw = make(family == .ipv4 ? AF_INET : AF_INET6)
        guard raw >= 0 else { throw SystemError.current("open a socket") }
        let descriptor = OwnedDescriptor(taking: raw)
        // A connection of the login before this one may still be in TIME_WAIT.
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        if family == .ipv6 { setsockopt(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size) }
        guard bindTo(raw, family, port), systemListen(raw, Int32(backlog)) == 0 else {
            throw SystemError.current("listen on port \(port)")
        }
        return descriptor
    }

    /// The port that an IPv4 socket has been given.
    static func port(of descriptor: borrowing OwnedDescriptor) -> Int? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = descriptor.rawValue
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) == 0 }
        }
        return isKnown ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }

    private static func make(_ family: Int32) -> Int32 {
        #if os(Linux)
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            return socket(family, kind, 0)
        #else
            let raw = socket(family, SOCK_STREAM, 0)
            if raw >= 0 { _ = fcntl(raw, F_SETFD, FD_CLOEXEC) }
            return raw
        #endif
    }

    private static func bindTo(_ descriptor: Int32, _ family: Family, _ port: Int) -> Bool {
        func bound<Address>(_ address: Address) -> Bool {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(descriptor, generic, socklen_t(MemoryLayout<Address>.size)) == 0
                }
            }
        }
        switch family {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(clamping: port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return bound(address)
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = UInt16(clamping: port).bigEndian
            address.sin6_addr = in6addr_loopback
            return bound(address)
        }
    }
}

private func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 {
    listen(descriptor, backlog)
}
