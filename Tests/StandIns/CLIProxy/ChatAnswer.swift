// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP

/// An answer that follows from its request alone: `stand-in: ` and the last thing the user said.
struct ChatAnswer {
    enum Dialect {
        case chat, text, messages, responses
    }

    let dialect: Dialect
    let model: String
    let request: JSONValue
    let created: Int64

    var response: StandInResponse {
        let isStream = request["stream"]?.boolValue ?? false
        switch dialect {
        case .chat: return isStream ? .events(chatChunks) : .json(chat)
        case .text: return .json(textCompletion)
        case .messages: return isStream ? .events(messageEvents) : .json(message)
        case .responses: return isStream ? .events(responseEvents) : .json(responseObject)
        }
    }

    // MARK: - Content

    private var prompt: String {
        if let text = request["prompt"]?.stringValue ?? request["input"]?.stringValue { return text }
        let turns = request["messages"]?.arrayValue ?? request["input"]?.arrayValue ?? []
        guard let last = turns.last(where: { $0["role"]?.stringValue == "user" }) else { return "" }
        if let text = last["content"]?.stringValue { return text }
        return (last["content"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: " ")
    }

    private var content: String { "stand-in: " + prompt }
    private var pieces: [String] {
        content.split(separator: " ", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset == 0 ? String($0.element) : " " + $0.element }
    }

    private var promptTokens: Int { prompt.split(separator: " ").count + 3 }
    private var answerTokens: Int { pieces.count }
    private var identifier: String { String(UInt64.random(in: 0...UInt64.max), radix: 36) }

    // MARK: - OpenAI chat completions

    private var usage: JSONValue {
        [
            "prompt_tokens": .integer(promptTokens), "completion_tokens": .integer(answerTokens),
            "total_tokens": .integer(promptTokens + answerTokens),
        ]
    }

    private var chat: JSONValue {
        [
            "id": .string("chatcmpl-" + identifier), "object": "chat.completion", "created": .integer(Int(created)),
            "model": .string(model),
            "choices": [
                [
                    "index": 0, "message": ["role": "assistant", "content": .string(content)],
                    "finish_reason": "stop", "native_finish_reason": "stop",
                ]
            ],
            "usage": usage,
        ]
    }

    private var chatChunks: [StandInResponse.Piece] {
        let id = "chatcmpl-" + identifier
        func chunk(_ delta: JSONValue, finish: JSONValue = .null, usage: JSONValue? = nil) -> JSONValue {
            var object: JSONObject = [
                "id": .string(id), "object": "chat.completion.chunk", "created": .integer(Int(created)),
                "model": .string(model), "choices": [["index": 0, "delta": delta, "finish_reason": finish]],
            ]
            object["usage"] = usage
            return .object(object)
        }
        let words = pieces.enumerated().map { index, word in
            chunk(index == 0 ? ["role": "assistant", "content": .string(word)] : ["content": .string(word)])
        }
        let all = words + [chunk([:], finish: "stop", usage: usage)]
        return all.map { StandInResponse.Piece("data: " + JSONWriter.text(of: $0) + "\n\n") } + ["data: [DONE]\n\n"]
    }

    private var textCompletion: JSONValue {
        [
            "id": .string("cmpl-" + identifier), "object": "text_completion", "created": .integer(Int(created)),
            "model": .string(model), "choices": [["index": 0, "text": .string(content), "finish_reason": "stop"]],
            "usage": usage,
        ]
    }

    // MARK: - Anthropic messages

    private var messageUsage: JSONValue {
        ["input_tokens": .integer(promptTokens), "output_tokens": .integer(answerTokens)]
    }

    private var message: JSONValue {
        [
            "id": .string("msg_" + identifier), "type": "message", "role": "assistant", "model": .string(model),
            "content": [["type": "text", "text": .string(content)]], "stop_reason": "end_turn", "stop_sequence": .null,
            "usage": messageUsage,
        ]
    }

    private var messageEvents: [StandInResponse.Piece] {
        var opening = message.objectValue ?? [:]
        opening["content"] = []
        opening["stop_reason"] = .null
        let words = pieces.map { word in
            Self.event(
                "content_block_delta", ["index": 0, "delta": ["type": "text_delta", "text": .string(word)]])
        }
        return [
            Self.event("message_start", ["message": .object(opening)]),
            Self.event("content_block_start", ["index": 0, "content_block": ["type": "text", "text": ""]]),
        ] + words + [
            Self.event("content_block_stop", ["index": 0]),
            Self.event(
                "message_delta", ["delta": ["stop_reason": "end_turn", "stop_sequence": .null], "usage": messageUsage]),
            Self.event("message_stop", [:]),
        ]
    }

    // MARK: - OpenAI responses

    private var responseObject: JSONValue {
        [
            "id": .string("resp_" + identifier), "object": "response", "created_at": .integer(Int(created)),
            "status": "completed", "model": .string(model),
            "output": [
                [
                    "id": .string("msg_" + identifier), "type": "message", "status": "completed", "role": "assistant",
                    "content": [["type": "output_text", "text": .string(content), "annotations": []]],
                ]
            ],
            "usage": [
                "input_tokens": .integer(promptTokens), "output_tokens": .integer(answerTokens),
                "total_tokens": .integer(promptTokens + answerTokens),
            ],
        ]
    }

    private var responseEvents: [StandInResponse.Piece] {
        let complete = responseObject
        var opening = complete.objectValue ?? [:]
        opening["status"] = "in_progress"
        opening["output"] = []
        opening["usage"] = .null
        let words = pieces.map { word in
            Self.event("response.output_text.delta", ["output_index": 0, "content_index": 0, "delta": .string(word)])
        }
        return [Self.event("response.created", ["response": .object(opening)])] + words + [
            Self.event("response.output_text.done", ["output_index": 0, "content_index": 0, "text": .string(content)]),
            Self.event("response.completed", ["response": complete]),
        ]
    }

    private static func event(_ name: String, _ members: JSONObject) -> StandInResponse.Piece {
        let object = JSONObject([(name: "type", value: JSONValue.string(name))] + members.members)
        return StandInResponse.Piece("event: \(name)\ndata: \(JSONWriter.text(of: .object(object)))\n\n")
    }
}
