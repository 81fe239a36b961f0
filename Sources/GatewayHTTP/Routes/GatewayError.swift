// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore

/// Why the gateway itself refuses or fails a request. Cases carry data; the words are in one place below.
package enum GatewayError: Error, Equatable, Sendable {
    case framing(FramingError)
    case requestTimeout
    case body(RequestBodyError)
    case missingModel
    case missingBoundary
    case missingKey
    case wrongKey
    case expiredKey
    case modelNotAllowed(model: String)
    case modelNotFound(model: String)
    case routeNotFound
    case methodNotAllowed(allowed: [RequestMethod])
    case budgetExceeded(scope: String, left: String, resetsAfter: Duration?)
    case keyLimitReached(retryAfter: Duration?)
    case overloaded(retryAfter: Duration)
    /// Every deployment that could answer is open, cooling down or over its limits.
    case unavailable(model: String, retryAfter: Duration?, last: AttemptFailure?)
    case upstream(AttemptFailure)
    case deadlineExceeded(last: AttemptFailure?)
    case untranslatable(String)
    case draining
}

extension GatewayError {
    package var status: Int {
        switch self {
        case .framing(let error): error.status
        case .requestTimeout: 408
        case .body, .missingModel, .missingBoundary, .untranslatable: 400
        case .missingKey, .wrongKey, .expiredKey: 401
        case .modelNotAllowed: 403
        case .modelNotFound, .routeNotFound: 404
        case .methodNotAllowed: 405
        case .budgetExceeded: 402
        case .keyLimitReached, .overloaded: 429
        case .unavailable(_, _, let last):
            last?.kind == .rateLimited ? 429 : 503
        case .upstream(let failure): Self.status(of: failure)
        case .deadlineExceeded: 504
        case .draining: 503
        }
    }

    private static func status(of failure: AttemptFailure) -> Int {
        switch failure.kind {
        case .connectTimeout, .firstTokenTimeout, .idleTimeout: 504
        case .rateLimited: 429
        case .contextLength, .contentPolicy, .badRequest, .contractViolation: failure.status ?? 400
        case .cancelled: 499
        case .serverError, .unavailable, .connection, .malformedAnswer, .emptyAnswer, .htmlAnswer, .errorFirstStream,
            .streamCut, .prefixMismatch, .authentication, .paymentRequired, .notFound, .unknown:
            502
        }
    }

    /// OpenAI's `type`.
    private var type: String {
        switch self {
        case .framing, .requestTimeout, .body, .missingModel, .missingBoundary, .modelNotFound, .routeNotFound,
            .methodNotAllowed, .untranslatable:
            "invalid_request_error"
        case .missingKey, .wrongKey, .expiredKey: "authentication_error"
        case .modelNotAllowed: "permission_error"
        case .budgetExceeded: "insufficient_quota"
        case .keyLimitReached, .overloaded: "rate_limit_error"
        case .unavailable, .draining: "service_unavailable_error"
        case .upstream(let failure): failure.kind == .rateLimited ? "rate_limit_error" : "upstream_error"
        case .deadlineExceeded: "timeout_error"
        }
    }

    private var code: String {
        switch self {
        case .framing: "invalid_http"
        case .requestTimeout: "request_timeout"
        case .body: "invalid_body"
        case .missingModel: "missing_model"
        case .missingBoundary: "invalid_multipart"
        case .missingKey: "missing_api_key"
        case .wrongKey: "invalid_api_key"
        case .expiredKey: "expired_api_key"
        case .modelNotAllowed: "model_not_allowed"
        case .modelNotFound: "model_not_found"
        case .routeNotFound: "unknown_url"
        case .methodNotAllowed: "method_not_allowed"
        case .budgetExceeded: "budget_exceeded"
        case .keyLimitReached: "rate_limit_exceeded"
        case .overloaded: "overloaded"
        case .unavailable: "no_deployment_available"
        case .upstream(let failure): Self.code(of: failure.kind)
        case .deadlineExceeded: "deadline_exceeded"
        case .untranslatable: "untranslatable_request"
        case .draining: "shutting_down"
        }
    }

    /// The code of a failed attempt; also the bounded label of metrics and logs.
    static func code(of kind: FailureKind) -> String {
        switch kind {
        case .rateLimited: "upstream_rate_limited"
        case .serverError: "upstream_error"
        case .unavailable: "upstream_unavailable"
        case .connection: "upstream_connection_failed"
        case .connectTimeout: "upstream_connect_timeout"
        case .firstTokenTimeout: "upstream_first_token_timeout"
        case .idleTimeout: "upstream_idle_timeout"
        case .malformedAnswer: "upstream_malformed_answer"
        case .emptyAnswer: "upstream_empty_answer"
        case .htmlAnswer: "upstream_html_answer"
        case .errorFirstStream: "upstream_stream_error"
        case .streamCut: "upstream_stream_cut"
        case .prefixMismatch: "upstream_stream_not_resumable"
        case .contextLength: "context_length_exceeded"
        case .contentPolicy: "content_policy_violation"
        case .badRequest: "upstream_bad_request"
        case .authentication: "upstream_authentication_failed"
        case .paymentRequired: "upstream_payment_required"
        case .notFound: "upstream_not_found"
        case .contractViolation: "contract_violation"
        case .cancelled: "cancelled"
        case .unknown: "upstream_failed"
        }
    }

    /// A label for logs and metrics; one of a fixed set.
    package var label: String { code }

    private var words: String {
        switch self {
        case .framing(let error): error.words
        case .requestTimeout: "the request did not arrive in time"
        case .body(let error): error.words
        case .missingModel: "the body names no model"
        case .missingBoundary: "the multipart body has no valid boundary"
        case .missingKey: "an API key is needed: send it as `Authorization: Bearer …` or `x-api-key`"
        case .wrongKey: "the API key is not known here"
        case .expiredKey: "the API key has expired"
        case .modelNotAllowed(let model): "this API key may not use the model `\(model)`"
        case .modelNotFound(let model): "the model `\(model)` does not exist; `GET /v1/models` lists those that do"
        case .routeNotFound: "there is nothing at this URL"
        case .methodNotAllowed(let allowed):
            "this URL answers \(allowed.map { "\($0)".uppercased() }.joined(separator: ", ")) only"
        case .budgetExceeded(let scope, let left, let resetsAfter):
            "the budget of this \(scope) is used up: \(left) left" + (resetsAfter.map { ", resets in \($0.components.seconds) s" } ?? "")
        case .keyLimitReached: "this API key has reached its limit of requests or tokens a minute"
        case .overloaded: "the gateway is at its limit of concurrent requests"
        case .unavailable(let model, _, let last):
            "no deployment of `\(model)` can be called now" + (last.map { "; the last failure was: \(Self.words(of: $0))" } ?? "")
        case .upstream(let failure): "the deployment failed: \(Self.words(of: failure))"
        case .deadlineExceeded(let last):
            "the request's deadline has passed" + (last.map { "; the last failure was: \(Self.words(of: $0))" } ?? "")
        case .untranslatable(let what): "the request cannot be translated for this deployment: \(what)"
        case .draining: "the gateway is shutting down"
        }
    }

    static func words(of failure: AttemptFailure) -> String {
        let status = failure.status.map { " (status \($0))" } ?? ""
        return failure.message.isEmpty ? code(of: failure.kind) + status : failure.message + status
    }

    package var retryAfter: Duration? {
        switch self {
        case .keyLimitReached(let time): time ?? .seconds(1)
        case .overloaded(let time): time
        case .unavailable(_, let time, _): time ?? .seconds(1)
        case .budgetExceeded(_, _, let time): time
        case .upstream(let failure): failure.retryAfter
        default: nil
        }
    }

    /// The answer in the shape that the client's SDK reads.
    func answer(dialect: Dialect, requestID: String?) -> Answer {
        var answer = Answer(status: status, body: ByteBuffer(bytes: JSONWriter.bytes(of: envelope(dialect))))
        if let requestID { answer.headers.append(("x-request-id", requestID)) }
        if let retryAfter {
            answer.headers.append(("retry-after", String(max(1, retryAfter.roundedUpSeconds))))
        }
        if case .methodNotAllowed(let allowed) = self {
            answer.headers.append(("allow", allowed.map { "\($0)".uppercased() }.joined(separator: ", ")))
        }
        if status == 401 { answer.headers.append(("www-authenticate", "Bearer")) }
        return answer
    }

    func envelope(_ dialect: Dialect) -> JSONValue {
        switch dialect {
        case .openAI:
            ["error": ["message": .string(words), "type": .string(type), "param": JSONValue(parameter), "code": .string(code)]]
        case .anthropic:
            ["type": "error", "error": ["type": .string(anthropicType), "message": .string(words)]]
        }
    }

    private var parameter: String? {
        switch self {
        case .missingModel, .modelNotFound, .modelNotAllowed: "model"
        case .body(.wrongType(let member, _)), .body(.repeatedMember(let member)): member
        default: nil
        }
    }

    private var anthropicType: String {
        switch status {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503, 529: "overloaded_error"
        case 400..<500: "invalid_request_error"
        default: "api_error"
        }
    }
}

extension RequestBodyError {
    var words: String {
        switch self {
        case .notJSON(let offset): "the body is not valid JSON: unexpected text at byte \(offset)"
        case .notAnObject: "the body must be a JSON object"
        case .tooDeep(let limit): "the body is nested deeper than \(limit) levels"
        case .repeatedMember(let name): "`\(name)` stands in the body more than once"
        case .wrongType(let member, let expected): "`\(member)` must be \(expected)"
        }
    }
}

extension Duration {
    /// Whole seconds, rounded up.
    var roundedUpSeconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds + (attoseconds > 0 ? 1 : 0)
    }
}
