// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP
internal import SystemIO

extension ProxyServer {
    func serveModelRequest(_ request: StandInRequest) async -> StandInResponse {
        if plan.release.refusesTemplateKeys, config.usesTemplateKeys {
            let body: JSONValue = ["error": "unsafe_example_api_key", "message": "replace the example api keys"]
            return .json(body, status: 403).adding("X-CPA-SAFE-MODE", "example-api-key")
        }
        if !config.apiKeys.isEmpty {
            let keys = Self.keys(of: request)
            if keys.isEmpty { return Self.failure("Missing API key", status: 401) }
            guard keys.contains(where: config.apiKeys.contains) else {
                return Self.failure("Invalid API key", status: 401)
            }
        }
        switch (request.method, request.path) {
        case ("GET", "/v1/models"): return models(for: request)
        case ("POST", "/v1/chat/completions"): return await complete(request, as: .chat)
        case ("POST", "/v1/completions"): return await complete(request, as: .text)
        case ("POST", "/v1/messages"): return await complete(request, as: .messages)
        case ("POST", "/v1/responses"): return await complete(request, as: .responses)
        default: return Self.notFound
        }
    }

    /// The key wherever a client may put it.
    private static func keys(of request: StandInRequest) -> [String] {
        var found = [
            request.header("X-Goog-Api-Key"), request.header("X-Api-Key"), request.parameter("key"),
            request.parameter("auth_token"),
        ]
        if let value = request.header("Authorization") {
            found.append(value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : value)
        }
        return found.compactMap { $0 }.filter { !$0.isEmpty }
    }

    private func models(for request: StandInRequest) -> StandInResponse {
        var seen = Set<String>()
        let entries =
            plan.models.map { (id: $0, owner: "stand-in") }
            + credentials.filter { !$0.isDisabled }.flatMap { file in file.models.map { (id: $0, owner: file.provider) }
            }
        let data = entries.filter { seen.insert($0.id).inserted }.map { entry in
            JSONValue.object([
                "id": .string(entry.id), "object": "model", "created": 1_700_000_000, "owned_by": .string(entry.owner),
            ])
        }
        let isClaude =
            request.header("User-Agent")?.hasPrefix("claude-cli") == true
            || (plan.release == .current && request.header("Anthropic-Version") != nil)
        guard isClaude else { return .json(["object": "list", "data": .array(data)]) }
        return .json([
            "data": .array(data), "has_more": false, "first_id": data.first?["id"] ?? .null,
            "last_id": data.last?["id"] ?? .null,
        ])
    }

    private func complete(_ request: StandInRequest, as dialect: ChatAnswer.Dialect) async -> StandInResponse {
        guard let body = request.json, let model = body["model"]?.stringValue else {
            return Self.modelError("invalid request body", type: "invalid_request_error", status: 400)
        }
        if let refusal = refusal(of: model) { return refusal }
        let answer = ChatAnswer(
            dialect: dialect, model: model, request: body, created: Timestamp.now().nanoseconds / 1_000_000_000)
        var response = answer.response
        switch plan.chat {
        case .none: break
        case .hang: return .hang
        case .disconnect: return .disconnect
        case .slow: response.delay = .seconds(2)
        case .cut:
            response.cutAfterBytes = 200
            response.ending = .reset
        case .serverError: return Self.modelError("internal error", type: "server_error", status: 500)
        case .overloaded: return Self.modelError("overloaded", type: "server_error", status: 503)
        case .rateLimited:
            return Self.modelError("rate limit reached", type: "rate_limit_error", status: 429).adding(
                "Retry-After", "2")
        }
        return response
    }

    /// Why `model` cannot be served; nil when it can.
    private func refusal(of model: String) -> StandInResponse? {
        if plan.models.contains(model) { return nil }
        let candidates = credentials.filter { !$0.isDisabled && $0.models.contains(model) }
        if candidates.isEmpty {
            return Self.modelError("unknown provider for model \(model)", type: "server_error", status: 502)
        }
        let usable = candidates.filter { $0.isUsable && conditions[$0.name]?.status != "error" }
        if usable.isEmpty {
            return Self.modelError("auth_unavailable: no auth available", type: "server_error", status: 500)
        }
        return nil
    }

    private static func modelError(_ message: String, type: String, status: Int) -> StandInResponse {
        let code = status == 429 ? "rate_limit_exceeded" : status == 400 ? "invalid_request" : "internal_server_error"
        return .json(
            ["error": ["message": .string(message), "type": .string(type), "code": .string(code)]], status: status)
    }
}
