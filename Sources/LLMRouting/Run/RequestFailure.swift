// SPDX-License-Identifier: MIT

/// Why a request gets no answer.
public enum RequestFailure: Error, Hashable, Sendable {
    case modelNotFound(String)
    case overBudget(BudgetRefusal)
    case keyRateLimited(retryAfter: Duration?)
    /// Every deployment that could answer is at its limit or asked for rest.
    case rateLimited(retryAfter: Duration?)
    /// Nobody may be called: down, circuit open, filtered out.
    case unavailable(retryAfter: Duration?)
    case deadlineExceeded
    /// The calls failed; the failure is the one that tells the client most, from the attempt whose answer may be passed
    /// on.
    case upstream(AttemptFailure, attempt: Int)
    case cancelled

    /// The HTTP status for the client.
    public var status: Int {
        switch self {
        case .modelNotFound: 404
        case .overBudget: 402
        case .keyRateLimited, .rateLimited: 429
        case .unavailable: 503
        case .deadlineExceeded: 504
        case .cancelled: 499
        case .upstream(let failure, _): failure.clientStatus
        }
    }

    /// For the `Retry-After` header.
    public var retryAfter: Duration? {
        switch self {
        case .keyRateLimited(let after), .rateLimited(let after), .unavailable(let after): after
        case .upstream(let failure, _): failure.retryAfter
        case .modelNotFound, .overBudget, .deadlineExceeded, .cancelled: nil
        }
    }

    /// The `type` of OpenAI's error envelope.
    public var envelopeType: String {
        switch self {
        case .modelNotFound: "invalid_request_error"
        case .overBudget: "insufficient_quota"
        case .keyRateLimited, .rateLimited: "rate_limit_error"
        case .unavailable: "service_unavailable_error"
        case .deadlineExceeded: "timeout_error"
        case .cancelled: "request_cancelled"
        case .upstream(let failure, _): failure.envelopeType
        }
    }

    /// The `code` of OpenAI's error envelope.
    public var envelopeCode: String {
        switch self {
        case .modelNotFound: "model_not_found"
        case .overBudget: "budget_exceeded"
        case .keyRateLimited, .rateLimited: "rate_limit_exceeded"
        case .unavailable: "no_deployment_available"
        case .deadlineExceeded: "deadline_exceeded"
        case .cancelled: "client_closed_request"
        case .upstream(let failure, _): failure.envelopeCode
        }
    }
}

extension AttemptFailure {
    var clientStatus: Int {
        if let status, status >= 400 { return status }
        switch kind {
        case .rateLimited: return 429
        case .connectTimeout, .firstTokenTimeout, .idleTimeout: return 504
        case .contextLength, .contentPolicy, .badRequest: return 400
        case .cancelled: return 499
        case .serverError, .unavailable, .connection, .malformedAnswer, .emptyAnswer, .htmlAnswer, .errorFirstStream,
            .streamCut, .prefixMismatch, .authentication, .paymentRequired, .notFound, .contractViolation, .unknown:
            return 502
        }
    }

    var envelopeType: String {
        switch kind {
        case .rateLimited: "rate_limit_error"
        case .connectTimeout, .firstTokenTimeout, .idleTimeout: "timeout_error"
        case .contextLength, .contentPolicy, .badRequest, .notFound: "invalid_request_error"
        case .authentication: "authentication_error"
        case .paymentRequired: "insufficient_quota"
        case .cancelled: "request_cancelled"
        case .serverError, .unavailable, .connection, .malformedAnswer, .emptyAnswer, .htmlAnswer, .errorFirstStream,
            .streamCut, .prefixMismatch, .contractViolation, .unknown:
            "upstream_error"
        }
    }

    var envelopeCode: String {
        switch kind {
        case .rateLimited: "rate_limit_exceeded"
        case .serverError, .unavailable: "upstream_error"
        case .connection: "upstream_unreachable"
        case .connectTimeout, .firstTokenTimeout, .idleTimeout: "upstream_timeout"
        case .malformedAnswer, .htmlAnswer, .errorFirstStream: "upstream_invalid_answer"
        case .emptyAnswer: "upstream_empty_answer"
        case .streamCut, .prefixMismatch: "stream_interrupted"
        case .contextLength: "context_length_exceeded"
        case .contentPolicy: "content_policy_violation"
        case .badRequest: "bad_request"
        case .authentication: "upstream_authentication"
        case .paymentRequired: "upstream_payment_required"
        case .notFound: "upstream_not_found"
        case .contractViolation: "contract_violation"
        case .cancelled: "client_closed_request"
        case .unknown: "unknown_error"
        }
    }
}
