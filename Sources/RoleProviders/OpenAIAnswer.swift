// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import LLMRouting

/// OpenAI's shapes of a chat request and its answer.
enum OpenAIAnswer {
    static let providerName = "openrouter_http"

    static func body(of request: CompletionRequest, isStreaming: Bool) -> [UInt8] {
        var body: JSONObject = [
            "model": .string(request.model),
            "messages": .array(
                request.messages.map { ["role": .string($0.role), "content": .string($0.content)] }),
            "temperature": .double(request.temperature),
        ]
        if let most = request.maximumTokens { body["max_tokens"] = .integer(most) }
        if request.jsonMode { body["response_format"] = ["type": "json_object"] }
        if isStreaming {
            body["stream"] = true
            body["stream_options"] = ["include_usage": true]
        }
        return JSONWriter.bytes(of: .object(body))
    }

    /// A whole answer.
    static func response(_ bytes: [UInt8], to request: CompletionRequest) throws(CompletionFailure)
        -> CompletionResponse
    {
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw CompletionFailure(.unknown, error.diagnostic.message)
        }
        guard let choices = value["choices"] else { throw invalid("'choices'") }
        guard let list = choices.arrayValue else { throw CompletionFailure(.unknown, "`choices` is no list") }
        guard let first = list.first else { throw invalid("list index out of range") }
        guard let message = first["message"] else { throw invalid("'message'") }
        guard message.objectValue != nil else { throw CompletionFailure(.unknown, "`message` is no object") }
        guard let content = message["content"] else { throw invalid("'content'") }
        return CompletionResponse(
            text: content.stringValue ?? "", usage: try usage(value["usage"]),
            model: value["model"]?.stringValue ?? request.model, provider: providerName,
            raw: setting(value).mapValue ?? Settings())
    }

    /// Token counts; those that are missing are 0.
    static func usage(_ value: JSONValue?) throws(CompletionFailure) -> CompletionResponse.Usage {
        guard let value else { return CompletionResponse.Usage() }
        guard value.objectValue != nil else { throw CompletionFailure(.unknown, "`usage` is no object") }
        return CompletionResponse.Usage(
            promptTokens: value["prompt_tokens"]?.integerValue ?? 0,
            completionTokens: value["completion_tokens"]?.integerValue ?? 0,
            totalTokens: value["total_tokens"]?.integerValue ?? 0)
    }

    private static func invalid(_ what: String) -> CompletionFailure {
        CompletionFailure(.invalidResponse, "Unexpected response structure: \(what)")
    }

    private static func setting(_ value: JSONValue) -> SettingValue {
        switch value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .integer(let number): .integer(number)
        case .double(let number): .number(number)
        case .string(let text): .text(text)
        case .array(let elements): .list(elements.map(setting))
        case .object(let object): .map(Settings(object.members.map { ($0.name, setting($0.value)) }))
        }
    }
}

/// Reads the events of a streamed answer.
struct OpenAIStream {
    /// A server may not fill the memory with one line.
    private static let lineLimitBytes = 4 << 20

    private let request: CompletionRequest
    private let secrets: SentSecrets
    private var line: [UInt8] = []
    private var text = ""
    private var usage = CompletionResponse.Usage()
    private var model: String?
    private var sawFinish = false
    private(set) var isDone = false

    init(_ request: CompletionRequest, secrets: SentSecrets) {
        self.request = request
        self.secrets = secrets
    }

    /// The pieces of text in the next bytes.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) throws -> [String] {
        var pieces: [String] = []
        for byte in bytes where !isDone {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                guard line.count <= Self.lineLimitBytes else {
                    throw CompletionFailure(.invalidResponse, "a line of the stream is too long")
                }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let piece = try read(line) { pieces.append(piece) }
            line.removeAll(keepingCapacity: true)
        }
        return pieces
    }

    /// The whole answer, once the stream ended where answers end.
    func finish() throws -> CompletionResponse {
        guard isDone || sawFinish else {
            throw CompletionFailure(.invalidResponse, "the stream ended before the answer was whole")
        }
        return CompletionResponse(
            text: text, usage: usage, model: model ?? request.model, provider: OpenAIAnswer.providerName)
    }

    private mutating func read(_ line: [UInt8]) throws -> String? {
        guard line.starts(with: Array("data:".utf8)) else { return nil }
        let data = line.dropFirst(5).drop { $0 == UInt8(ascii: " ") }
        if data.elementsEqual("[DONE]".utf8) {
            isDone = true
            return nil
        }
        let value: JSONValue
        do {
            value = try JSONParser.parse(Array(data))
        } catch {
            throw CompletionFailure(.invalidResponse, "an event of the stream is no JSON")
        }
        if let error = value["error"], error != .null {
            let text = error.stringValue ?? error["message"]?.stringValue ?? ""
            throw CompletionFailure(
                .providerError,
                "Provider returned an error: " + String(secrets.redacted(text).unicodeScalars.prefix(200)))
        }
        model = model ?? value["model"]?.stringValue
        if let counts = value["usage"], counts != .null { usage = try OpenAIAnswer.usage(counts) }
        guard let choice = value["choices"]?.arrayValue?.first else { return nil }
        if choice["finish_reason"]?.stringValue != nil { sawFinish = true }
        guard let piece = choice["delta"]?["content"]?.stringValue, !piece.isEmpty else { return nil }
        text += piece
        return piece
    }
}
