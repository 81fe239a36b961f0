// SPDX-License-Identifier: MIT

/// One attempt, as its trace file tells it: what was asked of whom and how it went, never what was said.
public struct RequestTrace: Hashable, Sendable {
    /// The same for all attempts of a request.
    public var requestID: String
    /// The role, or the model, as requested.
    public var role: String
    /// The configured provider, or the deployment's id.
    public var provider: String
    /// The model that was asked for in the end.
    public var model: String
    /// When the attempt began.
    public var startedAt: CalendarTime
    /// Zero-based position in the chain, or number of the call.
    public var attempt: Int
    /// For tools that keep such ids; never set here.
    public var workPackageID: String?
    /// For tools that keep one.
    public var workspace: String?
    /// By a clock that never runs backwards.
    public var elapsedMilliseconds: Double
    /// Nil on success.
    public var failureType: FailureType?
    /// In the provider's words; nil on success.
    public var error: String?
    /// Nil for a failed attempt.
    public var usage: CompletionResponse.Usage?
    /// What a gateway knows besides; nil for a role's request.
    public var gateway: Gateway?

    /// What a gateway knows of an attempt.
    public struct Gateway: Hashable, Sendable {
        /// The model group the request was routed to.
        public var route: String
        /// The score of a virtual model.
        public var score: Int?
        /// The status that the deployment answered with.
        public var status: Int?
        /// To the first part of the answer.
        public var firstTokenMilliseconds: Double?
        /// What the attempt cost.
        public var cost: Money

        public init(
            route: String, score: Int? = nil, status: Int? = nil, firstTokenMilliseconds: Double? = nil,
            cost: Money = .zero
        ) {
            self.route = route
            self.score = score
            self.status = status
            self.firstTokenMilliseconds = firstTokenMilliseconds
            self.cost = cost
        }
    }

    public init(
        requestID: String, role: String, provider: String, model: String, startedAt: CalendarTime, attempt: Int,
        workPackageID: String? = nil, workspace: String? = nil, elapsedMilliseconds: Double = 0,
        failureType: FailureType? = nil, error: String? = nil, usage: CompletionResponse.Usage? = nil,
        gateway: Gateway? = nil
    ) {
        self.requestID = requestID
        self.role = role
        self.provider = provider
        self.model = model
        self.startedAt = startedAt
        self.attempt = attempt
        self.workPackageID = workPackageID
        self.workspace = workspace
        self.elapsedMilliseconds = elapsedMilliseconds
        self.failureType = failureType
        self.error = error
        self.usage = usage
        self.gateway = gateway
    }

    /// `<request>-<attempt>-<provider>.json`; characters that a file name cannot hold become underscores.
    public var fileName: String {
        let name = provider.isEmpty ? "provider" : provider
        return "\(Self.safe(requestID))-\(attempt)-\(Self.safe(name)).json"
    }

    /// The day's folder, then the file.
    public var relativePath: String { "\(startedAt.compactDay)/\(fileName)" }

    private static func safe(_ name: String) -> String {
        let mapped = name.unicodeScalars.map { $0 == "/" || $0.value < 0x20 || $0.value == 0x7f ? "_" : $0 }
        var text = ""
        text.unicodeScalars.append(contentsOf: mapped)
        return text == "." || text == ".." ? text.map { _ in "_" }.joined() : text
    }

    /// The file's text: JSON with two spaces of indentation, ASCII only, keys in a fixed order.
    public var json: String {
        var writer = TraceWriter()
        writer.member("request_id", text: requestID)
        writer.member("role", text: role)
        writer.member("provider", text: provider)
        writer.member("model", text: model)
        writer.member("started_at", text: startedAt.iso8601)
        writer.member("attempt", number: "\(attempt)")
        writer.member("work_package_id", text: workPackageID)
        writer.member("workspace", text: workspace)
        writer.member("elapsed_ms", number: TraceWriter.number(elapsedMilliseconds))
        writer.member("failure_type", text: failureType?.rawValue)
        writer.member("error", text: error)
        writer.member(
            "usage",
            numbers: usage.map {
                [
                    ("prompt_tokens", $0.promptTokens), ("completion_tokens", $0.completionTokens),
                    ("total_tokens", $0.totalTokens),
                ]
            } ?? [])
        if let gateway {
            writer.member("route", text: gateway.route)
            writer.member("score", number: gateway.score.map { "\($0)" })
            writer.member("status", number: gateway.status.map { "\($0)" })
            writer.member("ttft_ms", number: gateway.firstTokenMilliseconds.map(TraceWriter.number))
            writer.member("cost", number: gateway.cost.shortest)
        }
        return writer.finish()
    }
}

/// Writes one flat JSON object.
private struct TraceWriter {
    private var output = "{"
    private var isFirst = true

    mutating func member(_ name: String, text: String?) {
        begin(name)
        if let text { Self.quote(text, into: &output) } else { output += "null" }
    }

    mutating func member(_ name: String, number: String?) {
        begin(name)
        output += number ?? "null"
    }

    mutating func member(_ name: String, numbers: [(String, Int)]) {
        begin(name)
        guard !numbers.isEmpty else {
            output += "{}"
            return
        }
        output += "{\n" + numbers.map { "    \"\($0.0)\": \($0.1)" }.joined(separator: ",\n") + "\n  }"
    }

    consuming func finish() -> String { output + "\n}" }

    /// JSON has no infinities.
    static func number(_ value: Double) -> String {
        value.isFinite ? "\(value)" : "null"
    }

    private mutating func begin(_ name: String) {
        output += isFirst ? "\n  " : ",\n  "
        isFirst = false
        Self.quote(name, into: &output)
        output += ": "
    }

    private static func quote(_ text: String, into output: inout String) {
        output += "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: output += "\\\""
            case 0x5c: output += "\\\\"
            case 0x0a: output += "\\n"
            case 0x0d: output += "\\r"
            case 0x09: output += "\\t"
            case 0x08: output += "\\b"
            case 0x0c: output += "\\f"
            case 0x20..<0x7f: output.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let hex = String(unit, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            }
        }
        output += "\""
    }
}
