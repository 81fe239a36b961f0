// SPDX-License-Identifier: MIT

internal import GatewayConfig

/// Keeps web pages in the operator's browser from spending money at a gateway that needs no key.
///
/// A page of another site sends its `Origin` with whatever changes something, and browsers say of everything else that it comes
/// from another site; a page that had its own name resolved to 127.0.0.1 sends that name as `Host`.
package enum SiteGuard {
    /// Whether a request with these headers may come from a program of the operator's.
    package static func allows(host: String?, origin: String?, fetchSite: String? = nil) -> Bool {
        if let origin, !isLoopbackOrigin(origin) { return false }
        // What a person typed or clicked says `none`.
        if let fetchSite, !["same-origin", "same-site", "none"].contains(fetchSite.lowercased()) { return false }
        guard let host else { return true }
        return isAddressOrLoopback(name(of: host))
    }

    private static func isLoopbackOrigin(_ origin: String) -> Bool {
        let lowered = origin.lowercased()
        for scheme in ["http://", "https://"] where lowered.hasPrefix(scheme) {
            let host = name(of: String(lowered.dropFirst(scheme.count)))
            return host == "localhost" || host == "::1" || isIPv4(host) && host.hasPrefix("127.")
        }
        return false
    }

    /// The host without its port and brackets.
    private static func name(of authority: String) -> String {
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<close])
        }
        return String(authority.prefix { $0 != ":" }).lowercased()
    }

    private static func isAddressOrLoopback(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host.contains(":") || isIPv4(host)
    }

    private static func isIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
