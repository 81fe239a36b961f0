// SPDX-License-Identifier: MIT

/// One request from its arrival to its answer: which deployment is called when, what a failure leads to, when to give
/// up.
///
/// A pure state machine. The caller reports what happened through ``handle(_:at:in:using:)``, performs the effects in
/// order, and calls with ``Event/wake`` when ``wakeAt`` has come. Reports about attempts that ended before are ignored,
/// so a race between a cancellation and an answer needs no care.
public struct RequestRun: Sendable {
    /// What the caller reports.
    public enum Event: Sendable {
        case begin
        /// The first valid event of a stream arrived, or the head of a plain answer.
        case firstByte(Int)
        /// The answer is whole and valid.
        case finished(Int, usage: TokenUsage)
        case failed(Int, AttemptFailure)
        case wake
        /// The client went away; what the running calls used so far, if known.
        case clientGone(usage: TokenUsage?)
    }

    /// What the caller is to do, in order.
    public enum Effect: Sendable {
        case start(Attempt)
        /// Stop a call and ignore what it still says.
        case cancel(Int)
        /// The answer of this attempt goes to the client: all of it, or for a stream from here on.
        case commit(Int)
        /// Keep a settled amount.
        case record(LedgerEntry)
        /// The request is over and answered.
        case finish(Int)
        /// The request is over; nothing was sent to the client yet.
        case fail(RequestFailure)
        /// The request is over; the client has a part of a stream, which ends with an error event and no `[DONE]`.
        case breakOff(RequestFailure)
    }

    enum Phase: Hashable, Sendable {
        case idle
        case waiting(until: Instant, Intent)
        /// Nothing was sent yet; one call runs, or a second one beside it.
        case racing(first: Int, hedge: Int?, hedgeAt: Instant?)
        case streaming(Int)
        /// The client has a part; another call repeats it.
        case resuming(Int)
        case over
    }

    enum Intent: Hashable, Sendable {
        case choose
        case call(RoutingTable.Link, place: Int)
    }

    /// The request.
    public let request: RouteRequest
    /// Where it may go.
    public let plan: RoutePlan
    /// Its calls in the order of their ids.
    public internal(set) var attempts: [AttemptRecord] = []
    /// The attempt whose answer the client got.
    public internal(set) var answeredBy: Int?
    var phase = Phase.idle
    var chain: [RoutingTable.Link]
    var tries = Tries()
    var spoiledModels: [String] = []
    var startedAt = Instant(nanoseconds: 0)
    var deadline = Instant.distantFuture
    var repeats = 0
    var resumes = 0
    var waited: Duration = .zero
    var hasHedged = false
    /// The failure that tells the client most, so far.
    var worst: (failure: AttemptFailure, attempt: Int)?

    public init(_ request: RouteRequest, plan: RoutePlan) {
        self.request = request
        self.plan = plan
        chain = plan.chain(.general)
    }

    /// When to report ``Event/wake``; asked for after every event.
    public var wakeAt: Instant? {
        switch phase {
        case .idle, .over: nil
        case .waiting(let until, _): min(until, deadline)
        case .racing(_, _, let hedgeAt): min(hedgeAt ?? deadline, deadline)
        case .streaming, .resuming: deadline
        }
    }

    /// Whether client and ledger have got all that they get.
    public var isOver: Bool { phase == .over }

    /// The number of groups that were passed over before the one that answered.
    public var fallbacksTaken: Int {
        guard let id = answeredBy ?? attempts.indices.last, attempts[id].attempt.link != plan.first else { return 0 }
        return plan.fallbacks.firstIndex(of: attempts[id].attempt.link).map { $0 + 1 } ?? 1
    }

    /// The number of calls that repeated an earlier one at the same deployment.
    public var repetitions: Int {
        attempts.count { $0.attempt.purpose == .repetition }
    }

    /// Takes one event and says what to do.
    public mutating func handle(
        _ event: Event, at now: Now, in engine: inout RoutingEngine, using random: inout some RandomNumberGenerator
    ) -> [Effect] {
        var step = Step(now: now)
        switch (phase, event) {
        case (.idle, .begin):
            begin(&step, &engine, using: &random)
        case (.idle, .clientGone), (.waiting, .clientGone), (.racing, .clientGone):
            if case .clientGone(let usage) = event { abandon(usage, &step, &engine) }
        case (.streaming, .clientGone(let usage)), (.resuming, .clientGone(let usage)):
            abandon(usage, &step, &engine)
        case (.waiting(let until, let intent), .wake):
            wake(until, intent, &step, &engine, using: &random)
        case (.racing, .wake):
            raceWoke(&step, &engine, using: &random)
        case (.streaming, .wake), (.resuming, .wake):
            if now.instant >= deadline { endAtDeadline(&step, &engine, using: &random) }
        case (.racing, .firstByte(let id)):
            if isRunning(id) { firstByte(id, &step, &engine) }
        case (.racing, .finished(let id, let usage)):
            if isRunning(id) { answered(id, usage, &step, &engine) }
        case (.racing, .failed(let id, let failure)):
            if isRunning(id) { racerFailed(id, failure, &step, &engine, using: &random) }
        case (.streaming(let id), .finished(let other, let usage)):
            if id == other { streamEnded(id, usage, &step, &engine) }
        case (.streaming(let id), .failed(let other, let failure)):
            if id == other { streamBroke(id, failure, &step, &engine, using: &random) }
        case (.resuming(let id), .firstByte(let other)):
            if id == other { resumed(id, &step, &engine) }
        case (.resuming(let id), .finished(let other, let usage)):
            if id == other { resumeEndedAtOnce(id, usage, &step, &engine) }
        case (.resuming(let id), .failed(let other, let failure)):
            if id == other { resumeFailed(id, failure, &step, &engine, using: &random) }
        case (.waiting, .firstByte), (.waiting, .finished), (.waiting, .failed), (.streaming, .firstByte),
            (.idle, .firstByte), (.idle, .finished), (.idle, .failed), (.idle, .wake),
            (.waiting, .begin), (.racing, .begin), (.streaming, .begin), (.resuming, .begin), (.over, _):
            break
        }
        return step.effects
    }

    /// What one event leads to.
    struct Step {
        let now: Now
        var effects: [Effect] = []

        mutating func add(_ entry: LedgerEntry?) {
            if let entry { effects.append(.record(entry)) }
        }
    }

    func isRunning(_ id: Int) -> Bool {
        attempts.indices.contains(id) && attempts[id].outcome == .running
    }

    var selection: Selection {
        Selection(request: request, plan: plan, tries: tries, spoiledModels: spoiledModels)
    }

    private mutating func begin(
        _ step: inout Step, _ engine: inout RoutingEngine, using random: inout some RandomNumberGenerator
    ) {
        startedAt = step.now.instant
        deadline =
            startedAt + min(request.timeout ?? plan.table.policy.timeouts.total, plan.table.policy.timeouts.total)
        if let refusal = engine.admitKey(request, at: startedAt) { return fail(refusal, &step) }
        if let hedge = plan.table.policy.hedge { engine.hedges.requestBegan(hedge) }
        advance(&step, &engine, using: &random)
    }
}
