// SPDX-License-Identifier: MIT

package import GatewayConfig
internal import JSONSyntax
package import LLMRouting
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
    /// A web page of another site asks a gateway that needs no key.
    case foreignSite
    case methodNotAllowed(allowed: [RequestMethod])
    case overloaded(retryAfter: Duration)
    /// Routing gave up.
    case failed(RequestFailure, model: String)
    case untranslatable(String)
    /// A request of the routing service's shape that it would refuse with 422.
    case rankedShape(RankedRequestError)
    case draining
}

extension GatewayError {
    package var status: Int {
        switch self {
        case .framing(let error): error.status
        case .requestTimeout: 408
        case .body, .missingModel, .missingBoundary, .untranslatable: 400
        case .missingKey, .wrongKey, .expiredKey: 401
        case .modelNotAllowed, .foreignSite: 403
        case .modelNotFound, .routeNotFound: 404
        case .methodNotAllowed: 405
        case .overloaded: 429
        case .failed(let failure, _): failure.status
        case .rankedShape: 422
        case .draining: 503
        }
    }

    /// OpenAI's `type`.
    private var type: String {
        switch self {
        case .framing, .requestTimeout, .body, .missingModel, .missingBoundary, .modelNotFound, .routeNotFound,
            .methodNotAllowed, .untranslatable, .rankedShape:
            "invalid_request_error"
        case .missingKey, .wrongKey, .expiredKey: "authentication_error"
        case .modelNotAllowed, .foreignSite: "permission_error"
        case .overloaded: "rate_limit_error"
        case .failed(let failure, _): failure.envelopeType
        case .draining: "service_unavailable_error"
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
        case .foreignSite: "foreign_site"
        case .methodNotAllowed: "method_not_allowed"
        case .overloaded: "overloaded"
        case .failed(let failure, _): failure.envelopeCode
        case .untranslatable: "untranslatable_request"
        case .rankedShape: "invalid_shape"
        case .draining: "shutting_down"
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
        case .foreignSite:
            "without a key the gateway answers programs of this machine only, not web pages; set `general_settings.master_key`"
        case .methodNotAllowed(let allowed):
            "this URL answers \(allowed.map { "\($0)".uppercased() }.joined(separator: ", ")) only"
        case .overloaded: "the gateway is at its limit of concurrent requests"
        case .failed(let failure, let model): Self.words(of: failure, model: model)
        case .untranslatable(let what): "the request cannot be translated for this deployment: \(what)"
        case .rankedShape: "the body has not the shape that this route wants"
        case .draining: "the gateway is shutting down"
        }
    }

    private static func words(of failure: RequestFailure, model: String) -> String {
        switch failure {
        case .modelNotFound: GatewayError.modelNotFound(model: model).words
        case .overBudget(let refusal):
            "the budget of \(refusal.scope.description) is too small for this request, which may cost \(refusal.asked): "
                + "\(refusal.left) of \(refusal.cap) dollars left"
                + (refusal.resetsAt.map { ", resets at \($0.iso8601)" } ?? "")
        case .keyRateLimited: "this API key has reached its limit of requests or tokens a minute"
        case .rateLimited: "Rate limit exceeded for \(model): every deployment is at its limit"
        case .unavailable: "no deployment of `\(model)` can be called now"
        case .deadlineExceeded: "the request's deadline has passed"
        case .cancelled: "the client closed the request"
        case .upstream(let failure, _): "the deployment failed: \(words(of: failure))"
        }
    }

    private static func words(of failure: AttemptFailure) -> String {
        let status = failure.status.map { " (status \($0))" } ?? ""
        return (failure.message.isEmpty ? "it answered with an error" : failure.message) + status
    }

    package var retryAfter: Duration? {
        switch self {
        case .overloaded(let time): time
        case .failed(let failure, _): failure.retryAfter ?? ([429, 503].contains(failure.status) ? .seconds(1) : nil)
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

    /// The error as an event of a stream that has begun.
    func streamEvent(dialect: Dialect) -> ByteBuffer {
        var event = ByteBuffer()
        if dialect == .anthropic { event.writeStaticString("event: error\n") }
        event.writeStaticString("data: ")
        event.writeBytes(JSONWriter.bytes(of: envelope(dialect)))
        event.writeStaticString("\n\n")
        return event
    }

    func envelope(_ dialect: Dialect) -> JSONValue {
        if case .rankedShape(let error) = self { return ["detail": [error.detail]] }
        return switch dialect {
        case .openAI:
            [
                "error": [
                    "message": .string(words), "type": .string(type), "param": JSONValue(parameter),
                    "code": .string(code),
                ]
            ]
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
