// SPDX-License-Identifier: MIT

import LLMRouting

/// A generator with a seed, so that a failing test can be repeated.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// One of some elements; there must be one.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// What a simulated deployment does with one call.
enum Reply {
    case answer(after: Duration, usage: TokenUsage = TokenUsage(inputTokens: 10, outputTokens: 5))
    case fail(AttemptFailure, after: Duration = .milliseconds(5))
    /// Says nothing; the caller's time-out for the first token ends it.
    case silence
    /// Begins a stream and breaks it.
    case cut(firstByte: Duration, after: Duration)
    /// Resumes with another text than the client has.
    case differ(after: Duration)

    static func status(_ status: Int, retryAfter: Duration? = nil) -> Reply {
        .fail(
            AttemptFailure(
                AttemptFailure.kind(ofStatus: status) ?? .unknown, status: status, retryAfter: retryAfter))
    }
}

/// Runs requests through an engine in simulated time: effects become calls, calls become events.
struct Simulation {
    struct Call {
        let deployment: String
        let at: Duration
        let purpose: Attempt.Purpose
    }

    struct Result {
        var succeeded = false
        var isPartial = false
        var failure: RequestFailure?
        var calls: [Call] = []
        var cancelled: [String] = []
        var commits: [String] = []
        var elapsed: Duration = .zero
        var run: RequestRun
    }

    private struct Scheduled {
        let at: Instant
        let order: Int
        let run: Int
        let event: RequestRun.Event
        /// Wakes are stale when the run has another wish by then.
        let isWake: Bool
    }

    var engine: RoutingEngine
    var random: SeededRandom
    private(set) var now = Instant(nanoseconds: 0)
    /// Asked for every call: the deployment, the moment, how often it was called.
    var reply: (Attempt, Duration, inout SeededRandom) -> Reply
    /// Looks at the engine just before a call is made.
    var beforeCall: ((Attempt, RequestRun, RoutingEngine, Now) -> Void)?
    var entries: [LedgerEntry] = []
    private var queue: [Scheduled] = []
    private var order = 0
    private var runs: [Result] = []
    private var arrivals: [Instant] = []

    init(
        _ policy: GatewayPolicy, seed: UInt64 = 1,
        reply: @escaping (Attempt, Duration, inout SeededRandom) -> Reply
    ) {
        engine = RoutingEngine(policy: policy)
        random = SeededRandom(seed: seed)
        self.reply = reply
    }

    static func calendar(_ instant: Instant) -> CalendarTime {
        CalendarTime(microsecondsSince1970: 1_700_000_000_000_000 + instant.nanoseconds / 1000)
    }

    var present: Now { Now(instant: now, calendar: Self.calendar(now)) }

    /// Moves the clock without a request.
    mutating func pass(_ duration: Duration) {
        now = now + duration
    }

    mutating func one(_ request: RouteRequest) throws -> Result {
        try all([(Duration.zero, request)])[0]
    }

    /// Runs requests that arrive at given times from now; returns when all are over.
    mutating func all(
        _ requests: [(after: Duration, request: RouteRequest)], rankingAll: Bool = false
    ) throws -> [Result] {
        runs = []
        arrivals = []
        let start = now
        for (index, item) in requests.enumerated() {
            let plan =
                rankingAll
                ? RoutePlan(rankingAll: item.request, table: engine.table)
                : try RoutePlan(item.request, table: engine.table)
            runs.append(Result(run: RequestRun(item.request, plan: plan)))
            arrivals.append(start + item.after)
            schedule(.begin, at: start + item.after, run: index)
        }
        while let next = popFirst() {
            let at = max(now, next.at)
            // The clock does not run on to a wake that nobody wants any more.
            if next.isWake, runs[next.run].run.wakeAt.map({ $0 > at }) ?? true { continue }
            now = at
            deliver(next.event, to: next.run)
        }
        return runs
    }

    private mutating func deliver(_ event: RequestRun.Event, to index: Int) {
        let effects = runs[index].run.handle(event, at: present, in: &engine, using: &random)
        for effect in effects { perform(effect, for: index) }
        if let wake = runs[index].run.wakeAt { schedule(.wake, at: wake, run: index, isWake: true) }
    }

    private mutating func perform(_ effect: RequestRun.Effect, for index: Int) {
        switch effect {
        case .start(let attempt):
            beforeCall?(attempt, runs[index].run, engine, present)
            let at = now - Instant(nanoseconds: 0)
            runs[index].calls.append(Call(deployment: attempt.deployment.id, at: at, purpose: attempt.purpose))
            answer(attempt, reply(attempt, at, &random), run: index)
        case .cancel(let id): runs[index].cancelled.append(runs[index].run.attempts[id].attempt.deployment.id)
        case .commit(let id): runs[index].commits.append(runs[index].run.attempts[id].attempt.deployment.id)
        case .record(let entry): entries.append(entry)
        case .finish: end(index) { $0.succeeded = true }
        case .fail(let failure): end(index) { $0.failure = failure }
        case .breakOff(let failure): end(index) { ($0.failure, $0.isPartial) = (failure, true) }
        }
    }

    private mutating func end(_ index: Int, _ change: (inout Result) -> Void) {
        change(&runs[index])
        runs[index].elapsed = now - arrivals[index]
    }

    private mutating func answer(_ attempt: Attempt, _ reply: Reply, run: Int) {
        switch reply {
        case .answer(let after, let usage):
            if after > attempt.timeouts.firstToken { return answer(attempt, .silence, run: run) }
            schedule(.firstByte(attempt.id), at: now + after, run: run)
            schedule(.finished(attempt.id, usage: usage), at: now + after, run: run)
        case .fail(let failure, let after):
            schedule(.failed(attempt.id, failure), at: now + after, run: run)
        case .silence:
            schedule(
                .failed(attempt.id, AttemptFailure(.firstTokenTimeout)), at: now + attempt.timeouts.firstToken, run: run
            )
        case .cut(let first, let after):
            schedule(.firstByte(attempt.id), at: now + first, run: run)
            schedule(.failed(attempt.id, AttemptFailure(.streamCut)), at: now + after, run: run)
        case .differ(let after):
            schedule(.failed(attempt.id, AttemptFailure(.prefixMismatch)), at: now + after, run: run)
        }
    }

    mutating func leave(after: Duration) {
        schedule(.clientGone(usage: nil), at: now + after, run: 0)
    }

    private mutating func schedule(_ event: RequestRun.Event, at: Instant, run: Int, isWake: Bool = false) {
        order += 1
        queue.append(Scheduled(at: at, order: order, run: run, event: event, isWake: isWake))
        var child = queue.count - 1
        while child > 0, isBefore(queue[child], queue[(child - 1) / 2]) {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func popFirst() -> Scheduled? {
        guard let first = queue.first else { return nil }
        queue[0] = queue[queue.count - 1]
        queue.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < queue.count && isBefore(queue[child], queue[least]) {
                least = child
            }
            if least == parent { return first }
            queue.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ left: Scheduled, _ right: Scheduled) -> Bool {
        (left.at, left.order) < (right.at, right.order)
    }
}

extension GatewayPolicy {
    /// One group of deployments that are tried in order.
    static func ordered(_ ids: String..., group: String = "m") -> GatewayPolicy {
        var policy = GatewayPolicy()
        policy.deployments = ids.enumerated().map { index, id in
            Deployment(id: id, group: group, provider: id, upstreamModel: "model-\(id)", order: index)
        }
        return policy
    }
}
