// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Which TCP ports are listened on, and by whom, as far as /proc tells.
package enum ListeningSockets {
    private static let limit = 16 << 20

    /// The listening sockets of this network namespace: inode and port.
    package static func all() -> [(inode: UInt64, port: Int)] {
        read("/proc/net/tcp") + read("/proc/net/tcp6")
    }

    /// The inodes of the sockets that listen on `port`.
    package static func inodes(port: Int) -> Set<UInt64> {
        Set(all().filter { $0.port == port }.map(\.inode))
    }

    /// How many connections of this network namespace lead to `port`, on whatever address.
    package static func connections(to port: Int) -> Int {
        ["/proc/net/tcp", "/proc/net/tcp6"].reduce(0) { count, path in
            // 01 is ESTABLISHED; the remote address is hexadecimal `ADDRESS:PORT`.
            count + fields(of: path).count { $0[3].elementsEqual("01".utf8) && Self.port($0[2]) == port }
        }
    }

    /// The inodes of all sockets that `pid` has open; nil when that may not be read.
    package static func sockets(of pid: Int32) -> Set<UInt64>? {
        guard let names = try? FileSystem.list("/proc/\(pid)/fd") else { return nil }
        var found: Set<UInt64> = []
        for name in names {
            guard let target = FileSystem.linkTarget("/proc/\(pid)/fd/\(name)"), target.hasPrefix("socket:[") else {
                continue
            }
            if let inode = UInt64(target.dropFirst(8).dropLast()) { found.insert(inode) }
        }
        return found
    }

    private static func read(_ path: String) -> [(inode: UInt64, port: Int)] {
        fields(of: path).compactMap { fields in
            // 0A is LISTEN; the local address is hexadecimal `ADDRESS:PORT`.
            guard fields[3].elementsEqual("0A".utf8), let port = port(fields[1]),
                let inode = UInt64(String(decoding: fields[9], as: UTF8.self))
            else { return nil }
            return (inode, port)
        }
    }

    private static func fields(of path: String) -> [[ArraySlice<UInt8>]] {
        guard let bytes = try? FileSystem.readStream(path, limit: limit) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).dropFirst().map { line in
            line.split(separator: UInt8(ascii: " "), maxSplits: 10)
        }.filter { $0.count > 9 }
    }

    private static func port(_ address: ArraySlice<UInt8>) -> Int? {
        Int(String(decoding: address.suffix(4), as: UTF8.self), radix: 16)
    }
}

extension FileSystem {
    /// Where a symbolic link points; nil when that cannot be read.
    package static func linkTarget(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink(path, base, 4095)
            guard count >= 0 else { return nil }
            base[count] = 0
            return String(cString: base)
        }
    }

    /// How many entries a folder has; nil when it cannot be read.
    package static func count(_ path: String) -> Int? {
        (try? list(path))?.count
    }
}
