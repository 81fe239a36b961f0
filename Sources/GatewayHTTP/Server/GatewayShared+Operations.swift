// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import JSONSyntax
internal import LLMRouting
internal import NIOCore
internal import Synchronization
internal import SystemIO

// What is answered from the state of the whole gateway.
extension GatewayShared {
    func metrics(for client: ClientConnection, _ request: ClientRequest) {
        guard let server else {
            return client.respond(GatewayError.draining.answer(dialect: .openAI, requestID: nil), to: request)
        }
        let statuses = statuses()
        server.collect(
            client.loop.whenTold { metrics, gauges in
                let text = MetricsText.render(metrics, gauges, deployments: statuses)
                let type = "text/plain; version=0.0.4; charset=utf-8"
                client.respond(Answer(status: 200, body: ByteBuffer(string: text), contentType: type), to: request)
            })
    }

    /// The operator's routes. What takes longer than a look at the state happens elsewhere and is only asked for here.
    func admin(_ route: AdminRoute, _ request: ClientRequest, _ client: ClientConnection) {
        switch route {
        case .dashboard: client.respond(Dashboard.answer, to: request)
        case .providers: client.respond(.json(.array(statuses().map(Self.provider))), to: request)
        case .analytics: client.respond(.json(analytics()), to: request)
        case .simulateFailure: client.respond(simulateFailure(request), to: request)
        case .reload:
            let reloaded: @Sendable (Result<Int, any Error>) -> Void = client.loop.whenTold { result in
                switch result {
                case .success(let generation):
                    client.respond(.json(["status": "reloaded", "generation": .integer(generation)]), to: request)
                case .failure(let error):
                    client.respond(.json(["detail": .string(Self.words(of: error))], status: 400), to: request)
                }
            }
            server?.requestReload(reloaded)
        case .drain:
            client.respond(.json(["status": "draining"], status: 202), to: request)
            server?.requestDrain()
        }
    }

    private static func words(of error: any Error) -> String {
        let renderer = DiagnosticRenderer(usesColor: false)
        switch error {
        case let list as DiagnosticList: return renderer.render(list)
        case let error as any DiagnosticConvertible: return renderer.render(error.diagnostic)
        default: return "the configuration cannot be read"
        }
    }

    private static func provider(_ status: DeploymentStatus) -> JSONValue {
        let deployment = status.deployment
        return [
            "name": .string(deployment.id), "model": .string(deployment.upstreamModel),
            "group": .string(deployment.group),
            "cost_per_token": .double(deployment.prices.input.approximateDollars),
            "latency_ms": JSONValue((status.answerLatency ?? deployment.latency).map { Int($0.wholeMilliseconds) }),
            "rate_limit_rpm": JSONValue(deployment.requestsPerMinute),
            "specialties": .array(deployment.specialties.map(\.rawValue).sorted().map(JSONValue.string)),
            "quality_score": .double(deployment.quality), "is_down": .bool(status.isDown),
            "circuit_status": .string(status.circuit.rawValue), "success_rate": .double(status.counts.successRate),
        ]
    }

    private func analytics() -> JSONValue {
        let totals = engine.withLock { $0.totals }
        var providers: JSONObject = [:]
        for status in statuses() where status.counts.requests > 0 {
            providers[status.deployment.id] = [
                "requests": .integer(status.counts.requests), "success": .integer(status.counts.success),
                "failures": .integer(status.counts.failures), "success_rate": .double(status.counts.successRate),
                "avg_latency_ms": .double(status.counts.averageLatencyMilliseconds), "is_down": .bool(status.isDown),
                "circuit_status": .string(status.circuit.rawValue),
            ]
        }
        return [
            "global": [
                "total_requests": .integer(totals.requests), "total_success": .integer(totals.success),
                "total_failures": .integer(totals.failures),
                "avg_latency_ms": .double(totals.averageLatencyMilliseconds),
                "total_cost": .double(totals.cost.approximateDollars), "success_rate": .double(totals.successRate),
            ],
            "providers": .object(providers),
        ]
    }

    /// Whether the original would take the value for true: what is empty or zero is not.
    private static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let value): value
        case .string(let text): !text.isEmpty
        case .array(let values): !values.isEmpty
        case .object(let object): !object.members.isEmpty
        case .integer(let number): number != 0
        case .double(let number): number != 0
        }
    }

    private func simulateFailure(_ request: ClientRequest) -> Answer {
        guard
            let root =
                (try? JSONParser.parse(Array(request.body.readableBytesView), valueLimit: PromptReader.valueLimit))?
                .objectValue
        else {
            let problem: JSONValue = [
                "type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary",
                "input":
                    (try? JSONParser.parse(Array(request.body.readableBytesView), valueLimit: PromptReader.valueLimit))
                    ?? nil,
            ]
            return .json(["detail": [problem]], status: 422)
        }
        guard let name = root["provider"]?.stringValue, !name.isEmpty else {
            return .json(["detail": "Provider name required"], status: 400)
        }
        let isDown = Self.isTrue(root["down"] ?? false)
        let met = engine.withLock { engine in
            let exact = engine.setDown(isDown, named: name)
            return exact > 0 ? exact : engine.setDown(isDown, named: name.lowercased())
        }
        guard met > 0 else { return .json(["detail": .string("Unknown provider: \(name.lowercased())")], status: 404) }
        return .json(["message": .string("Provider \(name.lowercased()) set to down=\(isDown ? "True" : "False")")])
    }
}
