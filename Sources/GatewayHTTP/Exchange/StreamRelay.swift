// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore

/// What a stream has said so far, to be compared with another one.
struct SentText {
    /// Longer texts are not kept: a stream that broke after so much is not repeated.
    static let limitBytes = 256 << 10

    private(set) var bytes: [UInt8] = []
    /// False once something was sent that its text does not tell.
    private(set) var isWhole = true

    mutating func append(_ text: some Collection<UInt8>) {
        guard isWhole, bytes.count + text.count <= Self.limitBytes else { return giveUp() }
        bytes.append(contentsOf: text)
    }

    mutating func giveUp() {
        isWhole = false
        bytes = []
    }
}

/// Turns events of one dialect into those of another.
protocol StreamTranslator {
    /// The events that stand for one event of the upstream; `data` is its JSON.
    mutating func translate(_ data: UnsafeRawBufferPointer) -> [UInt8]
    /// What ends the stream for the client.
    mutating func end() -> [UInt8]
}

/// Takes a provider's stream apart, checks each event and collects what the client is to get.
struct StreamRelay {
    struct Outcome {
        /// The first valid event has come.
        var began = false
        /// The end mark has come.
        var ended = false
        var failure: AttemptFailure?
    }

    private let grammar: StreamGrammar
    private let eventLimit: Int
    private var translator: (any StreamTranslator)?
    /// What the client has already, when this stream is to go on behind it.
    private let expected: [UInt8]?
    private var matched = 0
    private let keepsText: Bool
    private var pending = ByteBuffer()
    private var output = ByteBuffer()
    private var hasBegun = false
    private var sawEnd = false
    private(set) var hasFinished = false
    private(set) var usage: TokenUsageFields?
    private(set) var sentText = SentText()
    private(set) var textBytes = 0
    private(set) var skippedEvents = 0

    init(
        grammar: StreamGrammar, translator: (any StreamTranslator)?, expected: [UInt8]?, keepsText: Bool,
        eventLimit: Int
    ) {
        self.grammar = grammar
        self.translator = translator
        self.expected = expected
        self.keepsText = keepsText
        self.eventLimit = eventLimit
        if !keepsText { sentText.giveUp() }
        if let expected { sentText.append(expected) }
    }

    /// Whether an end without a last word is a cut.
    var needsFinish: Bool {
        switch grammar {
        case .completions, .responses, .messages: true
        case .any: false
        }
    }

    var heldBytes: Int { output.readableBytes }

    mutating func takeHeld() -> ByteBuffer {
        defer { output = ByteBuffer() }
        return output
    }

    /// What the upstream should have sent last and did not.
    mutating func endMark() -> ByteBuffer? {
        if translator != nil {
            let end = translator?.end() ?? []
            return end.isEmpty ? nil : ByteBuffer(bytes: end)
        }
        guard !sawEnd else { return nil }
        switch grammar {
        case .completions: return ByteBuffer(staticString: "data: [DONE]\n\n")
        case .messages: return ByteBuffer(staticString: "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
        case .responses, .any: return nil
        }
    }

    /// Reads the next bytes of the stream.
    mutating func read(_ piece: ByteBuffer) -> Outcome {
        pending.appendArrived(piece)
        return process()
    }

    /// The transport is over: an event may lack its blank line.
    mutating func finish() -> Outcome {
        guard pending.readableBytes > 0, !sawEnd else { return Outcome() }
        pending.writeStaticString("\n\n")
        return process()
    }

    private mutating func process() -> Outcome {
        var outcome = Outcome()
        let bytes = pending
        var consumed = 0
        var runStart = 0
        bytes.withUnsafeReadableBytes { raw in
            while !sawEnd, outcome.failure == nil, let event = EventStreamFraming.next(raw, from: consumed) {
                consumed = event.whole.end
                let signal = grammar.read(event, in: raw)
                let passes = take(signal, event, raw, &outcome)
                if !passes {
                    flushRun(bytes, runStart, event.whole.start)
                    runStart = consumed
                    if translator == nil, let rest = outcomeRest {
                        output.writeBytes(rest)
                        outcomeRest = nil
                    }
                }
            }
        }
        flushRun(bytes, runStart, consumed)
        pending.moveReaderIndex(forwardBy: consumed)
        if pending.readableBytes == 0 {
            pending = ByteBuffer()
        } else if pending.readableBytes > eventLimit, outcome.failure == nil {
            outcome.failure = AttemptFailure(
                .malformedAnswer, status: 200, message: "an event of the stream is larger than \(eventLimit) bytes")
        }
        outcome.began = hasBegun
        outcome.ended = sawEnd
        return outcome
    }

    /// The rewritten form of an event that straddles the end of the expected text.
    private var outcomeRest: [UInt8]?

    private mutating func flushRun(_ bytes: ByteBuffer, _ start: Int, _ end: Int) {
        guard end > start, translator == nil else { return }
        guard let slice = bytes.getSlice(at: bytes.readerIndex + start, length: end - start) else { return }
        if output.readableBytes == 0 { output = slice } else { output.writeImmutableBuffer(slice) }
    }

    /// Whether the event is passed on as it is.
    private mutating func take(
        _ signal: StreamSignal, _ event: StreamEvent, _ raw: UnsafeRawBufferPointer, _ outcome: inout Outcome
    ) -> Bool {
        if let fields = signal.usage { usage = usage?.merged(with: fields) ?? fields }
        switch signal.kind {
        case .malformed:
            skippedEvents += 1
            return false
        case .neutral:
            if translator != nil { translate(event, raw) }
            // Pings before the first word are not kept without end.
            return expected == nil && (hasBegun || output.readableBytes < 16 << 10)
        case .error:
            outcome.failure = failure(of: signal, raw)
            return false
        case .end:
            let isContent = signal.finishes
            guard hasBegun || isContent else {
                outcome.failure = AttemptFailure(
                    .emptyAnswer, status: 200, message: "the stream ended without an answer")
                return false
            }
            if let problem = unmatched { outcome.failure = problem; return false }
            hasFinished = true
            hasBegun = true
            sawEnd = true
            if translator != nil { translate(event, raw) }
            return true
        case .content:
            return takeContent(signal, event, raw, &outcome)
        }
    }

    private mutating func takeContent(
        _ signal: StreamSignal, _ event: StreamEvent, _ raw: UnsafeRawBufferPointer, _ outcome: inout Outcome
    ) -> Bool {
        if let expected, matched < expected.count || !hasBegun {
            return match(expected, signal, event, raw, &outcome)
        }
        hasBegun = true
        if signal.finishes { hasFinished = true }
        note(signal, raw)
        if translator != nil { translate(event, raw) }
        return true
    }

    private mutating func note(_ signal: StreamSignal, _ raw: UnsafeRawBufferPointer) {
        if signal.hasOtherOutput { sentText.giveUp() }
        guard let text = signal.text else { return }
        textBytes += text.count
        guard keepsText, sentText.isWhole else { return }
        let content = raw[text.start..<text.end]
        if content.contains(UInt8(ascii: "\\")) {
            guard let decoded = JSONText.string(raw, text) else { return sentText.giveUp() }
            sentText.append(Array(decoded.utf8))
        } else {
            sentText.append(content)
        }
    }

    private var unmatched: AttemptFailure? {
        guard let expected, matched < expected.count else { return nil }
        return AttemptFailure(.prefixMismatch, message: "another deployment answered differently")
    }

    /// Swallows output while it equals what the client has; the event that goes beyond is cut to its rest.
    private mutating func match(
        _ expected: [UInt8], _ signal: StreamSignal, _ event: StreamEvent, _ raw: UnsafeRawBufferPointer,
        _ outcome: inout Outcome
    ) -> Bool {
        let mismatch = AttemptFailure(.prefixMismatch, message: "another deployment answered differently")
        guard !signal.hasOtherOutput else {
            outcome.failure = mismatch
            return false
        }
        let text = signal.text.flatMap { JSONText.string(raw, $0) }.map { Array($0.utf8) } ?? []
        let count = min(text.count, expected.count - matched)
        guard text.prefix(count).elementsEqual(expected[matched..<(matched + count)]) else {
            outcome.failure = mismatch
            return false
        }
        matched += count
        guard matched == expected.count else {
            // A last word too early: the other answer is shorter.
            if signal.finishes { outcome.failure = mismatch }
            return false
        }
        let rest = Array(text.dropFirst(count))
        if rest.isEmpty, !signal.finishes {
            // Exactly matched: what follows is new. Events of the role or of old text are not repeated.
            hasBegun = true
            return false
        }
        hasBegun = true
        if signal.finishes { hasFinished = true }
        textBytes += rest.count
        sentText.append(rest)
        if count == 0, !text.isEmpty || signal.finishes { return true }
        outcomeRest = Self.rewrite(event, raw, text: rest)
        return false
    }

    private static func rewrite(_ event: StreamEvent, _ raw: UnsafeRawBufferPointer, text: [UInt8]) -> [UInt8]? {
        guard let data = event.data, var root = (try? JSONParser.parse(Array(raw[data.start..<data.end])))?.objectValue,
            var choice = root["choices"]?.arrayValue?.first?.objectValue
        else { return nil }
        let rest = JSONValue.string(String(decoding: text, as: UTF8.self))
        if var delta = choice["delta"]?.objectValue {
            delta["content"] = rest
            choice["delta"] = .object(delta)
        } else {
            choice["text"] = rest
        }
        root["choices"] = [.object(choice)]
        return Array("data: ".utf8) + JSONWriter.bytes(of: .object(root)) + Array("\n\n".utf8)
    }

    private mutating func translate(_ event: StreamEvent, _ raw: UnsafeRawBufferPointer) {
        guard let data = event.data, !raw.isExactly(data, "[DONE]") else { return }
        let events = translator?.translate(UnsafeRawBufferPointer(rebasing: raw[data.start..<data.end])) ?? []
        if !events.isEmpty { output.writeBytes(events) }
    }

    private func failure(of signal: StreamSignal, _ raw: UnsafeRawBufferPointer) -> AttemptFailure {
        let error = signal.error.map { UpstreamError.read(Array(raw[$0.start..<$0.end])) } ?? UpstreamError()
        let kind = UpstreamError.specialKind(error) ?? (hasBegun ? .streamCut : .errorFirstStream)
        return AttemptFailure(
            kind, status: 200, message: String((error.message ?? "the stream reported an error").prefix(500)))
    }
}
