// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import LLMRouting
internal import NIOCore
internal import Synchronization
internal import SystemIO

/// One request on its way: performs what its `RequestRun` decides and writes the answer to the client.
final class Exchange: AttemptOwner {
    /// How the client wants its answer.
    enum Shape {
        /// As the route's API has it.
        case standard
        /// `provider_used`, `content`, `latency_ms` and `cost`.
        case ranked
    }

    enum State {
        case waiting
        case running
        /// The head of a stream went out.
        case streaming
        case over
    }

    let loop: GatewayLoop
    let snapshot: Snapshot
    let request: ClientRequest
    let surface: Surface
    let facts: RequestFacts
    let requestID: String
    let shape: Shape
    /// The model group that the request was routed to.
    let group: String
    private(set) var run: RequestRun
    private(set) var attempts: [RunningAttempt?] = []
    /// Nil once it is gone or answered; the two hold each other until then.
    private(set) var client: ClientConnection?
    var state = State.waiting
    /// The attempt whose answer the client gets.
    private(set) var winner: RunningAttempt?
    /// Events that came while another one was handled.
    private var events: [RequestRun.Event] = []
    private var isHandling = false
    /// What is to be done, and how much of it is: it waits while an amount is written to the ledger.
    private var effects: [RequestRun.Effect] = []
    private var effectsDone = 0
    private var isRecording = false
    private var wakeTimer: TimerQueue.ID?
    private var wakeAt = Int64.max
    /// When the run wants to be woken.
    private var nextWake = Int64.max
    private var isPaused = false
    private var pausedAt: Int64?
    /// The place in the loop's list.
    var index = -1
    var queueDeadline = Int64.max
    let startedAt: Int64
    var firstByteAt: Int64?
    var sentBytes = 0

    init(
        loop: GatewayLoop, client: ClientConnection, request: ClientRequest, surface: Surface, facts: RequestFacts,
        requestID: String, run: RequestRun, shape: Shape = .standard
    ) {
        self.shape = shape
        self.loop = loop
        self.snapshot = loop.snapshot
        self.client = client
        self.request = request
        self.surface = surface
        self.facts = facts
        self.requestID = requestID
        self.run = run
        group = run.plan.model
        startedAt = request.receivedAt
    }

    // MARK: Events

    func start() {
        state = .running
        handle(.begin)
    }

    /// Ends a request that never began.
    func refuse(_ error: GatewayError) {
        guard state == .waiting else { return }
        finish(failing: error)
    }

    /// The client's connection is gone: nobody is called for nobody.
    func clientGone() {
        guard state != .over else { return }
        client = nil
        let fields = winner?.usage
        guard !isRecording else { return }
        handle(.clientGone(usage: fields?.usage))
        if !isRecording { conclude(outcome: .clientGone) }
    }

    /// The client sends nothing more: it waits for its answer, or it has left. Something that every client skips is written to
    /// it, and a connection that nobody holds any more answers with a reset.
    func clientSentAll() {
        guard let client else { return }
        if state == .streaming {
            ChunkWriter.write(ByteBuffer(staticString: ":\n\n"), &loop.answerScratch) { client.write($0) }
        } else {
            client.write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
        }
        client.flush()
    }

    func clientWritable(_ isWritable: Bool) {
        guard state == .streaming, let winner else { return }
        if isWritable, isPaused {
            isPaused = false
            winner.resumeReading()
        } else if !isWritable, !isPaused {
            pause()
        }
    }

    private func pause() {
        isPaused = true
        winner?.call?.setReading(false)
    }

    /// Called by the loop's tick: looks at the time-outs of everything that runs. `now` is attentive time.
    func check(now: Int64) {
        if loop.now >= wakeAt { handle(.wake) }
        guard state != .over else { return }
        for attempt in attempts {
            guard let attempt, !attempt.isOver else { continue }
            check(attempt, now: now)
        }
    }

    private func check(_ attempt: RunningAttempt, now: Int64) {
        let timeouts = attempt.plan.timeouts
        let firstEvent = attempt.target.firstEventTimeout ?? timeouts.firstToken
        switch attempt.phase {
        case .connecting, .awaitingHead:
            let limit = attempt.isStreaming ? firstEvent : attempt.target.answerTimeout ?? snapshot.answerTimeout
            if now - attempt.awaitedSince >= Nanoseconds.of(limit) { attempt.timeOut(.firstTokenTimeout) }
        case .awaitingEvent:
            if now - attempt.awaitedSince >= Nanoseconds.of(firstEvent) { attempt.timeOut(.firstTokenTimeout) }
        case .collecting, .held:
            if now - attempt.lastByteAt >= Nanoseconds.of(timeouts.idle) { attempt.timeOut(.idleTimeout) }
        case .relaying:
            guard !isPaused else { return }
            let quiet = now - attempt.lastByteAt
            if attempt.hasFinished {
                if quiet >= snapshot.limits.finishGrace { attempt.finishWithoutEndMark() }
            } else if quiet >= Nanoseconds.of(timeouts.idle) {
                attempt.timeOut(.idleTimeout)
            }
        case .over: break
        }
    }

    private func handle(_ event: RequestRun.Event) {
        guard state != .over else { return }
        guard !isHandling, !isRecording else { return events.append(event) }
        isHandling = true
        decide(event)
        work()
    }

    private func decide(_ event: RequestRun.Event) {
        let now = loop.clock.moment
        (effects, nextWake) = loop.shared.engine.withLock { engine in
            Self.decide(event, &run, at: now, in: &engine, using: &loop.random)
        }
        effectsDone = 0
    }

    /// Takes the run in place: a look at it through the object would copy it.
    private static func decide(
        _ event: RequestRun.Event, _ run: inout RequestRun, at now: Now, in engine: inout RoutingEngine,
        using random: inout QuickRandom
    ) -> ([RequestRun.Effect], Int64) {
        let effects = run.handle(event, at: now, in: &engine, using: &random)
        return (effects, run.wakeAt?.nanoseconds ?? .max)
    }

    /// How often the request was repeated and how many groups were passed over.
    func routingCounts() -> (repetitions: Int, fallbacks: Int) {
        Self.counts(&run)
    }

    private static func counts(_ run: inout RequestRun) -> (repetitions: Int, fallbacks: Int) {
        (run.repetitions, run.fallbacksTaken)
    }

    /// Performs effects and handles the events they cause, in order, until an amount is to be recorded.
    private func work() {
        while state != .over, !isRecording {
            if effectsDone < effects.count {
                effectsDone += 1
                perform(effects[effectsDone - 1])
            } else if !events.isEmpty {
                decide(events.removeFirst())
            } else {
                break
            }
        }
        isHandling = false
        scheduleWake()
    }

    /// An answer is complete only when its amount is kept.
    private func record(_ entry: LedgerEntry) {
        guard let ledger = snapshot.recorders.ledger else { return }
        isRecording = true
        let kept: @Sendable (Bool) -> Void = loop.whenTold { [self] _ in
            isRecording = false
            isHandling = true
            work()
        }
        ledger.append(entry) { kept(true) }
    }

    private func scheduleWake() {
        let moment = state == .over ? Int64.max : nextWake
        guard moment != wakeAt else { return }
        cancelWake()
        wakeAt = moment
        guard moment != .max else { return }
        let delay = max(0, moment - loop.now)
        // What is far away is seen by the tick; only short waits need a timer of their own.
        guard delay < Nanoseconds.seconds(2) else { return }
        wakeTimer = loop.sockets.descriptors.after(.nanoseconds(delay)) { [weak self] in
            guard let self else { return }
            loop.clock.advance()
            wakeTimer = nil
            wakeAt = .max
            handle(.wake)
        }
    }

    private func cancelWake() {
        if let wakeTimer { loop.sockets.descriptors.cancel(wakeTimer) }
        wakeTimer = nil
    }

    // MARK: Effects

    private func perform(_ effect: RequestRun.Effect) {
        switch effect {
        case .start(let attempt): begin(attempt)
        case .cancel(let number): attempts[number]?.cancel()
        case .commit(let number): commit(number)
        case .record(let entry): record(entry)
        case .finish(let number): answer(number)
        case .fail(let failure): fail(failure)
        case .breakOff(let failure): breakOff(failure)
        }
    }

    private func begin(_ plan: LLMRouting.Attempt) {
        let target = snapshot.targets[plan.deploymentIndex]
        let expected = plan.purpose == .resume ? winner?.sentText : nil
        let translation = Translation(client: surface, target: target.dialect)
        let grammar = StreamGrammar(translation?.upstreamSurface ?? surface)
        let attempt = RunningAttempt(
            plan, target: target, surface: translation?.upstreamSurface ?? surface,
            isStreaming: facts.isStreaming,
            owner: self, limits: snapshot.limits, clock: loop.clock,
            relay: StreamRelay(
                grammar: grammar,
                translator: translation?.streamTranslator(
                    model: facts.model, includesUsage: facts.includesUsage),
                expected: expected?.bytes,
                keepsText: snapshot.table.policy.resume == .verifiedPrefix && translation == nil,
                eventLimit: snapshot.limits.eventBytes))
        attempts.append(attempt)
        if plan.purpose == .resume, expected?.isWhole != true || translation != nil {
            return attempt.refuse(
                AttemptFailure(.prefixMismatch, message: "the stream was cut off and cannot be continued"))
        }
        if let translation, translation.countsLocally { return count(attempt) }
        do throws(TranslationError) {
            let body = try body(for: plan, translation)
            call(attempt, plan, body, translated: translation != nil, fresh: false)
        } catch {
            attempt.refuse(AttemptFailure(.badRequest, status: 400, message: error.words))
        }
    }

    private func count(_ attempt: RunningAttempt) {
        let body = Array("{\"input_tokens\":\(max(1, run.request.estimatedInputTokens))}".utf8)
        attempt.call = MockCall(
            steps: [.head(200, [("content-type", "application/json")]), .body(body), .end], loop: loop,
            receiver: attempt)
    }

    private func body(
        for plan: LLMRouting.Attempt, _ translation: Translation?
    ) throws(TranslationError) -> UpstreamBody {
        if let translation {
            return UpstreamBody(rest: try translation.request(request.body, model: plan.upstreamModel))
        }
        guard let span = facts.modelSpan else { return UpstreamBody(rest: request.body) }
        return UpstreamRequest.splice(request.body, span, model: plan.upstreamModel, asJSON: !facts.isMultipart)
    }

    private func call(
        _ attempt: RunningAttempt, _ plan: LLMRouting.Attempt, _ body: UpstreamBody, translated: Bool, fresh: Bool
    ) {
        if !fresh { loop.metrics.attempts += 1 }
        switch attempt.target.provider {
        case .mock:
            attempt.call = MockCall(
                model: plan.upstreamModel, surface: attempt.surface, body: body.whole, requestID: requestID, loop: loop,
                receiver: attempt)
        case .http(let base):
            let (first, rest) = UpstreamRequest.make(
                request, id: requestID, to: attempt.target, surface: attempt.surface, body: body,
                contentType: translated ? "application/json" : nil, in: &loop.requestScratch)
            attempt.call = loop.pool(for: base.origin).call(
                first, rest, connectTimeout: plan.timeouts.connect, fresh: fresh, receiver: attempt)
        }
    }

    private func commit(_ number: Int) {
        guard let attempt = attempts[number] else { return }
        winner = attempt
        guard attempt.isEventStream, let client else { return }
        if state == .running {
            state = .streaming
            firstByteAt = loop.now
            client.write(AnswerHead.stream(self, attempt, keepsAlive: client.keepsAlive))
        }
        attempt.beginRelaying()
        if !client.isWritable { pause() }
        client.flush()
    }

    // MARK: What attempts say

    func attemptNeedsFreshConnection(_ attempt: RunningAttempt) {
        let plan = attempt.plan
        let translation = Translation(client: surface, target: attempt.target.dialect)
        // It was translated before, so it will be again.
        guard let body = try? body(for: plan, translation) else { return }
        call(attempt, plan, body, translated: translation != nil, fresh: true)
    }

    func attemptAnswers(_ attempt: RunningAttempt) {
        handle(.firstByte(attempt.number))
    }

    func attemptBegan(_ attempt: RunningAttempt) {
        handle(.firstByte(attempt.number))
    }

    func attemptSucceeded(_ attempt: RunningAttempt) {
        handle(.finished(attempt.number, usage: usage(of: attempt)))
    }

    func attemptFailed(_ attempt: RunningAttempt, _ failure: AttemptFailure) {
        var failure = failure
        if failure.usage == nil, attempt.firstEventAt != nil { failure.usage = usage(of: attempt) }
        loop.metrics.count(failure.kind)
        handle(.failed(attempt.number, failure))
    }

    func attempt(_ attempt: RunningAttempt, output: ByteBuffer) {
        guard attempt === winner, state == .streaming, let client else { return }
        sentBytes += output.readableBytes
        if request.head.minorVersion == 0 { return client.write(output) }
        ChunkWriter.write(output, &loop.answerScratch) { client.write($0) }
    }

    func attemptPaused(_ attempt: RunningAttempt) {
        guard attempt === winner else { return }
        client?.flush()
    }

    /// What the provider counted; counted from the texts where it did not.
    private func usage(of attempt: RunningAttempt) -> TokenUsage {
        if let fields = attempt.usage { return fields.usage }
        return TokenUsage(
            inputTokens: run.request.estimatedInputTokens, outputTokens: (attempt.outputTextBytes + 3) / 4,
            isEstimated: true)
    }

    func conclude(outcome: Outcome) {
        guard state != .over else { return }
        state = .over
        cancelWake()
        for attempt in attempts { attempt?.cancel() }
        loop.record(self, outcome: client == nil ? .clientGone : outcome)
        client = nil
        loop.finished(self)
    }
}
