// SPDX-License-Identifier: MIT

package import JSONSyntax
package import LLMRouting

/// What is wrong with a request of the routing service's shape, in that service's terms.
package struct RankedRequestError: Error, Equatable, Sendable {
    package let type: String
    package let location: [String]
    package let message: String
    /// The value that is wrong; the whole body where one is missing.
    package let input: JSONValue
    /// What would have been right, where there are few choices.
    package var expected: String?

    /// An element of the list in a 422.
    package var detail: JSONValue {
        var detail: JSONObject = [
            "type": .string(type), "loc": .array(location.map(JSONValue.string)), "msg": .string(message),
            "input": input,
        ]
        detail["ctx"] = expected.map { ["expected": .string($0)] }
        return .object(detail)
    }
}

/// `POST /chat/completions` with a `prompt`: any deployment may answer, ranked by cost, speed or quality.
package struct RankedRequest: Sendable {
    package let prompt: String
    package let route: RouteRequest
    /// The same as a chat request, for the deployments.
    package let chatBody: [UInt8]

    package init(_ body: [UInt8]) throws(RankedRequestError) {
        guard let root = (try? JSONParser.parse(body, valueLimit: PromptReader.valueLimit))?.objectValue else {
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
