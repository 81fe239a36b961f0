// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// Anthropic's requests for OpenAI deployments, and their answers back.
enum MessagesToChat {
    static func request(_ root: JSONObject, model: String) throws(TranslationError) -> JSONObject {
        var chat: JSONObject = ["model": .string(model)]
        var messages: [JSONValue] = []
        if let system = root["system"], let text = text(of: system) {
            messages.append(["role": "system", "content": .string(text)])
        }
        for message in root["messages"]?.arrayValue ?? [] { messages += try self.messages(of: message) }
        chat["messages"] = .array(messages)
        for (name, value) in root.members {
            switch name {
            case "max_tokens": chat["max_tokens"] = value
            case "temperature", "top_p", "stream": chat[name] = value
            case "stop_sequences": chat["stop"] = value
            case "tools": chat["tools"] = .array(try tools(value.arrayValue ?? []))
            case "tool_choice": applyToolChoice(value, to: &chat)
            case "metadata": if let user = value["user_id"]?.stringValue { chat["user"] = .string(user) }
            case "thinking": applyThinking(value, to: &chat)
            default: break
            }
        }
        // Without it OpenAI's streams tell no usage, which Anthropic's clients expect.
        if root["stream"] == .bool(true) { chat["stream_options"] = ["include_usage": true] }
        return chat
    }

    private static func applyThinking(_ value: JSONValue, to chat: inout JSONObject) {
        guard value["type"] == "enabled", let budget = value["budget_tokens"]?.integerValue else { return }
        chat["reasoning_effort"] = budget < 4096 ? "low" : budget < 16384 ? "medium" : "high"
    }

    private static func applyToolChoice(_ value: JSONValue, to chat: inout JSONObject) {
        switch value["type"]?.stringValue {
        case "any": chat["tool_choice"] = "required"
        case "none": chat["tool_choice"] = "none"
        case "tool": chat["tool_choice"] = ["type": "function", "function": ["name": value["name"] ?? .null]]
        default: chat["tool_choice"] = "auto"
        }
        if value["disable_parallel_tool_use"] == .bool(true) { chat["parallel_tool_calls"] = false }
    }

    private static func tools(_ tools: [JSONValue]) throws(TranslationError) -> [JSONValue] {
        var result: [JSONValue] = []
        for tool in tools {
            // Tools that Anthropic runs itself have a type and no schema.
            guard let schema = tool["input_schema"], let name = tool["name"] else {
                throw .unsupported("the tool `\(tool["type"]?.stringValue ?? "?")`")
            }
            var function: JSONObject = ["name": name]
            if let description = tool["description"] { function["description"] = description }
            function["parameters"] = schema
            result.append(["type": "function", "function": .object(function)])
        }
        return result
    }

    /// One message of Anthropic's may be several: results of tools stand in a user's message there, in messages of their own here.
    private static func messages(of message: JSONValue) throws(TranslationError) -> [JSONValue] {
        let role = message["role"]?.stringValue ?? "user"
        if let text = message["content"]?.stringValue { return [["role": .string(role), "content": .string(text)]] }
        var results: [JSONValue] = []
        var parts: [JSONValue] = []
        var calls: [JSONValue] = []
        for block in message["content"]?.arrayValue ?? [] {
            switch block["type"]?.stringValue {
            case "text": parts.append(["type": "text", "text": block["text"] ?? ""])
            case "image": parts.append(try image(block))
            case "document": parts.append(try document(block))
            case "tool_use":
                let arguments = JSONWriter.text(of: block["input"] ?? [:])
                calls.append([
                    "id": block["id"] ?? .null, "type": "function",
                    "function": ["name": block["name"] ?? .null, "arguments": .string(arguments)],
                ])
            case "tool_result": results.append(toolResult(block))
            case "thinking", "redacted_thinking": break
            case let type: throw .unsupported("content of type `\(type ?? "?")`")
            }
        }
        if role == "assistant" { return [assistant(parts, calls)] }
        return results + (parts.isEmpty ? [] : [["role": .string(role), "content": simplified(parts)]])
    }

    private static func assistant(_ parts: [JSONValue], _ calls: [JSONValue]) -> JSONValue {
        let text = parts.compactMap { $0["text"]?.stringValue }.joined()
        var message: JSONObject = [
            "role": "assistant", "content": text.isEmpty && !calls.isEmpty ? .null : .string(text),
        ]
        if !calls.isEmpty { message["tool_calls"] = .array(calls) }
        return .object(message)
    }

    private static func toolResult(_ block: JSONValue) -> JSONValue {
        var text = block["content"].flatMap(text) ?? ""
        if block["is_error"] == .bool(true), text.isEmpty { text = "error" }
        return ["role": "tool", "tool_call_id": block["tool_use_id"] ?? .null, "content": .string(text)]
    }

    private static func image(_ block: JSONValue) throws(TranslationError) -> JSONValue {
        let source = block["source"]
        switch source?["type"]?.stringValue {
        case "base64":
            let type = source?["media_type"]?.stringValue ?? "image/png"
            let url = "data:\(type);base64,\(source?["data"]?.stringValue ?? "")"
            return ["type": "image_url", "image_url": ["url": .string(url)]]
        case "url": return ["type": "image_url", "image_url": ["url": source?["url"] ?? ""]]
        case let type: throw .unsupported("an image source of type `\(type ?? "?")`")
        }
    }

    private static func document(_ block: JSONValue) throws(TranslationError) -> JSONValue {
        let source = block["source"]
        switch source?["type"]?.stringValue {
        case "text": return ["type": "text", "text": source?["data"] ?? ""]
        case "base64":
            let type = source?["media_type"]?.stringValue ?? "application/pdf"
            let data = "data:\(type);base64,\(source?["data"]?.stringValue ?? "")"
            return [
                "type": "file", "file": ["filename": block["title"] ?? "document.pdf", "file_data": .string(data)],
            ]
        case let type: throw .unsupported("a document source of type `\(type ?? "?")`")
        }
    }

    /// A single text is written as a string, which every server reads.
    private static func simplified(_ parts: [JSONValue]) -> JSONValue {
        if parts.allSatisfy({ $0["type"] == "text" }) {
            return .string(parts.compactMap { $0["text"]?.stringValue }.joined(separator: "\n"))
        }
        return .array(parts)
    }

    private static func text(of value: JSONValue) -> String? {
        if let text = value.stringValue { return text }
        return value.arrayValue.map { blocks in
            blocks.compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
        }
    }

    // MARK: Answers

    static func answer(_ root: JSONObject, model: String) -> JSONValue {
        let choice = root["choices"]?.arrayValue?.first
        let message = choice?["message"]
        var content: [JSONValue] = []
        if let text = message?["content"]?.stringValue, !text.isEmpty {
            content.append(["type": "text", "text": .string(text)])
        }
        for call in message?["tool_calls"]?.arrayValue ?? [] {
            let arguments = call["function"]?["arguments"]?.stringValue ?? "{}"
            content.append([
                "type": "tool_use", "id": call["id"] ?? "toolu_unknown", "name": call["function"]?["name"] ?? .null,
                "input": (try? JSONParser.parse(arguments.isEmpty ? "{}" : arguments)) ?? [:],
            ])
        }
        return [
            "id": root["id"] ?? "msg_unknown", "type": "message", "role": "assistant", "model": .string(model),
            "content": .array(content),
            "stop_reason": .string(StopReason.anthropic(choice?["finish_reason"]?.stringValue)),
            "stop_sequence": nil, "usage": UsageTranslation.anthropic(root["usage"]),
        ]
    }
}
