// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Stream sockets in the file system, private to their owner.
package enum UnixSocket {
    /// Who is at the other end.
    package struct Peer: Equatable, Sendable {
        package let uid: UInt32
        package let pid: Int32
    }

    /// Binds a listening socket at `path` with mode 0600, replacing a stale one; callers hold the lock that makes it
    /// theirs.
    package static func listen(at path: String, backlog: Int32 = 511) throws(SystemError) -> OwnedDescriptor {
        try FileSystem.remove(path)
        let descriptor = try make(path)
        // The mode is set on the inode before anybody can connect: nothing accepts before listen(2).
        try withAddress(of: path) { (address, length) throws(SystemError) in
            guard bind(descriptor.rawValue, address, length) == 0 else { throw SystemError.current("bind", path: path) }
        }
        try FileSystem.setMode(path, 0o600)
        guard systemListen(descriptor.rawValue, backlog) == 0 else {
            throw SystemError.current("listen on", path: path)
        }
        return descriptor
    }

    /// Connects to the socket at `path`.
    package static func connect(to path: String) throws(SystemError) -> OwnedDescriptor {
        let descriptor = try make(path)
        let number = descriptor.rawValue
        try withAddress(of: path) { (address, length) throws(SystemError) in
            guard retryingInterrupts({ systemConnect(number, address, length) }) == 0 else {
                throw SystemError.current("connect to", path: path)
            }
        }
        return descriptor
    }

    /// The next connection that waits at a non-blocking listener; nil when there is none. Never blocks.
    package static func accept(from listener: Int32) throws(SystemError) -> OwnedDescriptor? {
        while true {
            let descriptor = router_accept(listener)
            if descriptor >= 0 { return OwnedDescriptor(taking: descriptor) }
            // Whoever gave up before being accepted is no reason not to look at the next one.
            if errno == ECONNABORTED { continue }
            if errno == EAGAIN { return nil }
            throw SystemError.current("accept a connection")
        }
    }

    /// The user and process that made the connection.
    package static func peer(of descriptor: Int32) throws(SystemError) -> Peer {
        var uid: uid_t = 0
        var pid: pid_t = 0
        guard router_peer_identity(descriptor, &uid, &pid) == 0 else {
            throw SystemError.current("identify the peer of a socket")
        }
        return Peer(uid: uid, pid: pid)
    }

    private static func make(_ path: String) throws(SystemError) -> OwnedDescriptor {
        #if os(Linux)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw SystemError.current("open a socket for", path: path) }
        return OwnedDescriptor(taking: descriptor)
    }

    /// Calls `body` with the address of `path`; one too long for `sockaddr_un` goes through a descriptor of its folder.
    private static func withAddress(
        of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        let capacity = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        guard path.utf8.count >= capacity else { return try fill(path, capacity, body) }
        #if os(Linux)
            let folder = try OwnedDescriptor.open(PathName.parent(of: path), [.readOnly, .directory])
            let short = "/proc/self/fd/\(folder.rawValue)/\(PathName.last(of: path))"
            guard short.utf8.count < capacity else { throw SystemError("use", path: path, code: ENAMETOOLONG) }
            try fill(short, capacity, body)
        #else
            throw SystemError("use", path: path, code: ENAMETOOLONG)
        #endif
    }

    private static func fill(
        _ path: String, _ capacity: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
    ) throws(SystemError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            buffer.copyBytes(from: Array(path.utf8.prefix(capacity - 1)) + [0])
        }
        var failure: SystemError?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                do throws(SystemError) {
                    try body(generic, socklen_t(MemoryLayout<sockaddr_un>.size))
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }
}

private func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 {
    listen(descriptor, backlog)
}

private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
    connect(descriptor, address, length)
}
