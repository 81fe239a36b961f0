// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// OpenAI's chat requests for Anthropic deployments, and their answers back.
enum ChatToMessages {
    /// Anthropic demands a bound; this one is used where the client gives none.
    private static let assumedMaximumTokens = 4096

    static func request(_ root: JSONObject, model: String) throws(TranslationError) -> JSONObject {
        var result: JSONObject = ["model": .string(model)]
        var system: [JSONValue] = []
        var messages: [JSONValue] = []
        for message in root["messages"]?.arrayValue ?? [] {
            switch message["role"]?.stringValue {
            case "system", "developer":
                system += try content(message["content"])
            case "tool": append("user", [toolResult(message)], to: &messages)
            case "assistant": append("assistant", try assistant(message), to: &messages)
            default: append("user", try content(message["content"]), to: &messages)
            }
        }
        if !system.isEmpty { result["system"] = .array(system) }
        result["messages"] = .array(messages)
        result["max_tokens"] = root["max_completion_tokens"] ?? root["max_tokens"] ?? .integer(assumedMaximumTokens)
        for (name, value) in root.members where value != .null {
            switch name {
            case "top_p", "stream", "thinking": result[name] = value
            // OpenAI's scale ends at 2, Anthropic's at 1.
            case "temperature": result[name] = value.doubleValue.map { .double(min(1, $0)) } ?? value
            case "stop": result["stop_sequences"] = value.arrayValue.map(JSONValue.array) ?? [value]
            case "tools": result["tools"] = .array(tools(value.arrayValue ?? []))
            case "user": result["metadata"] = ["user_id": value]
            default: break
            }
        }
        if let choice = root["tool_choice"] { applyToolChoice(choice, root["parallel_tool_calls"], to: &result) }
        if let count = root["n"]?.integerValue, count > 1 { throw .unsupported("`n` greater than 1") }
        return result
    }

    /// Anthropic wants the roles to take turns, so neighbours of the same role become one message.
    private static func append(_ role: String, _ blocks: [JSONValue], to messages: inout [JSONValue]) {
        guard !blocks.isEmpty else { return }
        if let last = messages.last, last["role"]?.stringValue == role, let earlier = last["content"]?.arrayValue {
            messages[messages.count - 1] = ["role": .string(role), "content": .array(earlier + blocks)]
        } else {
            messages.append(["role": .string(role), "content": .array(blocks)])
        }
    }

    private static func content(_ value: JSONValue?) throws(TranslationError) -> [JSONValue] {
        switch value {
        case .string(let text): return text.isEmpty ? [] : [["type": "text", "text": .string(text)]]
        case .array(let parts):
            var blocks: [JSONValue] = []
            for part in parts { blocks.append(try block(part)) }
            return blocks
        default: return []
        }
    }

    private static func block(_ part: JSONValue) throws(TranslationError) -> JSONValue {
        switch part["type"]?.stringValue {
        case "text":
            var block: JSONObject = ["type": "text", "text": part["text"] ?? ""]
            if let cache = part["cache_control"] { block["cache_control"] = cache }
            return .object(block)
        case "image_url":
            guard let url = part["image_url"]?["url"]?.stringValue ?? part["image_url"]?.stringValue else {
                throw .unreadable
            }
            return ["type": "image", "source": source(url)]
        case "file":
            guard let data = part["file"]?["file_data"]?.stringValue else {
                throw .unsupported("a file without its data")
            }
            return ["type": "document", "source": source(data)]
        case let type: throw .unsupported("content of type `\(type ?? "?")`")
        }
    }

    private static func source(_ url: String) -> JSONValue {
        guard url.hasPrefix("data:"), let comma = url.firstIndex(of: ",") else {
            return ["type": "url", "url": .string(url)]
        }
        let type = url[url.index(url.startIndex, offsetBy: 5)..<comma].split(separator: ";").first ?? "image/png"
        return [
            "type": "base64", "media_type": .string(String(type)),
            "data": .string(String(url[url.index(after: comma)...])),
        ]
    }

    private static func assistant(_ message: JSONValue) throws(TranslationError) -> [JSONValue] {
        var blocks = try content(message["content"])
        for call in message["tool_calls"]?.arrayValue ?? [] {
            let arguments = call["function"]?["arguments"]?.stringValue ?? ""
            blocks.append([
                "type": "tool_use", "id": call["id"] ?? .null, "name": call["function"]?["name"] ?? .null,
                "input": (try? JSONParser.parse(arguments)) ?? [:],
            ])
        }
        return blocks
    }

    private static func toolResult(_ message: JSONValue) -> JSONValue {
        let text =
            message["content"]?.stringValue
            ?? (message["content"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: "\n")
        return ["type": "tool_result", "tool_use_id": message["tool_call_id"] ?? .null, "content": .string(text)]
    }

    private static func tools(_ tools: [JSONValue]) -> [JSONValue] {
        tools.compactMap { tool in
            guard let function = tool["function"] else { return nil }
            var result: JSONObject = ["name": function["name"] ?? .null]
            if let description = function["description"] { result["description"] = description }
            result["input_schema"] = function["parameters"] ?? ["type": "object", "properties": [:]]
            return .object(result)
        }
    }

    private static func applyToolChoice(_ choice: JSONValue, _ parallel: JSONValue?, to result: inout JSONObject) {
        guard result["tools"] != nil else { return }
        var translated: JSONObject
        switch choice {
        case "none": translated = ["type": "none"]
        case "required": translated = ["type": "any"]
        case .object: translated = ["type": "tool", "name": choice["function"]?["name"] ?? .null]
        default: translated = ["type": "auto"]
        }
        if parallel == .bool(false) { translated["disable_parallel_tool_use"] = true }
        result["tool_choice"] = .object(translated)
    }

    // MARK: Answers

    static func answer(_ root: JSONObject, model: String) -> JSONValue {
        var text = ""
        var calls: [JSONValue] = []
        var reasoning = ""
        for block in root["content"]?.arrayValue ?? [] {
            switch block["type"]?.stringValue {
            case "text": text += block["text"]?.stringValue ?? ""
            case "thinking": reasoning += block["thinking"]?.stringValue ?? ""
            case "tool_use":
                let input = JSONWriter.text(of: block["input"] ?? [:])
                calls.append([
                    "id": block["id"] ?? .null, "type": "function",
                    "function": ["name": block["name"] ?? .null, "arguments": .string(input)],
                ])
            default: break
            }
        }
        var message: JSONObject = [
            "role": "assistant", "content": text.isEmpty && !calls.isEmpty ? .null : .string(text),
        ]
        if !reasoning.isEmpty { message["reasoning_content"] = .string(reasoning) }
        if !calls.isEmpty { message["tool_calls"] = .array(calls) }
        let reason = StopReason.openAI(root["stop_reason"]?.stringValue)
        return [
            "id": root["id"] ?? "chatcmpl-unknown", "object": "chat.completion",
            "created": .integer(Int(MomentOfDay.secondsSince1970())),
            "model": root["model"] ?? .string(model),
            "choices": [["index": 0, "message": .object(message), "finish_reason": .string(reason), "logprobs": nil]],
            "usage": UsageTranslation.openAI(root["usage"]),
        ]
    }
}
