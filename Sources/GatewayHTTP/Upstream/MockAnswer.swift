// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// The texts of the mock provider, in the shapes of the routes that it serves.
struct MockAnswer {
    private let request: MockRequest
    private let text: String
    private let identifier: String
    private let created = JSONValue.integer(Int(MomentOfDay.secondsSince1970()))

    init(_ request: MockRequest) {
        self.request = request
        identifier = "mock-" + request.requestID
        if request.name == "provider" {
            let prompt = request.prompt.unicodeScalars.prefix(50)
            text =
                "Mock response from \(request.options["name"] ?? "mock"): \(String(String.UnicodeScalarView(prompt)))..."
        } else if let text = request.options["text"] {
            self.text = text
        } else if request.prompt.isEmpty {
            text = "Hello from the mock provider."
        } else {
            text = "You said: " + request.prompt
        }
    }

    private var pieces: [String] {
        let wanted = request.count("chunks", default: 0)
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let spaced = words.enumerated().map { $0.offset == 0 ? $0.element : " " + $0.element }
        guard wanted > 0 else { return spaced }
        return (0..<wanted).map { spaced[$0 % spaced.count] }
    }

    private var inputTokens: Int {
        // What the original router's providers count.
        if request.name == "provider" { return (request.prompt.unicodeScalars.count + 3) / 4 }
        return max(1, (request.prompt.utf8.count + 3) / 4)
    }

    private var usage: JSONValue {
        let output = max(1, (text.utf8.count + 3) / 4)
        return [
            "prompt_tokens": .integer(inputTokens), "completion_tokens": .integer(output),
            "total_tokens": .integer(inputTokens + output),
        ]
    }

    /// The first tool that the request offers, where the script calls one.
    private var tool: String? {
        guard request.name == "tool" else { return nil }
        return request.body["tools"]?.arrayValue?.first?["function"]?["name"]?.stringValue
    }

    private func frame(_ object: String, _ members: JSONObject) -> JSONValue {
        var root: JSONObject = [
            "id": .string(identifier), "object": .string(object), "created": created,
            "model": .string(request.model),
        ]
        for (name, value) in members.members { root[name] = value }
        return .object(root)
    }

    // MARK: Whole answers

    func whole() -> [UInt8] {
        let value: JSONValue =
            switch request.surface {
            case .chatCompletions, .messages, .countTokens: chat
            case .completions:
                frame(
                    "text_completion",
                    [
                        "choices": [["index": 0, "text": .string(text), "finish_reason": "stop", "logprobs": nil]],
                        "usage": usage,
                    ])
            case .embeddings: embeddings
            case .responses: response(status: "completed")
            case .moderations:
                [
                    "id": .string(identifier), "model": .string(request.model),
                    "results": [["flagged": false, "categories": [:], "category_scores": [:]]],
                ]
            case .rerank: rerank
            case .transcriptions, .translations: ["text": .string(text)]
            case .imageGenerations, .imageEdits, .imageVariations:
                ["created": created, "data": [["b64_json": "iVBORw0KGgo="]]]
            case .speech: ["audio": "mock"]
            }
        return JSONWriter.bytes(of: value)
    }

    private var chat: JSONValue {
        var message: JSONObject = ["role": "assistant", "content": .string(text)]
        var reason = "stop"
        if let tool {
            message["content"] = .null
            message["tool_calls"] = [toolCall(tool)]
            reason = "tool_calls"
        }
        return frame(
            "chat.completion",
            [
                "choices": [
                    ["index": 0, "message": .object(message), "finish_reason": .string(reason), "logprobs": nil]
                ], "usage": usage,
            ])
    }

    private func toolCall(_ name: String) -> JSONValue {
        [
            "id": "call_mock_1", "type": "function",
            "function": ["name": .string(name), "arguments": .string(request.options["arguments"] ?? "{}")],
        ]
    }

    private var embeddings: JSONValue {
        let inputs = request.body["input"]?.arrayValue?.count ?? 1
        let dimensions = request.body["dimensions"]?.integerValue ?? request.count("dimensions", default: 8)
        let vector = JSONValue.array((0..<max(1, min(4096, dimensions))).map { .double(1 / Double($0 + 2)) })
        let data = (0..<max(1, min(2048, inputs))).map {
            JSONValue.object(["object": "embedding", "index": .integer($0), "embedding": vector])
        }
        return [
            "object": "list", "data": .array(data), "model": .string(request.model),
            "usage": ["prompt_tokens": .integer(inputTokens), "total_tokens": .integer(inputTokens)],
        ]
    }

    private var rerank: JSONValue {
        let count = request.body["documents"]?.arrayValue?.count ?? 0
        return [
            "id": .string(identifier),
            "results": .array(
                (0..<count).map { ["index": .integer($0), "relevance_score": .double(1 / Double($0 + 1))] }),
        ]
    }

    private func response(status: String) -> JSONValue {
        let output = max(1, (text.utf8.count + 3) / 4)
        return [
            "id": .string("resp_" + identifier), "object": "response", "created_at": created,
            "status": .string(status),
            "model": .string(request.model), "error": nil, "incomplete_details": nil, "instructions": nil,
            "metadata": [:],
            "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
            "output": status == "completed" ? [item] : [],
            "usage": status == "completed"
                ? [
                    "input_tokens": .integer(inputTokens), "input_tokens_details": ["cached_tokens": 0],
                    "output_tokens": .integer(output), "output_tokens_details": ["reasoning_tokens": 0],
                    "total_tokens": .integer(inputTokens + output),
                ] : nil,
        ]
    }

    private var item: JSONValue {
        [
            "id": .string("msg_" + identifier), "type": "message", "status": "completed", "role": "assistant",
            "content": [["type": "output_text", "text": .string(text), "annotations": []]],
        ]
    }

    // MARK: Streams

    /// The events of a stream, its end mark excluded.
    func events() -> [[UInt8]] {
        switch request.surface {
        case .responses: responseEvents
        case .completions: completionEvents
        default: chatEvents
        }
    }

    private func event(_ value: JSONValue) -> [UInt8] {
        Array("data: ".utf8) + JSONWriter.bytes(of: value) + Array("\n\n".utf8)
    }

    private func chunk(_ delta: JSONValue, _ reason: String? = nil) -> [UInt8] {
        event(
            frame(
                "chat.completion.chunk",
                ["choices": [["index": 0, "delta": delta, "finish_reason": JSONValue(reason)]]]))
    }

    private var chatEvents: [[UInt8]] {
        var events = [chunk(["role": "assistant", "content": ""])]
        if let tool, var call = toolCall(tool).objectValue {
            call["index"] = 0
            events.append(chunk(["tool_calls": [.object(call)]]))
            events.append(chunk([:], "tool_calls"))
        } else {
            events += pieces.map { chunk(["content": .string($0)]) }
            events.append(chunk([:], "stop"))
        }
        if request.includesUsage {
            events.append(event(frame("chat.completion.chunk", ["choices": [], "usage": usage])))
        }
        return events
    }

    private var completionEvents: [[UInt8]] {
        var events = pieces.map {
            event(frame("text_completion", ["choices": [["index": 0, "text": .string($0), "finish_reason": nil]]]))
        }
        events.append(
            event(frame("text_completion", ["choices": [["index": 0, "text": "", "finish_reason": "stop"]]])))
        if request.includesUsage { events.append(event(frame("text_completion", ["choices": [], "usage": usage]))) }
        return events
    }

    private var responseEvents: [[UInt8]] {
        let identity = JSONValue.string("msg_" + identifier)
        let part: JSONValue = ["type": "output_text", "text": "", "annotations": []]
        let empty: JSONValue = [
            "id": identity, "type": "message", "status": "in_progress", "role": "assistant", "content": [],
        ]
        var events: [(String, JSONObject)] = [
            ("response.created", ["response": response(status: "in_progress")]),
            ("response.output_item.added", ["output_index": 0, "item": empty]),
            (
                "response.content_part.added",
                ["item_id": identity, "output_index": 0, "content_index": 0, "part": part]
            ),
        ]
        events += pieces.map {
            (
                "response.output_text.delta",
                ["item_id": identity, "output_index": 0, "content_index": 0, "delta": .string($0), "logprobs": []]
            )
        }
        events.append(
            (
                "response.output_text.done",
                ["item_id": identity, "output_index": 0, "content_index": 0, "text": .string(text), "logprobs": []]
            ))
        events.append(("response.output_item.done", ["output_index": 0, "item": item]))
        events.append(("response.completed", ["response": response(status: "completed")]))
        return events.enumerated().map { number, entry in
            var root: JSONObject = ["type": .string(entry.0), "sequence_number": .integer(number)]
            for (name, value) in entry.1.members { root[name] = value }
            return Array("event: \(entry.0)\n".utf8) + event(.object(root))
        }
    }
}
