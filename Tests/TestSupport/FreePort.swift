// SPDX-License-Identifier: MIT

internal import Synchronization
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Ports of the loopback interface.
package enum FreePort {
    /// Below those that the system gives to connections, any of which could take the port before the program does.
    private static let range = 11_000..<32_000
    /// What this process gave out already.
    private static let given = Mutex<Set<Int>>([])

    /// A port that was free a moment ago, for programs that cannot be told to choose one themselves.
    package static func find() throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: range)
            guard given.withLock({ $0.insert(port).inserted }) else { continue }
            if try isFree(port) { return port }
        }
        throw SystemError("find a free port", code: EADDRINUSE)
    }

    private static func isFree(_ port: Int) throws -> Bool {
        #if os(Linux)
            let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let raw = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard raw >= 0 else { throw SystemError.current("open a socket") }
        let descriptor = OwnedDescriptor(taking: raw)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
