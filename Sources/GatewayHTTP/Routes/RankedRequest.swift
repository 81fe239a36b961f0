// SPDX-License-Identifier: MIT

package import JSONSyntax
internal import LLMRouting
internal import NIOCore
internal import SystemIO

/// What is wrong with a request of the routing service's shape, in that service's terms.
package struct RankedRequestError: Error, Equatable, Sendable {
    package let type: String
    package let location: [String]
    package let message: String
    /// The value that is wrong; the whole body where one is missing.
    package let input: JSONValue
    /// What would have been right, where there are few choices.
    package var expected: String?

    var detail: JSONValue {
        var detail: JSONObject = [
            "type": .string(type), "loc": .array(location.map(JSONValue.string)), "msg": .string(message),
            "input": input,
        ]
        detail["ctx"] = expected.map { ["expected": .string($0)] }
        return .object(detail)
    }
}

/// `POST /chat/completions` with a `prompt`: any deployment may answer, ranked by cost, speed or quality.
struct RankedRequest {
    let prompt: String
    let route: RouteRequest
    /// The same as a chat request, for the deployments.
    let chatBody: [UInt8]

    init(_ body: [UInt8]) throws(RankedRequestError) {
        guard let root = (try? JSONParser.parse(body))?.objectValue else {
            throw RankedRequestError(type: "json_invalid", location: ["body"], message: "JSON decode error", input: [:])
        }
        guard let prompt = root["prompt"] else {
            throw RankedRequestError(
                type: "missing", location: ["body", "prompt"], message: "Field required", input: .object(root))
        }
        guard let text = prompt.stringValue else {
            throw RankedRequestError(
                type: "string_type", location: ["body", "prompt"], message: "Input should be a valid string",
                input: prompt)
        }
        self.prompt = text
        var route = RouteRequest(model: "", prompt: Prompt(text))
        route.estimatedInputTokens = Ranking.estimatedTokens(text)
        if let user = root["user_id"], user != .null {
            guard let name = user.stringValue else {
                throw RankedRequestError(
                    type: "string_type", location: ["body", "user_id"], message: "Input should be a valid string",
                    input: user)
            }
            route.user = name
        }
        route.priority = .cost
        if let preferences = root["preferences"] { try Self.apply(preferences, to: &route) }
        self.route = route
        chatBody = JSONWriter.bytes(of: ["model": "", "messages": [["role": "user", "content": .string(text)]]])
    }

    private static func apply(_ preferences: JSONValue, to route: inout RouteRequest) throws(RankedRequestError) {
        let place = ["body", "preferences"]
        guard preferences.objectValue != nil else {
            throw RankedRequestError(
                type: "model_attributes_type", location: place, message: "Input should be a valid dictionary",
                input: preferences)
        }
        if let value = preferences["priority"] {
            guard let priority = value.stringValue.flatMap(RankingPriority.init(rawValue:)) else {
                throw RankedRequestError(
                    type: "enum", location: place + ["priority"],
                    message: "Input should be 'cost', 'speed' or 'quality'", input: value,
                    expected: "'cost', 'speed' or 'quality'")
            }
            route.priority = priority
        }
        if let value = preferences["max_cost_per_request"], value != .null {
            guard let number = value.doubleValue, let money = try? Money(nearest: "\(number)") else {
                throw RankedRequestError(
                    type: "float_type", location: place + ["max_cost_per_request"],
                    message: "Input should be a valid number", input: value)
            }
            route.maximumCost = money
        }
        if let value = preferences["timeout_ms"] {
            guard let number = value.integerValue else {
                throw RankedRequestError(
                    type: "int_type", location: place + ["timeout_ms"], message: "Input should be a valid integer",
                    input: value)
            }
            if number > 0 { route.timeout = .milliseconds(number) }
        }
    }
}

/// Answers in the routing service's shape.
enum RankedAnswer {
    static func success(_ exchange: Exchange, _ attempt: RunningAttempt) -> Answer {
        let record = exchange.run.attempts[attempt.number]
        let body =
            (try? JSONParser.parse(Array(attempt.answerBody(translatingFor: exchange).readableBytesView))) ?? .null
        let content = body["choices"]?.arrayValue?.first?["message"]?["content"] ?? ""
        let latency = Int((record.elapsed ?? .zero).wholeMilliseconds)
        var answer = Answer.json([
            "provider_used": .string(record.attempt.deployment.id), "content": content, "latency_ms": .integer(latency),
            "cost": .double(record.cost.approximateDollars),
        ])
        answer.headers.append(("x-request-id", exchange.requestID))
        return answer
    }

    static func failure(_ failure: RequestFailure, requestID: String) -> Answer {
        var answer: Answer =
            switch failure {
            case .overBudget: .json(["detail": "Budget exceeded"], status: 402)
            case .keyRateLimited: .json(["detail": "Rate limit exceeded"], status: 429)
            case .modelNotFound, .rateLimited, .unavailable, .deadlineExceeded, .upstream, .cancelled:
                .json(["detail": "All providers unavailable"], status: 503)
            }
        answer.headers.append(("x-request-id", requestID))
        return answer
    }
}
