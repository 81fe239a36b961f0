// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The socket that clients connect to. It belongs to the process, not to a loop: every loop accepts from a duplicate, and a
/// successor inherits it, so connections that wait in its queue are never refused.
final class ListeningSocket: Sendable {
    private static let backlog: Int32 = 4096

    let rawValue: Int32
    let port: Int

    init(host: String, port: Int) throws(ServerError) {
        let name = host == "localhost" ? "127.0.0.1" : host
        guard let address = try? SocketAddress(ipAddress: name, port: port) else { throw .invalidHost(host) }
        let descriptor = systemSocket(address.protocol == .inet6 ? AF_INET6 : AF_INET)
        guard descriptor >= 0 else { throw .bind(host: host, port: port, .current("open a socket")) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let bound = address.withSockAddr { pointer, size in systemBind(descriptor, pointer, socklen_t(size)) }
        guard bound == 0, listen(descriptor, Self.backlog) == 0 else {
            let error = SystemError.current("listen")
            close(descriptor)
            throw .bind(host: host, port: port, error)
        }
        rawValue = descriptor
        self.port = Self.port(of: descriptor)
    }

    /// Takes over a socket that listens already.
    init(inherited descriptor: Int32) throws(ServerError) {
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw .bind(host: "inherited socket", port: Int(descriptor), .current("use"))
        }
        rawValue = descriptor
        port = Self.port(of: descriptor)
    }

    deinit {
        close(rawValue)
    }

    /// A descriptor of the same socket for one more loop; the caller closes it.
    func duplicate() throws(ServerError) -> Int32 {
        let copy = fcntl(rawValue, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw .bind(host: "", port: port, .current("duplicate a socket")) }
        return copy
    }

    static func descriptor(_ address: AdminSettings.Address) throws -> Int32 {
        switch address {
        case .socket(let path): try UnixSocket.listen(at: path).release()
        case .port(let host, let port): try ListeningSocket(host: host, port: port).duplicate()
        }
    }

    /// Whether only processes of this machine can connect.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.split(separator: ".").count == 4)
    }

    private static func port(of descriptor: Int32) -> Int {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0 else { return 0 }
        // Both address families keep the port in network order behind two bytes of family.
        return withUnsafeBytes(of: &storage) { Int($0[2]) << 8 | Int($0[3]) }
    }
}

/// Facts and waits of the system.
enum System {
    static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Asks this process to end.
    static func terminate() {
        kill(getpid(), SIGTERM)
    }
}

private func systemSocket(_ family: Int32) -> Int32 {
    #if canImport(Glibc)
        socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    #else
        socket(family, SOCK_STREAM, 0)
    #endif
}

private func systemBind(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    bind(descriptor, address, size)
}
