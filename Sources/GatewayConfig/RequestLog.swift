// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import LLMRouting

/// The requests that a gateway's access log tells of, for a replay.
package struct RequestLog: Sendable {
    package private(set) var requests: [LoggedRequest] = []
    /// Requests that say nothing about routing: refused before it, for what the client did, or left by the client.
    package private(set) var refused = 0
    /// Lines that are no requests at all, such as another program's.
    package private(set) var skipped = 0
    /// What the requests cost by the log.
    package private(set) var cost = Money.zero

    /// Answers to what a client did wrong, whatever the routing.
    private static let clientErrors: Set<Int> = [400, 401, 403, 404, 405, 411, 413, 414, 415, 417, 422, 431, 499]

    /// Reads the lines of a log; those that are cut or strange are counted and left out.
    package init(_ bytes: [UInt8]) {
        var entries: [(start: Int64, request: LoggedRequest)] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard line.first == UInt8(ascii: "{"), let value = try? JSONParser.parse(Array(line)),
                let model = value["model"]?.stringValue, let status = value["status"]?.integerValue,
                let duration = value["duration_us"]?.integerValue,
                let end = value["time"]?.stringValue.flatMap(CalendarTime.init(iso8601:))
            else {
                skipped += 1
                continue
            }
            guard !model.isEmpty, !Self.clientErrors.contains(status) else {
                refused += 1
                continue
            }
            if let text = value["cost"]?.stringValue, let amount = Money(text) { cost += amount }
            entries.append((end.microsecondsSince1970 - Int64(duration), Self.request(value, model, status, duration)))
        }
        let first = entries.map(\.start).min() ?? 0
        let outputs = entries.map(\.request.usage.outputTokens).filter { $0 > 0 }
        let typical = outputs.isEmpty ? 0 : outputs.reduce(0, +) / outputs.count
        requests = entries.map { start, request in
            var request = request
            request.at = .microseconds(start - first)
            // Nobody knows how long an answer that failed would have been.
            if !request.succeeded { request.usage.outputTokens = typical }
            return request
        }.sorted { $0.at < $1.at }
    }

    private static func request(_ value: JSONValue, _ model: String, _ status: Int, _ duration: Int) -> LoggedRequest {
        let estimate = ((value["request_bytes"]?.integerValue ?? 0) + 3) / 4
        var request = RouteRequest(model: model, mode: .any, isStreaming: value["stream"]?.boolValue ?? false)
        request.estimatedInputTokens = estimate
        request.key = value["key"]?.stringValue
        request.user = value["user"]?.stringValue
        request.knownScore = value["score"]?.integerValue
        var logged = LoggedRequest(
            at: .zero, request: request,
            usage: TokenUsage(
                inputTokens: value["input_tokens"]?.integerValue ?? estimate,
                outputTokens: value["output_tokens"]?.integerValue ?? 0),
            deployment: value["deployment"]?.stringValue, succeeded: status < 400)
        // Only the time of a single call says something about its deployment.
        if value["attempts"]?.integerValue == 1 { logged.latency = .microseconds(duration) }
        logged.failedCalls = (value["failed"]?.arrayValue ?? []).compactMap { call in
            guard let deployment = call["deployment"]?.stringValue else { return nil }
            return LoggedRequest.FailedCall(
                deployment: deployment,
                kind: call["kind"]?.stringValue.flatMap(FailureKind.init(rawValue:)) ?? .unknown,
                latency: .microseconds(max(0, call["duration_us"]?.integerValue ?? 0)))
        }
        return logged
    }
}
