// SPDX-License-Identifier: MIT

/// Decides whether a failed attempt is worth another one, and when.
package struct RetryPolicy: Sendable {
    package enum Decision: Equatable, Sendable {
        case retry(after: Duration)
        case giveUp
    }

    /// A wrong name or port does not get right by patience, and the operator waits.
    private static let attemptsToConnect = 3

    /// Attempts in a row that bring no byte.
    package var attempts: Int
    package var firstDelay: Duration
    package var longestDelay: Duration
    /// A server that wants us to wait longer than this is told to the operator instead.
    package var longestRetryAfter: Duration

    package init(
        attempts: Int = 5, firstDelay: Duration = .milliseconds(500), longestDelay: Duration = .seconds(15),
        longestRetryAfter: Duration = .seconds(60)
    ) {
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.longestRetryAfter = longestRetryAfter
    }

    /// - Parameters:
    ///   - failures: how many attempts in a row have failed, this one included.
    ///   - random: 0..<1; spreads the delay over its upper half, so that many clients do not come back together.
    package func decision(after error: TransferError, failures: Int, random: Double) -> Decision {
        let limit = error.isUnreachable ? min(attempts, Self.attemptsToConnect) : attempts
        guard failures < limit, error.isTransient else { return .giveUp }
        if let asked = error.retryAfter {
            return asked <= longestRetryAfter ? .retry(after: asked) : .giveUp
        }
        // 2^20 half-seconds are far beyond any cap, so the shift needs no more range.
        let full = min(longestDelay, firstDelay * (1 << min(failures - 1, 20)))
        return .retry(after: full * (0.5 + random / 2))
    }
}

extension TransferError {
    /// Whether the same request may work in a moment.
    package var isTransient: Bool {
        switch self {
        case .noConnection(_, let kind, _):
            switch kind {
            case .refused, .timeout, .reset, .failed, .dns: true
            case .proxy, .tls: false
            }
        case .stalled, .truncated: true
        case .status(_, let code, _): code == 408 || code == 425 || (code >= 500 && code != 501)
        case .rateLimited(_, _, let resets): resets != nil
        case .invalidURL, .unsupportedScheme, .notFound, .tooManyRedirects, .insecureRedirect, .badRedirect, .tooLarge,
            .notJSON, .changed, .wrongRange, .gaveUp, .system:
            false
        }
    }

    /// The error to report: with the number of attempts where repeating it was tried.
    func afterGivingUp(attempts: Int) -> TransferError {
        attempts > 1 && isTransient ? .gaveUp(attempts: attempts, last: self) : self
    }

    /// Whether nobody was there to talk to.
    fileprivate var isUnreachable: Bool {
        if case .noConnection(_, let kind, _) = self { kind == .dns || kind == .refused } else { false }
    }

    /// How long the server asked us to wait.
    package var retryAfter: Duration? {
        switch self {
        case .status(_, _, let delay): delay
        case .rateLimited(_, _, let resets): resets
        case .noConnection, .stalled, .truncated, .invalidURL, .unsupportedScheme, .notFound, .tooManyRedirects,
            .insecureRedirect, .badRedirect, .tooLarge, .notJSON, .changed, .wrongRange, .gaveUp, .system:
            nil
        }
    }
}
