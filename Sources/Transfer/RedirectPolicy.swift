// SPDX-License-Identifier: MIT

/// Decides where a redirect may lead.
package struct RedirectPolicy: Sendable {
    /// Release hosts redirect once or twice.
    package static let limit = 5

    private var hops = 0
    private let limit: Int

    package init(limit: Int = Self.limit) {
        self.limit = limit
    }

    /// The URL to ask next after `current` answered with `location`.
    ///
    /// - Throws: too many redirects, one to plain http from https (unless it stays on this machine), or no usable URL.
    package mutating func next(from current: TransferURL, location: String?) throws(TransferError) -> TransferURL {
        guard let location, !location.isEmpty else { throw .badRedirect(url: current.redacted) }
        hops += 1
        guard hops <= limit else { throw .tooManyRedirects(url: current.redacted, limit: limit) }
        let target = try current.resolving(location)
        if current.scheme == "https", target.scheme == "http", !target.isLoopback {
            throw .insecureRedirect(from: current.redacted, to: target.redacted)
        }
        return target
    }
}
