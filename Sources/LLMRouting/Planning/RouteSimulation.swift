// SPDX-License-Identifier: MIT

/// One request of the past, as a request log tells it.
public struct LoggedRequest: Sendable {
    /// A call that was made in vain.
    public struct FailedCall: Hashable, Sendable {
        /// The deployment's id.
        public var deployment: String
        /// How it failed.
        public var kind: FailureKind
        /// How long that took.
        public var latency: Duration

        public init(deployment: String, kind: FailureKind, latency: Duration) {
            self.deployment = deployment
            self.kind = kind
            self.latency = latency
        }
    }

    /// Since the first request of the log.
    public var at: Duration
    /// What was asked, as far as the log tells.
    public var request: RouteRequest
    /// Tokens that it used.
    public var usage: TokenUsage
    /// The deployment that answered, when the log says so.
    public var deployment: String?
    /// Calls that failed before one answered, or before all had failed.
    public var failedCalls: [FailedCall] = []
    /// From request to answer; nil where the log does not tell.
    public var latency: Duration?
    /// Whether the client got an answer.
    public var succeeded: Bool

    public init(
        at: Duration, request: RouteRequest, usage: TokenUsage, deployment: String? = nil, latency: Duration? = nil,
        succeeded: Bool = true
    ) {
        self.at = at
        self.request = request
        self.usage = usage
        self.deployment = deployment
        self.latency = latency
        self.succeeded = succeeded
    }
}

/// Replays a log against a policy: what it would have cost, how long it would have taken, what would have failed.
///
/// A deployment answers as the log shows it: with the latencies and the share of failures that were seen there, or with
/// its declared latency when the log does not know it.
public struct RouteSimulation: Sendable {
    /// What a policy would have done with a log.
    public struct Outcome: Hashable, Sendable {
        /// Requests replayed.
        public var requests = 0
        /// Requests without an answer.
        public var failures = 0
        /// Calls, those of fallbacks and repeats included.
        public var attempts = 0
        /// What all calls would have cost.
        public var cost = Money.zero
        /// Over answered requests, waiting and fallbacks included.
        public var meanLatency: Duration = .zero
        /// Half of the answered requests were not slower.
        public var medianLatency: Duration = .zero
        /// 95 of 100 answered requests were not slower.
        public var p95Latency: Duration = .zero
        /// Answers of deployments that the log does not know: their latency is the declared or an assumed one, and they
        /// never fail.
        public var assumedAnswers = 0
        /// Answers by deployment.
        public var answers: [String: Int] = [:]

        /// An outcome whose latencies are summed up, with all counts at zero.
        public init(latencies: [Duration] = []) {
            guard !latencies.isEmpty else { return }
            let sorted = latencies.sorted()
            meanLatency = sorted.reduce(.zero, +) / sorted.count
            medianLatency = sorted[sorted.count / 2]
            p95Latency = sorted[min(sorted.count - 1, sorted.count * 95 / 100)]
        }
    }

    private struct Observation: Sendable {
        var latencies: [Duration] = []
        var answers = 0
        var failures: [LoggedRequest.FailedCall] = []
    }

    private let log: [LoggedRequest]
    private let observations: [String: Observation]

    /// Taken where neither the log nor the policy knows a latency.
    public static let assumedLatency = Duration.seconds(1)

    public init(log: [LoggedRequest]) {
        self.log = log.sorted { $0.at < $1.at }
        var observations: [String: Observation] = [:]
        for entry in log {
            for call in entry.failedCalls {
                observations[call.deployment, default: Observation()].failures.append(call)
            }
            guard let deployment = entry.deployment, entry.succeeded else { continue }
            observations[deployment, default: Observation()].answers += 1
            if let latency = entry.latency { observations[deployment]?.latencies.append(latency) }
        }
        self.observations = observations
    }

    /// Replays the log. The same seed gives the same outcome.
    public func outcome(of policy: GatewayPolicy, using random: inout some RandomNumberGenerator) -> Outcome {
        var engine = RoutingEngine(policy: policy)
        var outcome = Outcome()
        var latencies: [Duration] = []
        for entry in log {
            outcome.requests += 1
            guard let plan = try? RoutePlan(entry.request, table: engine.table) else {
                outcome.failures += 1
                continue
            }
            var run = RequestRun(entry.request, plan: plan)
            let end = replay(entry, &run, &engine, using: &random)
            outcome.attempts += run.attempts.count
            outcome.cost += run.attempts.reduce(Money.zero) { $0 + $1.cost }
            if let answered = run.answeredBy {
                latencies.append(end - (Instant(nanoseconds: 0) + entry.at))
                let deployment = run.attempts[answered].attempt.deployment.id
                outcome.answers[deployment, default: 0] += 1
                if observations[deployment] == nil { outcome.assumedAnswers += 1 }
            } else {
                outcome.failures += 1
            }
        }
        let summary = Outcome(latencies: latencies)
        outcome.meanLatency = summary.meanLatency
        outcome.medianLatency = summary.medianLatency
        outcome.p95Latency = summary.p95Latency
        return outcome
    }

    /// One request after another: what happens at the same time does not meet, so queues are not simulated.
    private func replay(
        _ entry: LoggedRequest, _ run: inout RequestRun, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) -> Instant {
        var now = Instant(nanoseconds: 0) + entry.at
        var pending: [(at: Instant, event: RequestRun.Event)] = [(now, .begin)]
        while !run.isOver {
            let next = pending.indices.min { pending[$0].at < pending[$1].at }
            if let wake = run.wakeAt, next.map({ wake < pending[$0].at }) ?? true {
                pending.append((wake, .wake))
                continue
            }
            guard let next else { break }
            let (at, event) = pending.remove(at: next)
            now = max(now, at)
            let present = Now(
                instant: now, calendar: CalendarTime(microsecondsSince1970: now.nanoseconds / 1000))
            for case .start(let attempt) in run.handle(event, at: present, in: &engine, using: &random) {
                pending.append(answer(attempt, entry, at: now, using: &random))
            }
        }
        return now
    }

    private func answer(
        _ attempt: Attempt, _ entry: LoggedRequest, at now: Instant, using random: inout some RandomNumberGenerator
    ) -> (at: Instant, event: RequestRun.Event) {
        let seen = observations[attempt.deployment.id]
        if let seen, !seen.failures.isEmpty {
            // One of all calls that the log knows: a failure or an answer.
            let drawn = Int.random(in: 0..<(seen.answers + seen.failures.count), using: &random)
            if drawn < seen.failures.count {
                let call = seen.failures[drawn]
                return (now + call.latency, .failed(attempt.id, AttemptFailure(call.kind)))
            }
        }
        let latency =
            seen?.latencies.randomElement(using: &random) ?? attempt.deployment.latency ?? Self.assumedLatency
        if latency > attempt.timeouts.firstToken, entry.request.isStreaming {
            return (now + attempt.timeouts.firstToken, .failed(attempt.id, AttemptFailure(.firstTokenTimeout)))
        }
        return (now + latency, .finished(attempt.id, usage: entry.usage))
    }
}
