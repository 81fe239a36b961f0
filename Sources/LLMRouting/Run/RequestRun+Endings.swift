// SPDX-License-Identifier: MIT

// After the first byte, and every way a request ends.
extension RequestRun {
    /// Attempts to go on behind what the client already has.
    static let maximumResumes = 2

    mutating func streamEnded(_ id: Int, _ usage: TokenUsage, _ step: inout Step, _ engine: inout RoutingEngine) {
        let (cost, entry) = engine.succeeded(attempts[id].claim, usage: usage, in: plan.table, at: step.now)
        attempts[id].outcome = .succeeded
        attempts[id].endedAt = step.now.instant
        attempts[id].usage = usage
        attempts[id].cost = cost
        step.add(entry)
        phase = .over
        step.effects.append(.finish(id))
    }

    mutating func streamBroke(
        _ id: Int, _ failure: AttemptFailure, _ step: inout Step, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) {
        end(id, failure, &step, &engine, using: &random)
        resume(after: failure, id, &step, &engine, using: &random)
    }

    mutating func resumed(_ id: Int, _ step: inout Step, _ engine: inout RoutingEngine) {
        began(id, step, &engine)
        answeredBy = id
        phase = .streaming(id)
        step.effects.append(.commit(id))
    }

    /// The whole answer was what the client already had.
    mutating func resumeEndedAtOnce(
        _ id: Int, _ usage: TokenUsage, _ step: inout Step, _ engine: inout RoutingEngine
    ) {
        resumed(id, &step, &engine)
        streamEnded(id, usage, &step, &engine)
    }

    mutating func resumeFailed(
        _ id: Int, _ failure: AttemptFailure, _ step: inout Step, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) {
        end(id, failure, &step, &engine, using: &random)
        resume(after: failure, id, &step, &engine, using: &random)
    }

    private mutating func resume(
        after failure: AttemptFailure, _ id: Int, _ step: inout Step, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) {
        guard case .verifiedPrefix = plan.table.policy.resume, resumes < Self.maximumResumes,
            failure.kind.conduct.chain != .none, step.now.instant < deadline,
            attempts.count < plan.table.policy.maximumAttempts,
            let (link, place) = selection.choose(from: chain, in: engine, at: step.now, using: &random),
            case .success(let next) = start(place, on: link, .resume, &step, &engine)
        else {
            phase = .over
            step.effects.append(.breakOff(.upstream(failure, attempt: id)))
            return
        }
        resumes += 1
        phase = .resuming(next)
    }

    /// The deployment began to answer.
    mutating func began(_ id: Int, _ step: Step, _ engine: inout RoutingEngine) {
        guard attempts[id].firstByteAt == nil else { return }
        attempts[id].firstByteAt = step.now.instant
        engine.began(attempts[id].claim, at: step.now.instant, isStreaming: request.isStreaming)
    }

    /// Books a failed call.
    mutating func end(
        _ id: Int, _ failure: AttemptFailure, _ step: inout Step, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) {
        let attempt = attempts[id].attempt
        let (cost, entry) = engine.failed(attempts[id].claim, failure, in: plan.table, at: step.now, using: &random)
        attempts[id].outcome = .failed(failure)
        attempts[id].endedAt = step.now.instant
        attempts[id].usage = failure.usage
        attempts[id].cost = cost
        step.add(entry)
        let conduct = failure.kind.conduct
        if conduct.repetition == .never, plan.table.policy.retry.countByFailure[failure.kind] == nil {
            tries.spend(attempt.place)
        }
        if conduct.spoilsModel { spoiledModels.append(attempt.upstreamModel) }
        if worst.map({ failure.kind.importance >= $0.failure.kind.importance }) ?? true { worst = (failure, id) }
    }

    /// Takes back every running call but one.
    mutating func cancelOthers(
        than id: Int?, usage: TokenUsage? = nil, _ step: inout Step, _ engine: inout RoutingEngine
    ) {
        for other in attempts.indices where other != id && isRunning(other) {
            let (cost, entry) = engine.cancelled(attempts[other].claim, usage: usage, in: plan.table, at: step.now)
            attempts[other].outcome = .cancelled
            attempts[other].endedAt = step.now.instant
            attempts[other].usage = usage
            attempts[other].cost = cost
            step.add(entry)
            step.effects.append(.cancel(other))
        }
    }

    mutating func abandon(_ usage: TokenUsage?, _ step: inout Step, _ engine: inout RoutingEngine) {
        cancelOthers(than: nil, usage: usage, &step, &engine)
        finishUnanswered(.cancelled, &step)
    }

    /// A call that was silent for half of the request's time or more is to blame, a later one had no chance.
    mutating func endAtDeadline(
        _ step: inout Step, _ engine: inout RoutingEngine, using random: inout some RandomNumberGenerator
    ) {
        let now = step.now.instant
        for id in attempts.indices where isRunning(id) && attempts[id].firstByteAt == nil {
            guard (now - attempts[id].startedAt) * 2 >= now - startedAt else { continue }
            end(id, AttemptFailure(.firstTokenTimeout), &step, &engine, using: &random)
            step.effects.append(.cancel(id))
        }
        cancelOthers(than: nil, &step, &engine)
        finishUnanswered(.deadlineExceeded, &step)
    }

    private mutating func finishUnanswered(_ failure: RequestFailure, _ step: inout Step) {
        if answeredBy != nil {
            phase = .over
            step.effects.append(.breakOff(failure))
        } else {
            fail(failure, &step)
        }
    }

    mutating func fail(_ failure: RequestFailure, _ step: inout Step) {
        phase = .over
        step.effects.append(.fail(failure))
    }

    /// Nobody is left to ask: says what the client can use best.
    mutating func giveUp(_ step: inout Step, _ engine: RoutingEngine) {
        let waits = chain.flatMap { plan.table.groups[$0.group].members }.map {
            engine.unavailability($0, for: request, in: plan.table, at: step.now)
        }
        let soonest = waits.compactMap { $0?.until }.min().map { $0 - step.now.instant }
        if let worst {
            var failure = worst.failure
            if failure.kind == .rateLimited, failure.retryAfter == nil { failure.retryAfter = soonest }
            return fail(.upstream(failure, attempt: worst.attempt), &step)
        }
        let isLimited = waits.contains {
            switch $0 {
            case .rateLimited, .resting, .busy: true
            default: false
            }
        }
        if isLimited { return fail(.rateLimited(retryAfter: soonest), &step) }
        for case .overBudget(let refusal) in waits { return fail(.overBudget(refusal), &step) }
        fail(.unavailable(retryAfter: soonest), &step)
    }
}

extension FailureKind {
    /// Which of several failures a client is told: what it did wrong before what the others did, a limit it can wait
    /// for last only because another deployment's error says more.
    fileprivate var importance: Int {
        switch self {
        case .contextLength, .contentPolicy, .badRequest: 4
        case .contractViolation, .cancelled: 3
        case .serverError, .unavailable, .connection, .malformedAnswer, .emptyAnswer, .htmlAnswer, .errorFirstStream,
            .streamCut, .prefixMismatch, .unknown:
            2
        case .connectTimeout, .firstTokenTimeout, .idleTimeout: 2
        case .authentication, .paymentRequired, .notFound: 1
        case .rateLimited: 2
        }
    }
}
