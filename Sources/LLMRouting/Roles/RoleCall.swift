// SPDX-License-Identifier: MIT

/// One request of a role on its way through the chain, with the events, logs and traces that tell of it.
struct RoleCall {
    private let router: LLMRouter
    private let role: String
    private let base: CompletionRequest
    private let overrides: Settings
    private var chain: RoleChain
    private var startedAt: CalendarTime
    private var began: Instant

    init(_ router: LLMRouter, role: String, messages: [ChatMessage], attributes: RequestAttributes)
        throws(CompletionFailure)
    {
        let resolved = try router.configuration.role(named: role)
        let choice: ProviderChoice
        do { choice = try router.policy.choose(role: role, in: router.configuration) } catch {
            throw CompletionFailure(error)
        }
        self.router = router
        self.role = role
        base = CompletionRequest(
            role: role, messages: router.compress(messages),
            attributes: resolved.attributes.merging(choice.requestOverrides).merging(attributes),
            requestID: router.environment.requestID())
        overrides = choice.providerOverrides
        chain = RoleChain(router.configuration, role: resolved, choice: choice)
        startedAt = router.environment.calendar()
        began = router.environment.now()
        let facts: [(String, SettingValue)] = [("role", .text(role)), ("provider", .text(choice.providerName))]
        log(.info, RouterEvent.policyChoice, facts + [("policy", .text(router.policy.name))])
        emit(RouterEvent.policyChoice, facts)
    }

    func request(_ attempt: RoleChain.Attempt) -> CompletionRequest {
        var request = base
        if let model = attempt.model { request.model = model }
        return request
    }

    func settings(_ attempt: RoleChain.Attempt) -> Settings {
        attempt.provider.settings.merging(overrides)
    }

    /// The next attempt, after its pause. Throws when nobody is left.
    mutating func next() async throws(CompletionFailure) -> RoleChain.Attempt {
        switch chain.next() {
        case .fail(let failure): throw failure
        case .attempt(let attempt):
            if attempt.delay > .zero {
                do { try await router.environment.sleep(attempt.delay) } catch { throw CompletionFailure(error) }
            }
            let facts = self.facts(attempt)
            if attempt.isFallback {
                log(.info, RouterEvent.policyFallback, facts)
                emit(RouterEvent.policyFallback, facts)
            }
            startedAt = router.environment.calendar()
            began = router.environment.now()
            log(
                .info, RouterEvent.completeStart,
                facts + [("model", .text(request(attempt).model)), ("work_package_id", .null)])
            return attempt
        }
    }

    func succeeded(_ attempt: RoleChain.Attempt, _ response: CompletionResponse) -> CompletionResponse {
        var response = response
        response.requestID = base.requestID
        let elapsed = elapsedMilliseconds
        let usage = Settings([
            ("prompt_tokens", .integer(response.usage.promptTokens)),
            ("completion_tokens", .integer(response.usage.completionTokens)),
            ("total_tokens", .integer(response.usage.totalTokens)),
        ])
        var trace = trace(attempt, elapsed)
        trace.usage = response.usage
        try? router.traces?.store(trace)
        log(
            .info, RouterEvent.completeSuccess,
            facts(attempt) + [
                ("model", .text(trace.model)), ("elapsed_ms", .number(elapsed)), ("usage", .map(usage)),
            ])
        emit(
            RouterEvent.completeSuccess,
            [("provider", .text(attempt.provider.name)), ("elapsed_ms", .number(elapsed))])
        try? router.onTokenUsage?(response.usage, role, attempt.provider.name)
        return response
    }

    /// Books a failure; throws it when it ends the request.
    mutating func failed(_ attempt: RoleChain.Attempt, _ failure: CompletionFailure) throws {
        let elapsed = elapsedMilliseconds
        var trace = trace(attempt, elapsed)
        trace.failureType = failure.type
        trace.error = failure.message
        try? router.traces?.store(trace)
        log(
            .error, RouterEvent.completeError,
            facts(attempt) + [
                ("model", .text(trace.model)), ("elapsed_ms", .number(elapsed)),
                ("failure_type", .text(failure.type.rawValue)), ("error", .text(failure.message)),
            ])
        emit(
            RouterEvent.completeError,
            [("provider", .text(attempt.provider.name)), ("failure_type", .text(failure.type.rawValue))])
        if !chain.failed(failure, at: attempt) { throw failure }
    }

    private var elapsedMilliseconds: Double { (router.environment.now() - began).milliseconds }

    private func facts(_ attempt: RoleChain.Attempt) -> [(String, SettingValue)] {
        [
            ("role", .text(role)), ("provider", .text(attempt.provider.name)), ("attempt", .integer(attempt.position)),
        ]
    }

    private func trace(_ attempt: RoleChain.Attempt, _ elapsed: Double) -> RequestTrace {
        RequestTrace(
            requestID: base.requestID, role: role, provider: attempt.provider.name, model: request(attempt).model,
            startedAt: startedAt, attempt: attempt.position, workspace: router.workspace,
            elapsedMilliseconds: elapsed)
    }

    private func emit(_ event: String, _ data: [(String, SettingValue)]) {
        try? router.events?.emit(RouterEvent(event: event, requestID: base.requestID, data: Settings(data)))
    }

    private func log(_ level: RouterLogRecord.Level, _ event: String, _ fields: [(String, SettingValue)]) {
        router.log?(RouterLogRecord(level: level, event: event, requestID: base.requestID, fields: Settings(fields)))
    }
}
