// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Names of hosts to addresses, by the system's resolver.
package enum NameLookup {
    /// Blocks for as long as name servers take. The addresses are numeric, the families in turn, so that one that leads
    /// nowhere does not stand before the other; empty when the name is not known.
    package static func addresses(of host: String) -> [String] {
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var first: [String] = []
        var second: [String] = []
        let family = list?.pointee.ai_family
        var next = list
        while let entry = next {
            if let text = numeric(entry.pointee) {
                if entry.pointee.ai_family == family { first.append(text) } else { second.append(text) }
            }
            next = entry.pointee.ai_next
        }
        return interleaved(first, second)
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        guard let address = entry.ai_addr else { return nil }
        var text = [UInt8](repeating: 0, count: Int(NI_MAXHOST))
        let result = text.withUnsafeMutableBytes { buffer in
            getnameinfo(
                address, entry.ai_addrlen, buffer.baseAddress?.assumingMemoryBound(to: CChar.self),
                socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        }
        return result == 0 ? String(decoding: text.prefix { $0 != 0 }, as: UTF8.self) : nil
    }

    static func interleaved(_ first: [String], _ second: [String]) -> [String] {
        (0..<max(first.count, second.count)).flatMap { index in
            [first, second].compactMap { index < $0.count ? $0[index] : nil }
        }
    }
}
