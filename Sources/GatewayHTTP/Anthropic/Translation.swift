// SPDX-License-Identifier: MIT

package import GatewayConfig
package import JSONSyntax
internal import NIOCore

/// Why a request has no form in the other dialect.
package enum TranslationError: Error, Equatable {
    case notServed(String)
    case unreadable
    case unsupported(String)

    var words: String {
        switch self {
        case .notServed(let path): "this deployment does not serve `\(path)`"
        case .unreadable: "the body cannot be read"
        case .unsupported(let what): "\(what) has no counterpart at this deployment"
        }
    }
}

/// Between a client of one dialect and a deployment of the other.
package struct Translation {
    private enum Direction {
        case toOpenAI, toAnthropic
    }

    private let client: Surface
    private let direction: Direction

    /// Nil when both speak the same.
    package init?(client: Surface, target: Dialect) {
        guard client.dialect != target else { return nil }
        self.client = client
        direction = target == .openAI ? .toOpenAI : .toAnthropic
    }

    /// The route that is called at the deployment.
    var upstreamSurface: Surface {
        switch client {
        case .messages: .chatCompletions
        case .chatCompletions: .messages
        default: client
        }
    }

    /// OpenAI has no route that counts tokens: a quarter of the bytes is the answer there.
    var countsLocally: Bool { client == .countTokens }

    func request(_ body: ByteBuffer, model: String) throws(TranslationError) -> ByteBuffer {
        guard client == .messages || client == .chatCompletions else { throw .notServed("\(client.path)") }
        guard
            let root = (try? JSONParser.parse(Array(body.readableBytesView), valueLimit: PromptReader.valueLimit))?
                .objectValue
        else { throw .unreadable }
        return ByteBuffer(bytes: JSONWriter.bytes(of: .object(try request(root, model: model))))
    }

    package func request(_ root: JSONObject, model: String) throws(TranslationError) -> JSONObject {
        switch direction {
        case .toOpenAI: try MessagesToChat.request(root, model: model)
        case .toAnthropic: try ChatToMessages.request(root, model: model)
        }
    }

    func streamTranslator(model: String, includesUsage: Bool) -> any StreamTranslator {
        switch direction {
        case .toOpenAI: ChatStreamToMessages(model: model)
        case .toAnthropic: MessagesStreamToChat(model: model, includesUsage: includesUsage)
        }
    }

    func answer(_ body: ByteBuffer, model: String) -> ByteBuffer {
        guard
            let root = (try? JSONParser.parse(Array(body.readableBytesView), valueLimit: PromptReader.valueLimit))?
                .objectValue
        else { return body }
        return ByteBuffer(bytes: JSONWriter.bytes(of: answer(root, model: model)))
    }

    package func answer(_ root: JSONObject, model: String) -> JSONValue {
        switch direction {
        case .toOpenAI: MessagesToChat.answer(root, model: model)
        case .toAnthropic: ChatToMessages.answer(root, model: model)
        }
    }
}

/// The reasons for which answers end, in both dialects.
enum StopReason {
    static func anthropic(_ openAI: String?) -> String {
        switch openAI {
        case "length": "max_tokens"
        case "tool_calls", "function_call": "tool_use"
        case "content_filter": "refusal"
        default: "end_turn"
        }
    }

    static func openAI(_ anthropic: String?) -> String {
        switch anthropic {
        case "max_tokens", "model_context_window_exceeded": "length"
        case "tool_use": "tool_calls"
        case "refusal": "content_filter"
        default: "stop"
        }
    }
}

/// Token counts in both dialects. Anthropic counts cached input beside the rest, OpenAI within it.
enum UsageTranslation {
    static func anthropic(_ usage: JSONValue?) -> JSONValue {
        let cached = TokenCount.of(usage?["prompt_tokens_details"]?["cached_tokens"]) ?? 0
        let input = TokenCount.of(usage?["prompt_tokens"]) ?? 0
        return [
            "input_tokens": .integer(max(0, input - cached)),
            "output_tokens": .integer(TokenCount.of(usage?["completion_tokens"]) ?? 0),
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": .integer(cached),
        ]
    }

    static func openAI(_ usage: JSONValue?) -> JSONValue {
        let cached = TokenCount.of(usage?["cache_read_input_tokens"]) ?? 0
        let created = TokenCount.of(usage?["cache_creation_input_tokens"]) ?? 0
        let input = (TokenCount.of(usage?["input_tokens"]) ?? 0) + cached + created
        let output = TokenCount.of(usage?["output_tokens"]) ?? 0
        return [
            "prompt_tokens": .integer(input), "completion_tokens": .integer(output),
            "total_tokens": .integer(input + output),
            "prompt_tokens_details": ["cached_tokens": .integer(cached)],
        ]
    }
}
