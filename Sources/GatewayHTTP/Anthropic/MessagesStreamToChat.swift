// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// Turns Anthropic's events into the chunks of an OpenAI stream.
struct MessagesStreamToChat: StreamTranslator {
    private let fallbackModel: String
    private let includesUsage: Bool
    private let created = Int(MomentOfDay.secondsSince1970())
    private var id: JSONValue = "chatcmpl-unknown"
    private var model: JSONValue?
    private var hasStarted = false
    private var hasEnded = false
    private var toolCount = 0
    private var inputUsage: JSONObject = [:]

    init(model: String, includesUsage: Bool) {
        fallbackModel = model
        self.includesUsage = includesUsage
    }

    mutating func translate(_ data: UnsafeRawBufferPointer) -> [UInt8] {
        guard let event = try? JSONParser.parse(Array(data)) else { return [] }
        switch event["type"]?.stringValue {
        case "message_start":
            hasStarted = true
            id = event["message"]?["id"] ?? id
            model = event["message"]?["model"]
            note(event["message"]?["usage"])
            return chunk(["role": "assistant", "content": ""])
        case "content_block_start":
            guard let block = event["content_block"], block["type"] == "tool_use" else { return [] }
            toolCount += 1
            return chunk([
                "tool_calls": [
                    [
                        "index": .integer(toolCount - 1), "id": block["id"] ?? .null, "type": "function",
                        "function": ["name": block["name"] ?? .null, "arguments": ""],
                    ]
                ]
            ])
        case "content_block_delta": return delta(event["delta"])
        case "message_delta":
            note(event["usage"])
            guard let reason = event["delta"]?["stop_reason"]?.stringValue else { return [] }
            return chunk([:], reason: StopReason.openAI(reason))
        default: return []
        }
    }

    mutating func end() -> [UInt8] {
        guard hasStarted, !hasEnded else { return [] }
        hasEnded = true
        var bytes: [UInt8] = []
        if includesUsage {
            bytes += write(["choices": [], "usage": UsageTranslation.openAI(.object(inputUsage))])
        }
        return bytes + Array("data: [DONE]\n\n".utf8)
    }

    private func delta(_ delta: JSONValue?) -> [UInt8] {
        switch delta?["type"]?.stringValue {
        case "text_delta": return chunk(["content": delta?["text"] ?? ""])
        case "thinking_delta": return chunk(["reasoning_content": delta?["thinking"] ?? ""])
        case "input_json_delta":
            return chunk([
                "tool_calls": [
                    ["index": .integer(max(0, toolCount - 1)), "function": ["arguments": delta?["partial_json"] ?? ""]]
                ]
            ])
        default: return []
        }
    }

    private mutating func note(_ usage: JSONValue?) {
        for (name, value) in usage?.objectValue?.members ?? [] where value != .null { inputUsage[name] = value }
    }

    private func chunk(_ delta: JSONValue, reason: String? = nil) -> [UInt8] {
        write(["choices": [["index": 0, "delta": delta, "finish_reason": JSONValue(reason)]]])
    }

    private func write(_ members: JSONObject) -> [UInt8] {
        var root: JSONObject = [
            "id": id, "object": "chat.completion.chunk", "created": .integer(created),
            "model": model ?? .string(fallbackModel),
        ]
        for (name, value) in members.members { root[name] = value }
        return Array("data: ".utf8) + JSONWriter.bytes(of: .object(root)) + Array("\n\n".utf8)
    }
}
