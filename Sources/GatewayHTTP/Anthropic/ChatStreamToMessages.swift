// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// Turns the chunks of an OpenAI stream into Anthropic's events: a message that starts, blocks that open and close, a stop.
struct ChatStreamToMessages: StreamTranslator {
    private enum Block: Equatable {
        case text
        /// The index of the call in OpenAI's chunks.
        case tool(Int)
    }

    private let model: String
    private var hasStarted = false
    private var hasEnded = false
    private var open: Block?
    private var blockIndex = -1
    private var stopReason: String?
    private var usage: JSONValue?

    init(model: String) {
        self.model = model
    }

    mutating func translate(_ data: UnsafeRawBufferPointer) -> [UInt8] {
        guard let chunk = try? JSONParser.parse(Array(data)) else { return [] }
        var events: [UInt8] = []
        if !hasStarted { events += start(chunk) }
        if let counts = chunk["usage"], counts != .null { usage = counts }
        guard let choice = chunk["choices"]?.arrayValue?.first else { return events }
        let delta = choice["delta"]
        if let text = delta?["content"]?.stringValue, !text.isEmpty {
            events += enter(.text, ["type": "text", "text": ""])
            events += self.delta(["type": "text_delta", "text": .string(text)])
        }
        for call in delta?["tool_calls"]?.arrayValue ?? [] { events += tool(call) }
        if let reason = choice["finish_reason"]?.stringValue { stopReason = reason }
        return events
    }

    mutating func end() -> [UInt8] {
        guard hasStarted, !hasEnded else { return [] }
        hasEnded = true
        let delta: JSONValue = ["stop_reason": .string(StopReason.anthropic(stopReason)), "stop_sequence": nil]
        return close()
            + event("message_delta", ["delta": delta, "usage": UsageTranslation.anthropic(usage)])
            + event("message_stop", [:])
    }

    private mutating func start(_ chunk: JSONValue) -> [UInt8] {
        hasStarted = true
        let message: JSONValue = [
            "id": chunk["id"] ?? "msg_unknown", "type": "message", "role": "assistant", "model": .string(model),
            "content": [],
            "stop_reason": nil, "stop_sequence": nil, "usage": UsageTranslation.anthropic(chunk["usage"]),
        ]
        return event("message_start", ["message": message]) + event("ping", [:])
    }

    private mutating func tool(_ call: JSONValue) -> [UInt8] {
        let index = call["index"]?.integerValue ?? 0
        var events: [UInt8] = []
        if open != .tool(index) {
            events += enter(
                .tool(index),
                [
                    "type": "tool_use", "id": call["id"] ?? "toolu_unknown", "name": call["function"]?["name"] ?? .null,
                    "input": [:],
                ])
        }
        if let part = call["function"]?["arguments"]?.stringValue, !part.isEmpty {
            events += delta(["type": "input_json_delta", "partial_json": .string(part)])
        }
        return events
    }

    private mutating func enter(_ block: Block, _ content: JSONValue) -> [UInt8] {
        guard open != block else { return [] }
        let closing = close()
        open = block
        blockIndex += 1
        return closing + event("content_block_start", ["index": .integer(blockIndex), "content_block": content])
    }

    private mutating func close() -> [UInt8] {
        guard open != nil else { return [] }
        open = nil
        return event("content_block_stop", ["index": .integer(blockIndex)])
    }

    private func delta(_ delta: JSONValue) -> [UInt8] {
        event("content_block_delta", ["index": .integer(blockIndex), "delta": delta])
    }

    private func event(_ type: String, _ members: JSONObject) -> [UInt8] {
        var root: JSONObject = ["type": .string(type)]
        for (name, value) in members.members { root[name] = value }
        return Array("event: \(type)\ndata: ".utf8) + JSONWriter.bytes(of: .object(root)) + Array("\n\n".utf8)
    }
}
