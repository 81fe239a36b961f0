// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import JSONSyntax
internal import LLMRouting
internal import NIOCore
internal import SystemIO

// From a request to its answer or its exchange.
extension GatewayLoop {
    /// No provider has longer names of models.
    private static let modelNameBytes = 512

    /// What refuses a request by its head alone; notes whose key it is.
    func screen(_ request: ClientRequest, on client: ClientConnection) -> GatewayError? {
        switch request.route {
        case .unknown: return .routeNotFound
        case .admin where !client.isAdmin: return .routeNotFound
        case .surface where request.head.method == .post: return authenticate(request, on: client)
        case .surface, .models, .model, .liveness, .readiness, .health, .metrics, .admin: break
        }
        let methods = request.route.methods
        guard methods.contains(request.head.method) else { return .methodNotAllowed(allowed: methods) }
        switch request.route {
        case .liveness, .readiness, .admin(.dashboard): return nil
        case .admin: return authenticate(request, ClientKeys(shared.adminKey.map { [$0] } ?? []))
        case .metrics, .health:
            // Programs of the operator's need no key for them on his side; web pages do.
            guard client.isAdmin else { break }
            return isOfProgram(request) ? nil : authenticate(request, ClientKeys(shared.adminKey.map { [$0] } ?? []))
        case .surface, .models, .model, .unknown: break
        }
        return authenticate(request, on: client)
    }

    /// Looks a key up only when it is another one than that of the connection's request before.
    private func authenticate(_ request: ClientRequest, on client: ClientConnection) -> GatewayError? {
        if let shown = client.shownKey, shown.generation == snapshot.generation,
            request.withKey({ bytes in bytes.map { shown.equals($0) } ?? false })
        {
            return admit(shown.key, request)
        }
        if let error = authenticate(request, snapshot.keys) { return error }
        client.shownKey = request.key.flatMap { key in
            request.withKey { $0.map { ShownKey($0, key, generation: snapshot.generation) } }
        }
        return nil
    }

    private func admit(_ key: ClientKey, _ request: ClientRequest) -> GatewayError? {
        if let expires = key.expires, clock.calendarNow / 1_000_000_000 >= expires { return .expiredKey }
        request.key = key
        return nil
    }

    private func authenticate(_ request: ClientRequest, _ keys: ClientKeys) -> GatewayError? {
        guard !keys.isEmpty else {
            return isOfProgram(request) ? nil : .foreignSite
        }
        let found: Result<ClientKey, GatewayError> = request.withKey { bytes in
            guard let bytes, !bytes.isEmpty else { return .failure(.missingKey) }
            return keys.find(bytes).map { .success($0) } ?? .failure(.wrongKey)
        }
        switch found {
        case .failure(let error): return error
        case .success(let key): return admit(key, request)
        }
    }

    private func isOfProgram(_ request: ClientRequest) -> Bool {
        SiteGuard.allows(
            host: request.text(.host), origin: request.text(named: "origin"),
            fetchSite: request.text(named: "sec-fetch-site"))
    }

    func noteRefusal(_ error: GatewayError) {
        metrics.refusals[error.label, default: 0] += 1
    }

    /// Answers a whole request, or begins the exchange that will.
    func handle(_ request: ClientRequest, from client: ClientConnection) {
        do throws(GatewayError) {
            switch request.route {
            case .surface(let surface):
                let exchange = try exchange(surface, request, client)
                client.attach(exchange)
                admit(exchange)
            case .models: client.respond(ModelsAnswer.list(snapshot, key: request.key), to: request)
            case .model(let name):
                client.respond(try ModelsAnswer.one(name, snapshot, key: request.key), to: request)
            case .liveness: client.respond(.json("I'm alive!"), to: request)
            case .readiness: client.respond(HealthAnswer.readiness(isDraining: isDraining), to: request)
            case .health: client.respond(HealthAnswer.health(shared.statuses()), to: request)
            case .metrics: shared.metrics(for: client, request)
            case .admin(let route): shared.admin(route, request, client)
            case .unknown: throw .routeNotFound
            }
        } catch {
            noteRefusal(error)
            client.respond(error.answer(dialect: request.dialect, requestID: request.id(from: self)), to: request)
        }
    }

    private func exchange(
        _ surface: Surface, _ request: ClientRequest, _ client: ClientConnection
    ) throws(GatewayError) -> Exchange {
        let facts = try facts(of: request, surface)
        if surface == .chatCompletions, facts.isRanked {
            return try ranked(request, client)
        }
        guard !facts.model.isEmpty else { throw .missingModel }
        // Names are logged, traced and compared.
        guard facts.model.utf8.count <= Self.modelNameBytes else {
            throw .modelNotFound(model: facts.model.prefix(64) + "…")
        }
        if let key = request.key, !key.models.isEmpty, !key.models.contains(facts.model) {
            throw .modelNotAllowed(model: facts.model)
        }
        var route = RouteRequest(
            model: facts.model, mode: surface.mode, isStreaming: facts.isStreaming && surface.streamsEvents)
        route.estimatedInputTokens = facts.isMultipart ? 0 : (request.body.readableBytes + 3) / 4
        route.maximumOutputTokens = facts.maximumOutputTokens
        route.user = facts.user
        route.key = request.key?.name
        if let name = snapshot.affinityHeader, let value = request.value(named: name) {
            route.affinity = Affinity.hash(value.utf8)
        }
        if snapshot.table.needsPrompt(forModel: facts.model) {
            route.prompt = PromptReader.read(
                request.body.readableBytesView,
                printing: snapshot.table.needsPrintedPrompt(forModel: facts.model))
        }
        let plan: RoutePlan
        do throws(RequestFailure) {
            plan = try RoutePlan(route, table: snapshot.table)
        } catch {
            throw .modelNotFound(model: facts.model)
        }
        return Exchange(
            loop: self, client: client, request: request, surface: surface, facts: facts,
            requestID: request.id(from: self),
            run: RequestRun(route, plan: plan))
    }

    /// A request of the routing service's own shape: a prompt and preferences, any deployment.
    private func ranked(_ request: ClientRequest, _ client: ClientConnection) throws(GatewayError) -> Exchange {
        // Any deployment may be asked, so a key for some models is not enough.
        if let key = request.key, !key.models.isEmpty { throw .modelNotAllowed(model: "*") }
        let ranked: RankedRequest
        do throws(RankedRequestError) {
            ranked = try RankedRequest(Array(request.body.readableBytesView))
        } catch {
            throw .rankedShape(error)
        }
        let chat = ClientRequest(request, body: ByteBuffer(bytes: ranked.chatBody))
        let facts = try facts(of: chat, .chatCompletions)
        var route = ranked.route
        route.key = request.key?.name
        let plan = RoutePlan(rankingAll: route, table: snapshot.table)
        return Exchange(
            loop: self, client: client, request: chat, surface: .chatCompletions, facts: facts,
            requestID: request.id(from: self), run: RequestRun(route, plan: plan), shape: .ranked)
    }

    private func facts(of request: ClientRequest, _ surface: Surface) throws(GatewayError) -> RequestFacts {
        if request.isMultipart {
            guard let type = request.text(.contentType), let boundary = MultipartForm.boundary(ofContentType: type)
            else { throw .missingBoundary }
            return request.body.withUnsafeReadableBytes { bytes in
                var facts = RequestFacts()
                facts.isMultipart = true
                facts.modelSpan = MultipartForm.field("model", in: bytes, boundary: boundary)
                facts.model = facts.modelSpan.map { bytes.text($0) } ?? ""
                return facts
            }
        }
        let outcome = request.body.withUnsafeReadableBytes { bytes in
            Result { () throws(RequestBodyError) in try RequestFacts.scan(bytes) }
        }
        switch outcome {
        case .success(let facts): return facts
        case .failure(let error): throw .body(error)
        }
    }

    /// Counts and logs a finished request.
    func record(_ exchange: Exchange, outcome: Exchange.Outcome) {
        let now = self.now
        let status: Int
        var error: String?
        switch outcome {
        case .answered(let code): status = code
        case .failed(let label, let code): (status, error) = (code, label)
        case .brokenOff(let label):
            (status, error) = (200, label)
            metrics.brokenStreams += 1
        case .clientGone:
            (status, error) = (499, "client_gone")
            metrics.clientsGone += 1
        }
        let label = LoopMetrics.RequestLabel(surface: exchange.surface, group: exchange.group, status: status)
        metrics.requests.update(label) { $0 += 1 }
        if let decision = exchange.run.plan.virtual {
            metrics.decisions.update(LoopMetrics.DecisionLabel(model: decision.virtualModel, reason: decision.reason)) {
                $0 += 1
            }
        }
        metrics.duration.record(nanoseconds: now - exchange.startedAt)
        if let number = exchange.run.answeredBy { metrics.answered(exchange, number, now: now) }
        if exchange.snapshot.logsRequests {
            log.append(exchange, status: status, error: error, clock: clock)
        }
        exchange.snapshot.recorders.traces?.record(exchange)
    }
}

extension LoopMetrics {
    mutating func answered(_ exchange: Exchange, _ number: Int, now: Int64) {
        let usage = exchange.run.attempts[number].usage
        let cost = exchange.run.attempts[number].cost
        guard let attempt = exchange.attempts[number] else { return }
        deployments.update(attempt.plan.deploymentID) { counts in
            counts.requests += 1
            counts.inputTokens += usage?.inputTokens ?? 0
            counts.outputTokens += usage?.outputTokens ?? 0
            counts.cost += cost
            counts.duration.record(nanoseconds: now - attempt.startedAt)
            if let first = attempt.firstEventAt {
                counts.firstToken.record(nanoseconds: first - attempt.startedAt)
                let more = Int64((usage?.outputTokens ?? 0) - 1)
                if more > 0 { counts.perToken.record(nanoseconds: (now - first) / more) }
            }
        }
    }
}
