// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore
internal import SystemIO

/// The access log of one loop: one line a request, handed to the writer a few times a second. No prompts, no keys.
struct AccessLog {
    private static let flushBytes = 64 << 10

    private let writer: LogWriter
    private var lines = ByteBuffer()
    private var time = LogTime()

    init(writer: LogWriter) {
        self.writer = writer
    }

    mutating func append(_ exchange: Exchange, status: Int, error: String?, clock: LoopClock) {
        time.advance(to: clock.calendarNow)
        let entry = AccessLogEntry(
            exchange: exchange, status: status, error: error, microseconds: (clock.now - exchange.startedAt) / 1000)
        lines.append(atMost: entry.sizeBound) { line in
            line.write("{\"time\":\"")
            time.text.withUnsafeBytes { line.write($0) }
            line.write(UInt8(ascii: "\""))
            entry.write(to: &line)
            line.write("}\n")
        }
        if lines.readableBytes >= Self.flushBytes { flush() }
    }

    mutating func flush() {
        guard lines.readableBytes > 0 else { return }
        lines.withUnsafeReadableBytes { writer.append($0) }
        lines.clear()
    }
}

/// The time of a line. Its text is made anew once a second; in between only the digits of the fraction change.
private struct LogTime {
    private(set) var text = Array("1970-01-01T00:00:00.000000+00:00".utf8)
    private var second: Int64 = -1
    private var millisecond: Int64 = -1

    /// `nanoseconds` since 1970.
    mutating func advance(to nanoseconds: Int64) {
        let now = nanoseconds / 1_000_000
        guard now != millisecond else { return }
        millisecond = now
        if now / 1000 != second {
            second = now / 1000
            text = Array(Timestamp(nanoseconds: second * 1_000_000_000).iso8601.utf8)
        }
        let fraction = Int(now % 1000)
        text[20] = UInt8(ascii: "0") + UInt8(fraction / 100)
        text[21] = UInt8(ascii: "0") + UInt8(fraction / 10 % 10)
        text[22] = UInt8(ascii: "0") + UInt8(fraction % 10)
    }
}

/// What is logged of a request: what was asked, who answered, how long it took.
private struct AccessLogEntry {
    let exchange: Exchange
    let status: Int
    let error: String?
    let microseconds: Int64
    /// The deployments that were called in vain, which a replay of the log needs.
    private let failed: [UInt8]
    /// What a virtual model decided and what became of it, the latter as a JSON array of lines.
    private let decision: (score: Int, text: String, outcome: [UInt8])?

    init(exchange: Exchange, status: Int, error: String?, microseconds: Int64) {
        self.exchange = exchange
        self.status = status
        self.error = error
        self.microseconds = microseconds
        failed = exchange.run.attempts.count > 1 || status != 200 ? Self.failed(exchange.run.attempts) : []
        decision = exchange.run.plan.virtual.map { decision in
            let lines = Self.outcome(of: exchange, decision, error: error, microseconds: microseconds)
            return (decision.score, decision.logLine, JSONWriter.bytes(of: .array(lines.map(JSONValue.string))))
        }
    }

    /// A failure is told by its kind: an upstream's own words may hold what was asked.
    private static func outcome(
        of exchange: Exchange, _ decision: VirtualDecision, error: String?, microseconds: Int64
    ) -> [String] {
        let attempts = exchange.run.attempts
        var lines: [String] = []
        for (number, record) in attempts.enumerated() {
            guard case .failed(let failure) = record.outcome else { continue }
            lines += decision.failureLines(
                model: record.attempt.upstreamModel, error: failure.words, isRetried: number + 1 < attempts.count)
        }
        if error == nil, let number = exchange.run.answeredBy {
            let model = attempts[number].attempt.upstreamModel
            lines.append(decision.successLine(model: model, elapsed: .microseconds(microseconds)))
        } else if lines.isEmpty {
            let words = error ?? "no answer"
            lines = decision.failureLines(model: decision.target, error: words, isRetried: false)
        }
        return lines
    }

    private static func failed(_ attempts: [AttemptRecord]) -> [UInt8] {
        let failed: [JSONValue] = attempts.compactMap { record in
            guard case .failed(let failure) = record.outcome else { return nil }
            return [
                "deployment": .string(record.attempt.deploymentID), "kind": .string(failure.kind.rawValue),
                "duration_us": .integer(Int((record.elapsed ?? .zero).wholeNanoseconds / 1000)),
            ]
        }
        return failed.isEmpty ? [] : JSONWriter.bytes(of: .array(failed))
    }

    /// Names and numbers take less than a kilobyte; a text may need six bytes for each of its own.
    var sizeBound: Int {
        var texts = exchange.requestID.utf8.count + exchange.facts.model.utf8.count + (error?.utf8.count ?? 0)
        texts += exchange.request.key?.name.utf8.count ?? 0
        if let number = exchange.run.answeredBy {
            texts += exchange.attempts[number]?.plan.deploymentID.utf8.count ?? 0
            texts += exchange.attempts[number]?.plan.upstreamModel.utf8.count ?? 0
        }
        texts += decision?.text.utf8.count ?? 0
        return 1024 + 6 * texts + failed.count + (decision?.outcome.count ?? 0)
    }

    func write(to line: inout ByteCursor) {
        string("request_id", exchange.requestID, &line)
        plain("route", exchange.surface.label, &line)
        string("model", exchange.facts.model, &line)
        number("status", status, &line)
        if let error { string("error", error, &line) }
        number("duration_us", Int(microseconds), &line)
        if let first = exchange.firstByteAt {
            number("first_byte_us", Int((first - exchange.startedAt) / 1000), &line)
        }
        number("attempts", exchange.run.attempts.count, &line)
        if !failed.isEmpty {
            name("failed", &line)
            failed.withUnsafeBytes { line.write($0) }
        }
        number("request_bytes", exchange.request.body.readableBytes, &line)
        number("response_bytes", exchange.sentBytes, &line)
        line.write(exchange.facts.isStreaming ? ",\"stream\":true" : ",\"stream\":false")
        if let key = exchange.request.key { string("key", key.name, &line) }
        if let number = exchange.run.answeredBy { answer(number, &line) }
        if let decision {
            number("score", decision.score, &line)
            string("decision", decision.text, &line)
            name("outcome", &line)
            decision.outcome.withUnsafeBytes { line.write($0) }
        }
    }

    private func answer(_ place: Int, _ line: inout ByteCursor) {
        if let attempt = exchange.attempts[place] {
            string("deployment", attempt.plan.deploymentID, &line)
            string("upstream_model", attempt.plan.upstreamModel, &line)
        }
        if let usage = exchange.run.attempts[place].usage {
            number("input_tokens", usage.inputTokens, &line)
            number("output_tokens", usage.outputTokens, &line)
            if usage.isEstimated { line.write(",\"estimated\":true") }
        }
        let cost = exchange.run.attempts[place].cost
        if cost > .zero { string("cost", "\(cost)", &line) }
    }

    private func name(_ name: StaticString, _ line: inout ByteCursor) {
        line.write(",\"")
        line.write(name)
        line.write("\":")
    }

    private func string(_ key: StaticString, _ value: String, _ line: inout ByteCursor) {
        name(key, &line)
        line.write(UInt8(ascii: "\""))
        line.writeEscaped(value)
        line.write(UInt8(ascii: "\""))
    }

    private func plain(_ key: StaticString, _ value: StaticString, _ line: inout ByteCursor) {
        name(key, &line)
        line.write(UInt8(ascii: "\""))
        line.write(value)
        line.write(UInt8(ascii: "\""))
    }

    private func number(_ key: StaticString, _ value: Int, _ line: inout ByteCursor) {
        name(key, &line)
        line.write(value)
    }
}
