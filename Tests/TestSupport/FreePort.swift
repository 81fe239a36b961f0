// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Ports of the loopback interface.
package enum FreePort {
    /// A port that was free a moment ago, for programs that cannot be told to choose one themselves.
    package static func find() throws -> Int {
        #if os(Linux)
            let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let raw = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard raw >= 0 else { throw SystemError.current("open a socket") }
        let descriptor = OwnedDescriptor(taking: raw)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor.rawValue, generic, length) == 0
                    && getsockname(descriptor.rawValue, generic, &length) == 0
            }
        }
        guard result else { throw SystemError.current("bind a socket") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
