// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import JSONSyntax

/// A request as the mock provider reads it: `mock/NAME?option=value&…`.
struct MockRequest {
    let name: String
    let options: [String: String]
    let surface: Surface
    let body: JSONValue
    let requestID: String
    let model: String

    init(model: String, surface: Surface, body: [UInt8], requestID: String) {
        let parts = model.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        var options: [String: String] = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            options[String(sides[0])] = sides.count > 1 ? PercentDecoding.decode(sides[1]) ?? String(sides[1]) : ""
        }
        self.options = options
        self.model = model
        self.surface = surface
        self.requestID = requestID
        self.body = (try? JSONParser.parse(body, valueLimit: PromptReader.valueLimit)) ?? .null
    }

    func milliseconds(_ option: String, default fallback: Int = 0) -> Duration {
        .milliseconds(options[option].flatMap(Int.init) ?? fallback)
    }

    func count(_ option: String, default fallback: Int) -> Int {
        min(100_000, max(0, options[option].flatMap(Int.init) ?? fallback))
    }

    /// The part of calls that fail by chance, 0 to 1.
    var failureRate: Double? { options["failure_rate"].flatMap(Double.init) }

    var isStreaming: Bool { body["stream"]?.boolValue ?? false }

    var includesUsage: Bool { body["stream_options"]?["include_usage"]?.boolValue ?? false }

    /// The text of the last message of a user, or the prompt.
    var prompt: String {
        if let messages = body["messages"]?.arrayValue {
            let last = messages.last { $0["role"]?.stringValue == "user" } ?? messages.last
            return last.map { Self.text($0["content"]) } ?? ""
        }
        return Self.text(body["prompt"] ?? body["input"])
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text): text
        case .array(let parts): parts.map { $0.stringValue ?? text($0["text"] ?? $0["content"]) }.joined(separator: " ")
        default: ""
        }
    }
}

/// What the mock provider does, step by step. The same request and draw give the same steps.
struct MockScript {
    enum Step {
        case wait(Duration)
        case head(Int, [(String, String)])
        case body([UInt8])
        case end
        case fail(TransportFailure)
        /// Nothing more, for ever.
        case silence
    }

    private(set) var steps: [Step] = []
    private let request: MockRequest
    private let answer: MockAnswer

    /// - Parameter draw: the next number of `MockDraws`, from 0 up to 1; asked for only where chance decides.
    init(_ request: MockRequest, draw: () -> Double) {
        self.request = request
        answer = MockAnswer(request)
        build(draw)
    }

    private mutating func build(_ draw: () -> Double) {
        let name = request.name
        let delay = request.milliseconds("delay_ms", default: name == "slow" ? 2000 : 0)
        if delay > .zero { steps.append(.wait(delay)) }
        if let rate = request.failureRate, draw() < rate { return error(500, message: "mock failure by chance") }
        if name.hasPrefix("error-"), let status = Int(name.dropFirst(6)), (400...599).contains(status) {
            return error(status)
        }
        switch name {
        case "silent": steps.append(.silence)
        case "reset": steps.append(.fail(.closedBeforeHead))
        case "refused": steps.append(.fail(.refused))
        case "empty": whole(Array("{\"choices\":[]}".utf8))
        case "html": whole(Array("<!doctype html><title>Welcome</title>".utf8), type: "text/html")
        case "context-length":
            error(400, code: "context_length_exceeded", message: "This model's maximum context length is 8 tokens.")
        case "content-policy":
            error(400, code: "content_policy_violation", message: "The prompt was refused by the content policy.")
        default:
            if request.isStreaming, request.surface.streamsEvents { stream() } else { whole(answer.whole()) }
        }
    }

    private mutating func error(_ status: Int, code: String = "mock_error", message: String? = nil) {
        let words = message ?? "mock error \(status)"
        let body: JSONValue = [
            "error": ["message": .string(words), "type": "mock_error", "param": nil, "code": .string(code)]
        ]
        var headers = [("content-type", "application/json")]
        if let seconds = request.options["retry_after"] { headers.append(("retry-after", seconds)) }
        steps += [.head(status, headers), .body(JSONWriter.bytes(of: body)), .end]
    }

    private mutating func whole(_ bytes: [UInt8], type: String = "application/json") {
        steps += [.head(200, [("content-type", type)]), .body(bytes), .end]
    }

    private mutating func stream() {
        let pause = request.milliseconds("chunk_delay_ms")
        let events = answer.events()
        steps.append(.head(200, [("content-type", "text/event-stream"), ("cache-control", "no-cache")]))
        if request.name == "error-first" {
            steps += [.body(Array("data: {\"error\":{\"message\":\"mock error\",\"code\":500}}\n\n".utf8)), .end]
            return
        }
        let middle = max(2, events.count / 2)
        for (index, event) in events.enumerated() {
            if index > 0, pause > .zero { steps.append(.wait(pause)) }
            if index == middle {
                switch request.name {
                case "cut": return steps.append(.fail(.cut))
                case "stall": return steps.append(.silence)
                case "malformed": steps.append(.body(Array("data: {\"choices\":[{\n\n".utf8)))
                default: break
                }
            }
            steps.append(.body(event))
        }
        if request.surface.hasEndMark, request.name != "no-done" { steps.append(.body(Array("data: [DONE]\n\n".utf8))) }
        steps.append(request.name == "no-done-open" ? .silence : .end)
    }
}

extension Surface {
    /// Streams of this route end with `[DONE]`.
    var hasEndMark: Bool { self == .chatCompletions || self == .completions }
}
