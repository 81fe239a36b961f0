// SPDX-License-Identifier: MIT

/// The scheme, host and port that connections are pooled by.
package struct Origin: Hashable, Sendable {
    package let isSecure: Bool
    /// A name or an address, without brackets.
    package let host: String
    package let port: Int

    package init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    /// What the Host header says.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }
}

/// An `api_base` taken apart: where to connect and what to put before each path.
package struct BaseURL: Hashable, Sendable {
    package let origin: Origin
    /// Starts with `/` or is empty; never ends with `/`.
    package let path: String

    /// Nil for anything but `http(s)://host[:port][/path]`; user names, queries and fragments are refused.
    package init?(_ text: String) {
        let lowered = text.lowercased()
        let isSecure = lowered.hasPrefix("https://")
        guard isSecure || lowered.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !path.contains("?"), !path.contains("#"),
            let (host, port) = Self.split(authority)
        else { return nil }
        self.origin = Origin(isSecure: isSecure, host: host, port: port ?? (isSecure ? 443 : 80))
        self.path = path
    }

    private static func split(_ authority: Substring) -> (host: String, port: Int?)? {
        guard !authority.isEmpty, authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !authority.contains(where: { "@?#\\\"<>".contains($0) })
        else { return nil }
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            let host = String(authority[authority.index(after: authority.startIndex)..<close])
            let rest = authority[authority.index(after: close)...]
            guard !host.isEmpty else { return nil }
            if rest.isEmpty { return (host, nil) }
            guard rest.first == ":", let port = port(rest.dropFirst()) else { return nil }
            return (host, port)
        }
        guard let colon = authority.firstIndex(of: ":") else { return (authority.lowercased(), nil) }
        let host = authority[..<colon]
        guard !host.isEmpty, let port = port(authority[authority.index(after: colon)...]) else { return nil }
        return (host.lowercased(), port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard let port = Int(text), (1...65535).contains(port) else { return nil }
        return port
    }
}
