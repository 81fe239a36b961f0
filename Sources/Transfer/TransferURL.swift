// SPDX-License-Identifier: MIT

internal import CCurl

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// An absolute http or https URL, taken apart by libcurl, so that checks and transfers read it the same way.
package struct TransferURL: Equatable, Sendable {
    package let text: String
    package let scheme: String
    package let host: String
    package let port: Int

    package init(_ text: String) throws(TransferError) {
        guard let handle = curl_url() else { throw .invalidURL(text: Self.redact(text)) }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = Self.part(handle, CURLUPART_SCHEME)
        else { throw .invalidURL(text: Self.redact(text)) }
        guard scheme == "http" || scheme == "https" else { throw .unsupportedScheme(url: Self.redact(text)) }
        guard let host = Self.part(handle, CURLUPART_HOST),
            let port = Self.part(handle, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) })
        else { throw .invalidURL(text: Self.redact(text)) }
        self.text = text
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
    }

    /// The URL that `location` (absolute or relative) means here.
    package func resolving(_ location: String) throws(TransferError) -> TransferURL {
        guard let handle = curl_url() else { throw .invalidURL(text: Self.redact(location)) }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            curl_url_set(handle, CURLUPART_URL, location, 0) == CURLUE_OK,
            let absolute = Self.part(handle, CURLUPART_URL)
        else { throw .invalidURL(text: Self.redact(location)) }
        return try TransferURL(absolute)
    }

    /// Whether the bytes stay on this machine: loopback by name or address, and the wildcard, which leads there as well.
    package var isLoopback: Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return Self.staysHere(withUnsafeBytes(of: &four, Array.init)) }
        var six = in6_addr()
        let address = host.hasPrefix("[") ? String(host.dropFirst().prefix { $0 != "]" && $0 != "%" }) : host
        guard inet_pton(AF_INET6, address, &six) == 1 else { return false }
        let bytes = withUnsafeBytes(of: &six, Array.init)
        if bytes.dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] <= 1 }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped && Self.staysHere(Array(bytes[12...]))
    }

    private static func staysHere(_ four: [UInt8]) -> Bool { four[0] == 127 || four == [0, 0, 0, 0] }

    /// Whether credentials for one may be sent to the other.
    package func hasSameOrigin(as other: TransferURL) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The URL as it may be printed: without user, password, query and fragment, which carry signatures and tokens.
    package var redacted: String { Self.redact(text) }

    package static func redact(_ text: String) -> String {
        var shown = String(text.prefix { $0 != "?" && $0 != "#" })
        if let start = shown.range(of: "://") {
            let authority = shown[start.upperBound...].prefix { $0 != "/" }
            if let at = authority.lastIndex(of: "@") { shown.removeSubrange(start.upperBound...at) }
        }
        return shown
    }

    private static func part(_ handle: OpaquePointer, _ what: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var raw: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, what, &raw, flags) == CURLUE_OK, let raw else { return nil }
        defer { curl_free(raw) }
        return String(cString: raw)
    }
}

extension String {
    /// The first place of `needle`; Foundation is not at hand.
    fileprivate func range(of needle: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) {
                return start..<index(start, offsetBy: needle.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
