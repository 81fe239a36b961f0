// SPDX-License-Identifier: MIT

package import LLMRouting

/// What one event of a provider's stream means.
package struct StreamSignal: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// A comment, a ping or an event nobody defined: passed on, proves nothing.
        case neutral
        /// A valid part of an answer.
        case content
        /// The provider says that it failed.
        case error
        /// The last event: nothing follows.
        case end
        /// Not readable: dropped.
        case malformed
    }

    package var kind: Kind
    /// The answer is complete, although the stream may go on with usage and its end mark.
    package var finishes = false
    package var usage: TokenUsageFields?
    /// The place of the text that this event adds, escapes included.
    package var text: ByteSpan?
    /// Something else than text was sent, such as a part of a tool call, so a cut stream cannot be resumed by its text.
    package var hasOtherOutput = false
    /// The place of the error object.
    package var error: ByteSpan?

    package init(_ kind: Kind) {
        self.kind = kind
    }
}

/// Token counts as they stand in an answer.
package struct TokenUsageFields: Equatable, Sendable {
    package var input: Int?
    package var output: Int?
    package var cached: Int?

    /// These counts, with later ones in place of earlier ones.
    package func merged(with later: TokenUsageFields) -> TokenUsageFields {
        TokenUsageFields(input: later.input ?? input, output: later.output ?? output, cached: later.cached ?? cached)
    }

    package var usage: TokenUsage {
        TokenUsage(inputTokens: input ?? 0, outputTokens: output ?? 0, cachedInputTokens: cached ?? 0)
    }
}

/// Reads events of the streams that providers send, as far as the gateway must understand them.
package enum StreamGrammar {
    /// `/chat/completions` and `/completions`.
    case completions
    /// `/responses`.
    case responses
    /// Anthropic's `/messages`.
    case messages
    /// Streams of other routes: any event is content.
    case any

    package init(_ surface: Surface) {
        switch surface {
        case .chatCompletions, .completions: self = .completions
        case .responses: self = .responses
        case .messages, .countTokens: self = .messages
        case .embeddings, .speech, .transcriptions, .translations, .imageGenerations, .imageEdits, .imageVariations,
            .rerank, .moderations:
            self = .any
        }
    }

    /// What `event` says.
    package func read(_ event: StreamEvent, in bytes: UnsafeRawBufferPointer) -> StreamSignal {
        guard event.dataLines > 0 else {
            let isError = event.name.map { bytes.isExactly($0, "error") } ?? false
            return StreamSignal(isError ? .error : .neutral)
        }
        guard let data = event.data else {
            let joined = EventStreamFraming.joinedData(bytes, event)
            return joined.withUnsafeBytes { joined in
                var signal = read(joined, ByteSpan(start: 0, end: joined.count), name: nil)
                // The places are those of a copy.
                signal.text = nil
                signal.error = nil
                signal.hasOtherOutput = true
                return signal
            }
        }
        return read(bytes, data, name: event.name)
    }

    private func read(_ bytes: UnsafeRawBufferPointer, _ data: ByteSpan, name: ByteSpan?) -> StreamSignal {
        if data.count == 0 { return StreamSignal(.neutral) }
        if bytes.isExactly(data, "[DONE]") { return StreamSignal(.end) }
        if let name, bytes.isExactly(name, "error") {
            var signal = StreamSignal(.error)
            signal.error = data
            return signal
        }
        do throws(JSONScanError) {
            switch self {
            case .completions: return try completions(bytes, data)
            case .responses: return try typed(bytes, data, ResponsesEventReader.self)
            case .messages: return try typed(bytes, data, MessagesEventReader.self)
            case .any:
                try JSONScanner.members(of: bytes, in: data) { _ in }
                return StreamSignal(.content)
            }
        } catch {
            return StreamSignal(.malformed)
        }
    }

    private func completions(_ bytes: UnsafeRawBufferPointer, _ data: ByteSpan) throws(JSONScanError) -> StreamSignal {
        var signal = StreamSignal(.neutral)
        var choices: ByteSpan?
        try JSONScanner.members(of: bytes, in: data) { member in
            if bytes.isExactly(member.name, "choices"), member.kind == .array {
                choices = member.value
                if signal.kind == .neutral { signal.kind = .content }
            } else if bytes.isExactly(member.name, "usage"), member.kind == .object {
                signal.usage = UsageReader.read(bytes, member.value)
            } else if bytes.isExactly(member.name, "error"), member.kind == .object || member.kind == .string {
                signal.kind = .error
                signal.error = member.value
            }
        }
        if let choices, signal.kind == .content {
            try JSONScanner.elements(of: bytes, in: choices) { choice in
                CompletionChoiceReader.read(bytes, choice, into: &signal)
            }
        }
        return signal
    }

    private func typed<Reader: TypedEventReader>(
        _ bytes: UnsafeRawBufferPointer, _ data: ByteSpan, _ reader: Reader.Type
    ) throws(JSONScanError) -> StreamSignal {
        var type: ByteSpan?
        var members: [JSONMember] = []
        try JSONScanner.members(of: bytes, in: data) { member in
            if bytes.isExactly(member.name, "type"), member.kind == .string {
                type = member.value
            } else {
                members.append(member)
            }
        }
        guard let type else { return StreamSignal(.neutral) }
        return reader.read(bytes, type, members)
    }
}

/// Reads events whose object has a `type`.
protocol TypedEventReader {
    static func read(_ bytes: UnsafeRawBufferPointer, _ type: ByteSpan, _ members: [JSONMember]) -> StreamSignal
}

private enum CompletionChoiceReader {
    static func read(_ bytes: UnsafeRawBufferPointer, _ choice: ByteSpan, into signal: inout StreamSignal) {
        var delta: JSONMember?
        var finishes = false
        var isFirst = true
        var text: ByteSpan?
        try? JSONScanner.members(of: bytes, in: choice) { member in
            if bytes.isExactly(member.name, "delta") {
                delta = member
            } else if bytes.isExactly(member.name, "text"), member.kind == .string {
                text = member.value
            } else if bytes.isExactly(member.name, "finish_reason"), member.kind == .string {
                finishes = true
            } else if bytes.isExactly(member.name, "index"), bytes.text(member.value) != "0" {
                isFirst = false
            }
        }
        if finishes { signal.finishes = true }
        if let delta, delta.kind == .object {
            try? JSONScanner.members(of: bytes, in: delta.value) { member in
                if bytes.isExactly(member.name, "content"), member.kind == .string {
                    text = member.value
                } else if !bytes.isExactly(member.name, "role"), member.kind != .literal, member.value.count > 0 {
                    signal.hasOtherOutput = true
                }
            }
        }
        if let text, text.count > 0 {
            if isFirst, signal.text == nil { signal.text = text } else { signal.hasOtherOutput = true }
        }
    }
}

private enum ResponsesEventReader: TypedEventReader {
    static func read(_ bytes: UnsafeRawBufferPointer, _ type: ByteSpan, _ members: [JSONMember]) -> StreamSignal {
        if bytes.isExactly(type, "error") || bytes.isExactly(type, "response.failed") {
            var signal = StreamSignal(.error)
            signal.error =
                members.first { bytes.isExactly($0.name, "response") || bytes.isExactly($0.name, "error") }?.value
            return signal
        }
        var signal = StreamSignal(.content)
        signal.hasOtherOutput = true
        if bytes.isExactly(type, "response.completed") || bytes.isExactly(type, "response.incomplete") {
            signal.kind = .end
            signal.finishes = true
            if let response = members.first(where: { bytes.isExactly($0.name, "response") }) {
                try? JSONScanner.members(of: bytes, in: response.value) { member in
                    if bytes.isExactly(member.name, "usage"), member.kind == .object {
                        signal.usage = UsageReader.read(bytes, member.value)
                    }
                }
            }
        }
        return signal
    }
}

private enum MessagesEventReader: TypedEventReader {
    static func read(_ bytes: UnsafeRawBufferPointer, _ type: ByteSpan, _ members: [JSONMember]) -> StreamSignal {
        if bytes.isExactly(type, "ping") { return StreamSignal(.neutral) }
        if bytes.isExactly(type, "error") {
            var signal = StreamSignal(.error)
            signal.error = members.first { bytes.isExactly($0.name, "error") }?.value
            return signal
        }
        if bytes.isExactly(type, "message_stop") { return StreamSignal(.end) }
        var signal = StreamSignal(.content)
        if bytes.isExactly(type, "message_delta") {
            signal.finishes = true
            signal.usage = usage(bytes, members)
        } else if bytes.isExactly(type, "message_start") {
            if let message = members.first(where: { bytes.isExactly($0.name, "message") }) {
                try? JSONScanner.members(of: bytes, in: message.value) { member in
                    if bytes.isExactly(member.name, "usage"), member.kind == .object {
                        signal.usage = UsageReader.read(bytes, member.value)
                    }
                }
            }
        } else {
            signal.hasOtherOutput = true
        }
        return signal
    }

    private static func usage(_ bytes: UnsafeRawBufferPointer, _ members: [JSONMember]) -> TokenUsageFields? {
        members.first { bytes.isExactly($0.name, "usage") && $0.kind == .object }.map {
            UsageReader.read(bytes, $0.value)
        }
    }
}
