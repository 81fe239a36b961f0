// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import LLMRouting
internal import NIOCore
internal import SystemIO

/// Who is told what becomes of an attempt.
protocol AttemptOwner: AnyObject {
    /// The pooled connection had been closed by the other side: call again over another one.
    func attemptNeedsFreshConnection(_ attempt: RunningAttempt)
    /// The head of a whole answer is there.
    func attemptAnswers(_ attempt: RunningAttempt)
    /// A stream began with a valid event; nothing was given out yet.
    func attemptBegan(_ attempt: RunningAttempt)
    /// A whole answer is there, or a stream has ended as it should.
    func attemptSucceeded(_ attempt: RunningAttempt)
    func attemptFailed(_ attempt: RunningAttempt, _ failure: AttemptFailure)
    /// Bytes of a stream for the client, in the client's dialect.
    func attempt(_ attempt: RunningAttempt, output: ByteBuffer)
    /// What was given out should be sent now.
    func attemptPaused(_ attempt: RunningAttempt)
}

/// One call to one deployment: judges the answer before anything of it is shown to the client.
final class RunningAttempt: UpstreamReceiver {
    enum Phase: Equatable {
        case connecting, awaitingHead
        /// A whole answer, or an error's body, is being collected.
        case collecting
        /// A stream whose first valid event has not come.
        case awaitingEvent
        /// A stream that began; what it says is held until the owner takes it.
        case held
        /// What the stream says goes to the client.
        case relaying
        case over
    }

    /// The number of the call in the request's run.
    let number: Int
    /// What the routing engine decided about it.
    let plan: LLMRouting.Attempt
    let target: Target
    let surface: Surface
    let isStreaming: Bool
    /// What a stream says in one go leaves in one piece, up to this size.
    private static let gatheredBytes = 64 << 10

    private unowned let owner: any AttemptOwner
    private let limits: GatewayLimits
    private(set) var phase = Phase.connecting
    var call: (any UpstreamCall)?
    private(set) var head: UpstreamHead?
    /// The whole answer, an error's body, or the part of a stream that is not a whole event yet.
    private(set) var body = ByteBuffer()
    private var relay: StreamRelay
    private(set) var usage: TokenUsageFields?
    let startedAt: Int64
    /// The same in attentive time.
    let awaitedSince: Int64
    private(set) var firstByteAt: Int64?
    /// In attentive time.
    private(set) var lastByteAt: Int64
    private(set) var firstEventAt: Int64?
    private(set) var connectedAt: Int64?
    /// Stale connections are replaced once without asking anybody.
    private var mayReplaceConnection = true
    private let clock: LoopClock

    init(
        _ plan: LLMRouting.Attempt, target: Target, surface: Surface, isStreaming: Bool, owner: any AttemptOwner,
        limits: GatewayLimits, clock: LoopClock, relay: StreamRelay
    ) {
        self.plan = plan
        number = plan.id
        self.target = target
        self.surface = surface
        self.isStreaming = isStreaming
        self.owner = owner
        self.limits = limits
        self.relay = relay
        self.clock = clock
        startedAt = clock.now
        awaitedSince = clock.attentive
        lastByteAt = awaitedSince
    }

    var isOver: Bool { phase == .over }
    var hasFinished: Bool { relay.hasFinished }
    var sentText: SentText { relay.sentText }
    var outputTextBytes: Int { relay.textBytes }
    var skippedEvents: Int { relay.skippedEvents }

    /// The whole answer in the client's dialect.
    func answerBody(translatingFor exchange: Exchange) -> ByteBuffer {
        guard let translation = Translation(client: exchange.surface, target: target.dialect),
            !translation.countsLocally
        else {
            return body
        }
        return translation.answer(body, model: exchange.facts.model)
    }

    /// Whether the answer is a stream of events.
    private(set) var isEventStream = false

    /// Reads on after a pause that the client caused; the upstream's silence in it was not its own.
    func resumeReading() {
        lastByteAt = clock.attentive
        call?.setReading(true)
    }

    /// Fails without having called anybody.
    func refuse(_ failure: AttemptFailure) {
        fail(failure)
    }

    /// Ends the call without a word to the owner.
    func cancel() {
        phase = .over
        call?.cancel()
        call = nil
    }

    /// Gives out what was held, and from now on everything at once.
    func beginRelaying() {
        guard phase == .held else { return }
        phase = .relaying
        giveOut()
    }

    /// Hands the owner what has gathered.
    private func giveOut() {
        let output = relay.takeHeld()
        if output.readableBytes > 0 { owner.attempt(self, output: output) }
    }

    /// Ends a stream that said its last word but not its end mark.
    func finishWithoutEndMark() {
        guard phase == .relaying || phase == .held else { return }
        call?.cancel()
        call = nil
        succeed()
    }

    // MARK: What the upstream says

    func upstreamConnected() {
        guard phase == .connecting else { return }
        connectedAt = clock.now
        phase = .awaitingHead
    }

    func upstreamHead(_ head: UpstreamHead) {
        guard phase == .awaitingHead || phase == .connecting else { return }
        let now = clock.now
        firstByteAt = now
        lastByteAt = clock.attentive
        self.head = head
        guard (200..<300).contains(head.status) else {
            phase = .collecting
            return
        }
        if let encoding = head.text(.contentEncoding), encoding.lowercased() != "identity" {
            return fail(
                AttemptFailure(
                    .malformedAnswer, status: head.status, message: "the answer is compressed, which was not asked for")
            )
        }
        if head.contentType(is: "text/html") {
            return fail(AttemptFailure(.htmlAnswer, status: head.status, message: "the answer is a web page"))
        }
        isEventStream = head.contentType(is: "text/event-stream")
        if isStreaming, !isEventStream, surface.streamsEvents {
            // It may be an error in JSON; whatever it is, the client cannot read it as a stream.
            phase = .collecting
        } else if isEventStream {
            phase = .awaitingEvent
        } else {
            phase = .collecting
            owner.attemptAnswers(self)
        }
    }

    func upstreamBody(_ piece: ByteBuffer) {
        lastByteAt = clock.attentive
        switch phase {
        case .connecting, .awaitingHead, .over: return
        case .collecting: collect(piece)
        case .awaitingEvent, .held, .relaying: read(piece)
        }
    }

    func upstreamPause() {
        guard phase == .relaying else { return }
        giveOut()
        owner.attemptPaused(self)
    }

    func upstreamEnd() {
        call = nil
        switch phase {
        case .over: return
        case .connecting, .awaitingHead:
            fail(AttemptFailure(.connection, message: "the connection was closed before an answer"))
        case .collecting: judge()
        case .awaitingEvent:
            finishTail()
            if phase == .awaitingEvent {
                fail(AttemptFailure(.emptyAnswer, status: 200, message: "the stream ended without an answer"))
            } else {
                endStream()
            }
        case .held, .relaying:
            finishTail()
            endStream()
        }
    }

    func upstreamFailed(_ failure: TransportFailure) {
        call = nil
        if failure == .staleConnection, mayReplaceConnection, phase != .over {
            mayReplaceConnection = false
            return owner.attemptNeedsFreshConnection(self)
        }
        switch phase {
        case .over: return
        case .connecting, .awaitingHead: fail(failure.attemptFailure)
        case .collecting where head.map({ !(200..<300).contains($0.status) }) ?? false: judge()
        case .collecting: fail(AttemptFailure(.streamCut, status: head?.status, message: "the answer was cut off"))
        case .awaitingEvent:
            fail(AttemptFailure(.streamCut, status: 200, message: "the stream was cut off before its first event"))
        case .held, .relaying:
            // The last word was said; only the end of the transport is missing.
            if relay.hasFinished {
                succeed()
            } else {
                fail(AttemptFailure(.streamCut, status: 200, message: "the stream was cut off"))
            }
        }
    }

    // MARK: Whole answers

    private func collect(_ piece: ByteBuffer) {
        let isError = !(200..<300).contains(head?.status ?? 0)
        let limit = isError ? limits.errorBodyBytes : limits.heldAnswerBytes
        guard body.readableBytes + piece.readableBytes <= limit else {
            if isError { return judge() }
            return fail(
                AttemptFailure(
                    .malformedAnswer, status: head?.status, message: "the answer is larger than \(limit) bytes"))
        }
        if body.readableBytes == 0 { body = piece } else { body.writeImmutableBuffer(piece) }
    }

    private func judge() {
        guard let head else { return }
        guard (200..<300).contains(head.status) else {
            call?.cancel()
            call = nil
            let now = MomentOfDay.secondsSince1970()
            let retryAfter = head.text(.retryAfter).flatMap { RetryAfter.parse($0, nowSeconds: now) }
            return fail(
                UpstreamError.failure(status: head.status, body: Array(body.readableBytesView), retryAfter: retryAfter))
        }
        if surface.isOpaque, !head.contentType(is: "application/json") {
            guard body.readableBytes > 0 else {
                return fail(AttemptFailure(.emptyAnswer, status: 200, message: "the answer is empty"))
            }
            return succeed()
        }
        let outcome = body.withUnsafeReadableBytes { AnswerCheck.judge($0, surface: surface, dialect: target.dialect) }
        switch outcome {
        case .failed(let failure): fail(failure)
        case .valid(let fields):
            if isStreaming, surface.streamsEvents {
                return fail(
                    AttemptFailure(
                        .malformedAnswer, status: 200, message: "a stream was asked for, a whole answer came"))
            }
            usage = fields
            succeed()
        }
    }

    // MARK: Streams

    private func read(_ piece: ByteBuffer) {
        let outcome = relay.read(piece)
        apply(outcome)
    }

    private func finishTail() {
        let outcome = relay.finish()
        apply(outcome)
    }

    private func apply(_ outcome: StreamRelay.Outcome) {
        if let fields = relay.usage { usage = fields }
        if phase == .awaitingEvent, outcome.began {
            phase = .held
            firstEventAt = clock.now
            owner.attemptBegan(self)
            guard phase != .over else { return }
        }
        if phase == .relaying, relay.heldBytes > Self.gatheredBytes { giveOut() }
        guard phase != .over else { return }
        if let failure = outcome.failure {
            call?.cancel()
            call = nil
            return fail(failure)
        }
        if outcome.ended, phase == .relaying || phase == .held {
            // The end mark is the end, whatever the upstream does with its connection afterwards.
            succeed()
        }
    }

    private func endStream() {
        guard phase == .held || phase == .relaying else { return }
        if relay.hasFinished || !relay.needsFinish {
            succeed()
        } else {
            fail(AttemptFailure(.streamCut, status: 200, message: "the stream ended before the answer was complete"))
        }
    }

    // MARK: Ends

    private func succeed() {
        if phase == .relaying {
            giveOut()
            if let mark = relay.endMark() { owner.attempt(self, output: mark) }
        }
        call?.letGo()
        call = nil
        phase = .over
        owner.attemptSucceeded(self)
    }

    private func fail(_ failure: AttemptFailure) {
        guard phase != .over else { return }
        if phase == .relaying { giveOut() }
        guard phase != .over else { return }
        phase = .over
        call?.cancel()
        call = nil
        var failure = failure
        // An upstream may repeat what it was sent.
        failure.message = target.redacting(failure.message)
        owner.attemptFailed(self, failure)
    }

    /// Called by the exchange's clock.
    func timeOut(_ kind: FailureKind) {
        let words =
            switch kind {
            case .firstTokenTimeout: "no answer began in time"
            case .idleTimeout: "the answer stalled"
            default: "no connection in time"
            }
        fail(AttemptFailure(kind, message: words))
    }
}

extension Surface {
    /// Answers to `stream: true` are events that are understood and checked.
    var streamsEvents: Bool {
        switch self {
        case .chatCompletions, .completions, .responses, .messages: true
        case .embeddings, .countTokens, .speech, .transcriptions, .translations, .imageGenerations, .imageEdits,
            .imageVariations, .rerank, .moderations:
            false
        }
    }

    /// Answers may be something else than JSON.
    var isOpaque: Bool {
        switch self {
        case .speech, .transcriptions, .translations: true
        case .chatCompletions, .completions, .responses, .messages, .embeddings, .countTokens, .imageGenerations,
            .imageEdits,
            .imageVariations, .rerank, .moderations:
            false
        }
    }
}
