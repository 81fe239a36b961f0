// SPDX-License-Identifier: MIT

// Before the client has seen anything: calls, hedges, repeats, fallbacks.
extension RequestRun {
    /// Calls the best deployment that was not called yet; else waits for one; else gives up.
    mutating func advance(
        _ step: inout Step, _ engine: inout RoutingEngine, using random: inout some RandomNumberGenerator
    ) {
        guard step.now.instant < deadline else { return fail(.deadlineExceeded, &step) }
        guard attempts.count < plan.table.policy.maximumAttempts else { return giveUp(&step, engine) }
        if let (link, place) = selection.choose(from: chain, in: engine, at: step.now, using: &random) {
            let purpose: Attempt.Purpose = attempts.isEmpty ? .first : .fallback
            return race(place, on: link, purpose, &step, &engine)
        }
        if let (moment, intent, isRepeat) = earliestChance(engine, at: step.now, using: &random) {
            let pause = max(.zero, moment - step.now.instant)
            if moment < deadline, waited + pause <= plan.table.policy.maximumWait {
                waited += pause
                if isRepeat { repeats += 1 }
                phase = .waiting(until: moment, intent)
                return
            }
        }
        giveUp(&step, engine)
    }

    mutating func wake(
        _ until: Instant, _ intent: Intent, _ step: inout Step, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) {
        let now = step.now.instant
        if now >= deadline { return endAtDeadline(&step, &engine, using: &random) }
        guard now >= until else { return }
        if case .call(let link, let place) = intent, selection.mayCall(place, on: link, in: engine, at: step.now) {
            return race(place, on: link, .repetition, &step, &engine)
        }
        advance(&step, &engine, using: &random)
    }

    /// Begins a call that nothing was sent before.
    private mutating func race(
        _ place: Int, on link: RoutingTable.Link, _ purpose: Attempt.Purpose, _ step: inout Step,
        _ engine: inout RoutingEngine
    ) {
        switch start(place, on: link, purpose, &step, &engine) {
        case .success(let id):
            let hedgeAt = hasHedged ? nil : plan.table.policy.hedge.map { step.now.instant + $0.after }
            phase = .racing(first: id, hedge: nil, hedgeAt: hedgeAt)
        case .failure(let refusal):
            fail(.overBudget(refusal), &step)
        }
    }

    /// Claims and announces a call. The budget of the user or key may refuse it; a provider's was looked at before.
    mutating func start(
        _ place: Int, on link: RoutingTable.Link, _ purpose: Attempt.Purpose, _ step: inout Step,
        _ engine: inout RoutingEngine
    ) -> Result<Int, BudgetRefusal> {
        let table = plan.table
        switch engine.claim(place, for: request, in: table, at: step.now) {
        case .failure(let refusal):
            return .failure(refusal)
        case .success(let claim):
            let attempt = Attempt(
                id: attempts.count, purpose: purpose, link: link, upstreamModel: table.upstreamModel(place, on: link),
                timeouts: table.deployments[place].timeouts ?? table.policy.timeouts, deadline: deadline, table: table,
                place: place)
            attempts.append(AttemptRecord(attempt: attempt, startedAt: step.now.instant, claim: claim))
            tries.called(place)
            step.effects.append(.start(attempt))
            return .success(attempt.id)
        }
    }

    mutating func raceWoke(
        _ step: inout Step, _ engine: inout RoutingEngine, using random: inout some RandomNumberGenerator
    ) {
        if step.now.instant >= deadline { return endAtDeadline(&step, &engine, using: &random) }
        guard case .racing(let first, nil, .some(let hedgeAt)) = phase, step.now.instant >= hedgeAt else { return }
        phase = .racing(first: first, hedge: nil, hedgeAt: nil)
        guard attempts.count < plan.table.policy.maximumAttempts,
            let (link, place) = selection.choose(from: chain, in: engine, at: step.now, using: &random),
            engine.hedges.take(),
            case .success(let id) = start(place, on: link, .hedge, &step, &engine)
        else { return }
        hasHedged = true
        phase = .racing(first: first, hedge: id, hedgeAt: nil)
    }

    mutating func firstByte(_ id: Int, _ step: inout Step, _ engine: inout RoutingEngine) {
        began(id, step, &engine)
        guard case .racing(let first, let hedge, _) = phase else { return }
        guard request.isStreaming else {
            // A plain answer may still turn out bad, but it is on its way: no second call now.
            phase = .racing(first: first, hedge: hedge, hedgeAt: nil)
            return
        }
        cancelOthers(than: id, &step, &engine)
        phase = .streaming(id)
        answeredBy = id
        step.effects.append(.commit(id))
    }

    mutating func answered(_ id: Int, _ usage: TokenUsage, _ step: inout Step, _ engine: inout RoutingEngine) {
        cancelOthers(than: id, &step, &engine)
        answeredBy = id
        step.effects.append(.commit(id))
        streamEnded(id, usage, &step, &engine)
    }

    mutating func racerFailed(
        _ id: Int, _ failure: AttemptFailure, _ step: inout Step, _ engine: inout RoutingEngine,
        using random: inout some RandomNumberGenerator
    ) {
        end(id, failure, &step, &engine, using: &random)
        guard case .racing(let first, let hedge, _) = phase else { return }
        if let other = [first, hedge].compactMap({ $0 }).first(where: isRunning) {
            phase = .racing(first: other, hedge: nil, hedgeAt: nil)
            return
        }
        let conduct = failure.kind.conduct
        guard followChain(conduct.chain, after: id, failure, &step) else { return }
        if conduct.repetition == .quickly, step.now.instant < deadline,
            let pause = quickRepeat(id, failure, engine, at: step.now, using: &random)
        {
            let attempt = attempts[id].attempt
            repeats += 1
            waited += pause
            phase = .waiting(until: step.now.instant + pause, .call(attempt.link, place: attempt.place))
            return
        }
        advance(&step, &engine, using: &random)
    }

    /// One more call to the same deployment after a sudden error, unless it failed before that: then others are asked.
    private mutating func quickRepeat(
        _ id: Int, _ failure: AttemptFailure, _ engine: RoutingEngine, at now: Now,
        using random: inout some RandomNumberGenerator
    ) -> Duration? {
        let attempt = attempts[id].attempt
        let policy = plan.table.policy
        guard repeats < policy.retry.repeats(after: failure.kind), attempts.count < policy.maximumAttempts,
            selection.mayCall(attempt.place, on: attempt.link, in: engine, at: now),
            engine.states[attempts[id].claim.slot].breaker.consecutiveFailures <= 1,
            tries.takeQuickRepeat(attempt.place)
        else { return nil }
        let pause = policy.retry.quickPause(using: &random)
        return now.instant + pause < deadline ? pause : nil
    }

    /// Turns to the chain that a failure asks for; false when the request ends here.
    private mutating func followChain(
        _ kind: FailureConduct.Chain, after id: Int, _ failure: AttemptFailure, _ step: inout Step
    ) -> Bool {
        switch kind {
        case .general:
            return true
        case .contextWindow:
            chain = plan.chain(.contextWindow)
            return true
        case .contentPolicy:
            chain = plan.chain(.contentPolicy)
            if !chain.isEmpty { return true }
        case .none:
            break
        }
        fail(.upstream(failure, attempt: id), &step)
        return false
    }

    /// The first moment at which somebody in the chain may be called: one that is at its limit or rests, or one that
    /// failed and may be asked again.
    private func earliestChance(
        _ engine: RoutingEngine, at now: Now, using random: inout some RandomNumberGenerator
    ) -> (moment: Instant, intent: Intent, isRepeat: Bool)? {
        let table = plan.table
        let selection = selection
        let allowed = worst.map { table.policy.retry.repeats(after: $0.failure.kind) } ?? table.policy.retry.count
        var best: (moment: Instant, intent: Intent, isRepeat: Bool)?
        let pause = table.policy.retry.backoff(repeats, using: &random)
        for link in chain {
            for place in table.groups[link.group].members {
                guard !tries.isSpent(place), !selection.isSpoiled(place, on: link) else { continue }
                let wasCalled = tries.contains(place)
                if wasCalled, repeats >= allowed { continue }
                var moment = now.instant
                switch engine.unavailability(place, for: request, in: table, at: now) {
                case nil, .cooling: break
                case .rateLimited(.some(let until)), .resting(let until): moment = until
                case .busy: moment = now.instant + .milliseconds(50)
                case .down, .wrongMode, .circuitOpen, .rateLimited(nil), .overBudget, .promptTooLong, .tooExpensive:
                    continue
                }
                if wasCalled { moment = max(moment, now.instant + pause) }
                if moment < best?.moment ?? .distantFuture {
                    best = (moment, wasCalled ? .call(link, place: place) : .choose, wasCalled)
                }
            }
        }
        return best
    }
}
