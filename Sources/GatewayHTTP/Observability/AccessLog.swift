// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore
internal import SystemIO

/// The lines of one loop, handed to the writer a few times a second.
struct AccessLogBuffer {
    private static let flushBytes = 64 << 10

    private let writer: LogWriter
    private var bytes: [UInt8] = []

    init(writer: LogWriter) {
        self.writer = writer
    }

    mutating func append(_ line: [UInt8]) {
        bytes.append(contentsOf: line)
        if bytes.count >= Self.flushBytes { flush() }
    }

    mutating func flush() {
        guard !bytes.isEmpty else { return }
        writer.append(bytes)
        bytes.removeAll(keepingCapacity: true)
    }
}

/// The time of a line, whose text is made anew only when the millisecond is another one.
struct LogClock {
    private var millisecond: Int64 = -1
    private var text = ""

    mutating func now() -> String {
        let now = Timestamp.now().nanoseconds / 1_000_000
        if now != millisecond {
            millisecond = now
            text = Timestamp(nanoseconds: now * 1_000_000).iso8601
        }
        return text
    }
}

/// One line of the access log: what was asked, who answered, how long it took. No prompts, no keys.
struct AccessLogLine {
    private var text: [UInt8] = []

    /// Writes the members by hand: the line is made for every request.
    static func bytes(of exchange: Exchange, status: Int, error: String?, now: Int64, time: String) -> [UInt8] {
        var line = AccessLogLine()
        line.text.reserveCapacity(512)
        line.text.append(contentsOf: "{\"time\":\"".utf8)
        line.text.append(contentsOf: time.utf8)
        line.text.append(UInt8(ascii: "\""))
        line.string("request_id", exchange.requestID)
        line.string("route", "\(exchange.surface.label)")
        line.string("model", exchange.facts.model)
        line.number("status", status)
        if let error { line.string("error", error) }
        line.number("duration_us", Int((now - exchange.startedAt) / 1000))
        if let first = exchange.firstByteAt { line.number("first_byte_us", Int((first - exchange.startedAt) / 1000)) }
        line.number("attempts", exchange.run.attempts.count)
        line.failedAttempts(exchange.run.attempts)
        line.number("request_bytes", exchange.request.body.readableBytes)
        line.number("response_bytes", exchange.sentBytes)
        line.plain("stream", exchange.facts.isStreaming ? "true" : "false")
        if let key = exchange.request.key { line.string("key", key.name) }
        if let number = exchange.run.answeredBy {
            let record = exchange.run.attempts[number]
            line.string("deployment", record.attempt.deployment.id)
            line.string("upstream_model", record.attempt.upstreamModel)
            if let usage = record.usage {
                line.number("input_tokens", usage.inputTokens)
                line.number("output_tokens", usage.outputTokens)
                if usage.isEstimated { line.plain("estimated", "true") }
            }
            if record.cost > .zero { line.string("cost", "\(record.cost)") }
        }
        if let decision = exchange.run.plan.virtual {
            line.number("score", decision.score)
            line.string("decision", decision.logLine)
        }
        line.text.append(contentsOf: "}\n".utf8)
        return line.text
    }

    /// The deployments that were called in vain, which a replay of the log needs.
    private mutating func failedAttempts(_ attempts: [AttemptRecord]) {
        let failed: [JSONValue] = attempts.compactMap { record in
            guard case .failed(let failure) = record.outcome else { return nil }
            return [
                "deployment": .string(record.attempt.deployment.id), "kind": .string(failure.kind.rawValue),
                "duration_us": .integer(Int((record.elapsed ?? .zero).wholeNanoseconds / 1000)),
            ]
        }
        guard !failed.isEmpty else { return }
        name("failed")
        text.append(contentsOf: JSONWriter.bytes(of: .array(failed)))
    }

    private mutating func name(_ name: StaticString) {
        text.append(contentsOf: ",\"".utf8)
        text.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        text.append(contentsOf: "\":".utf8)
    }

    private mutating func string(_ key: StaticString, _ value: String) {
        name(key)
        let isPlain = value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
        guard isPlain else {
            text.append(contentsOf: JSONText.quoted(value))
            return
        }
        text.append(UInt8(ascii: "\""))
        text.append(contentsOf: value.utf8)
        text.append(UInt8(ascii: "\""))
    }

    private mutating func number(_ key: StaticString, _ value: Int) {
        name(key)
        text.append(contentsOf: String(value).utf8)
    }

    private mutating func plain(_ key: StaticString, _ value: String) {
        name(key)
        text.append(contentsOf: value.utf8)
    }
}
