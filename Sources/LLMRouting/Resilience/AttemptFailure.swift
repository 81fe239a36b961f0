// SPDX-License-Identifier: MIT

/// How a call to a deployment failed, as far as routing cares.
public enum FailureKind: String, Hashable, Sendable, CaseIterable {
    /// 429: too many calls; the deployment itself is well.
    case rateLimited
    /// 500 and other sudden errors of the server.
    case serverError
    /// 502, 503, 504, 529: the deployment says that it is down or overloaded.
    case unavailable
    /// Refused, reset before the headers, not resolved, TLS failed.
    case connection
    case connectTimeout, firstTokenTimeout, idleTimeout
    /// An answer that is no valid JSON or event stream.
    case malformedAnswer
    /// 200 without content: an empty body or no choices.
    case emptyAnswer
    case htmlAnswer
    /// A stream whose first event is an error.
    case errorFirstStream
    /// A stream that ended before its end.
    case streamCut
    /// The output of a resuming attempt differs from what the client already has.
    case prefixMismatch
    case contextLength
    case contentPolicy
    /// 400, 422 and others that blame the request.
    case badRequest
    /// 401, 403: our key at the deployment is wrong.
    case authentication
    /// 402: our account at the provider is empty.
    case paymentRequired
    /// 404: the deployment does not know the model or the path.
    case notFound
    case contractViolation
    /// The client went away or the call was taken back.
    case cancelled
    case unknown
}

/// One failed call.
public struct AttemptFailure: Error, Hashable, Sendable {
    /// What it means for routing.
    public var kind: FailureKind
    /// The upstream's status, when it answered with one.
    public var status: Int?
    /// How long the deployment asked to be left alone.
    public var retryAfter: Duration?
    /// In the upstream's words, cut; empty when it said nothing.
    public var message: String
    /// Tokens that were used although the call failed.
    public var usage: TokenUsage?

    public init(
        _ kind: FailureKind, status: Int? = nil, retryAfter: Duration? = nil, message: String = "",
        usage: TokenUsage? = nil
    ) {
        self.kind = kind
        self.status = status
        self.retryAfter = retryAfter
        self.message = message
        self.usage = usage
    }

    /// The failure without anything that the upstream said: its kind, and its status if it answered with one.
    public var words: String { kind.rawValue + (status.map { ", status \($0)" } ?? "") }

    /// Sorts an upstream's status into a kind; nil for success. What the body says (`context_length_exceeded`, a
    /// content filter) is for the caller to look at first.
    public static func kind(ofStatus status: Int) -> FailureKind? {
        switch status {
        case 200..<300: nil
        case 401, 403: .authentication
        case 402: .paymentRequired
        case 404, 405: .notFound
        case 408: .unavailable
        case 429: .rateLimited
        case 400..<500: .badRequest
        case 502, 503, 504, 529: .unavailable
        case 500..<600: .serverError
        default: .malformedAnswer
        }
    }
}

/// The failure types of role configurations and trace files.
public enum FailureType: String, Hashable, Sendable, CaseIterable {
    case timeout = "TIMEOUT"
    case rateLimit = "RATE_LIMIT"
    case providerError = "PROVIDER_ERROR"
    case invalidResponse = "INVALID_RESPONSE"
    case contractViolation = "CONTRACT_VIOLATION"
    case cancelled = "CANCELLED"
    case unknown = "UNKNOWN"

    /// Whether the next provider of a chain is tried.
    public var shouldRetry: Bool {
        switch self {
        case .timeout, .rateLimit, .providerError, .invalidResponse, .unknown: true
        case .contractViolation, .cancelled: false
        }
    }
}

extension FailureKind {
    /// The failure in the terms of traces and roles.
    public var type: FailureType {
        switch self {
        case .connectTimeout, .firstTokenTimeout, .idleTimeout: .timeout
        case .rateLimited: .rateLimit
        case .serverError, .unavailable, .connection, .contextLength, .contentPolicy, .badRequest, .authentication,
            .paymentRequired, .notFound:
            .providerError
        case .malformedAnswer, .emptyAnswer, .htmlAnswer, .errorFirstStream, .streamCut, .prefixMismatch:
            .invalidResponse
        case .contractViolation: .contractViolation
        case .cancelled: .cancelled
        case .unknown: .unknown
        }
    }
}
