// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import LLMRouting

/// Reads a request's messages for decisions that depend on them.
package enum PromptReader {
    /// How many values a body may have that is read as a whole. Ten million fit into what a client may send, and would hold up
    /// everybody's streams for seconds.
    package static let valueLimit = 250_000

    /// The messages of a body; none where it is not JSON, or has too many values.
    ///
    /// - Parameter printing: whether the score of `mode: vibe` will read them. It knows nothing but `messages`, and the
    ///   last one's content as Python prints it, which costs a copy of every image in it: see
    ///   ``RoutingTable/needsPrintedPrompt(forModel:)``.
    package static func read(_ body: some Sequence<UInt8>, printing: Bool) -> Prompt {
        let bytes = Array(body)
        guard let root = try? JSONParser.parse(bytes, valueLimit: valueLimit) else { return Prompt() }
        var messages = (root["messages"]?.arrayValue ?? []).map(message)
        if printing {
            if let content = root["messages"]?.arrayValue?.last?["content"], content.stringValue == nil {
                messages[messages.count - 1].printedContent = PythonText.contentOfLastMessage(in: bytes)
            }
        } else {
            if messages.isEmpty { messages = input(root) }
            if let system = root["system"], root["messages"] != nil {
                messages.insert(PromptMessage(role: .system, text: content(system).text), at: 0)
            }
        }
        let tools = root["tools"]?.arrayValue ?? root["functions"]?.arrayValue ?? []
        return Prompt(messages: messages, offersTools: !tools.isEmpty)
    }

    /// What other APIs than the chat's ask.
    private static func input(_ root: JSONValue) -> [PromptMessage] {
        switch root["input"] ?? root["prompt"] {
        case .string(let text): [PromptMessage(role: .user, text: text)]
        case .array(let items):
            items.map { $0.stringValue.map { PromptMessage(role: .user, text: $0) } ?? message($0) }
        default: []
        }
    }

    private static func message(_ value: JSONValue) -> PromptMessage {
        let role = value["role"]?.stringValue.flatMap(PromptMessage.Role.init(rawValue:)) ?? .other
        let (text, attachments, usesTools) = content(value["content"] ?? .null)
        return PromptMessage(
            role: role, text: text, attachments: attachments,
            usesTools: usesTools || !(value["tool_calls"]?.arrayValue ?? []).isEmpty)
    }

    private static func content(_ value: JSONValue) -> (text: String, attachments: Int, usesTools: Bool) {
        switch value {
        case .string(let text): return (text, 0, false)
        case .array(let parts):
            var texts: [String] = []
            var attachments = 0
            var usesTools = false
            for part in parts {
                switch part["type"]?.stringValue {
                case "text", "input_text", "output_text": texts.append(part["text"]?.stringValue ?? "")
                case "tool_use", "tool_result": usesTools = true
                case nil: texts.append(part.stringValue ?? "")
                default: attachments += 1
                }
            }
            return (texts.joined(separator: "\n"), attachments, usesTools)
        default: return ("", 0, false)
        }
    }
}
