// SPDX-License-Identifier: MIT

internal import LLMRouting

/// The state of the gateway that a scrape shows beside the counters.
struct GatewayGauges: Sendable {
    var connections = 0
    var runningRequests = 0
    var waitingRequests = 0
    var poolOpen = 0
    var poolIdle = 0
    var generation = 0
}

/// Prometheus' text form.
struct MetricsText {
    private var text = ""

    static func render(_ metrics: LoopMetrics, _ gauges: GatewayGauges, deployments: [DeploymentStatus]) -> String {
        var writer = MetricsText()
        writer.requests(metrics)
        writer.tokens(metrics)
        writer.decisions(metrics)
        writer.family("llm_router_upstream_attempts_total", "counter", "Calls to deployments.")
        writer.sample("llm_router_upstream_attempts_total", [], "\(metrics.attempts)")
        writer.family("llm_router_upstream_failures_total", "counter", "Failed calls by kind.")
        for (kind, count) in metrics.failures.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            writer.sample("llm_router_upstream_failures_total", [("kind", kind.rawValue)], "\(count)")
        }
        writer.family("llm_router_refused_requests_total", "counter", "Requests that no deployment was asked for.")
        for (code, count) in metrics.refusals.sorted(by: { $0.key < $1.key }) {
            writer.sample("llm_router_refused_requests_total", [("code", code)], "\(count)")
        }
        writer.single(
            "llm_router_clients_gone_total", "counter", "Clients that left before their answer.", metrics.clientsGone)
        writer.single(
            "llm_router_broken_streams_total", "counter", "Streams that ended with an error.", metrics.brokenStreams)
        writer.single(
            "llm_router_refused_connections_total", "counter", "Connections over the limit.", metrics.refusedConnections
        )
        writer.single("llm_router_connections", "gauge", "Open client connections.", gauges.connections)
        writer.single("llm_router_requests_running", "gauge", "Requests under way.", gauges.runningRequests)
        writer.single(
            "llm_router_requests_waiting", "gauge", "Requests that wait for others to end.", gauges.waitingRequests)
        writer.single("llm_router_upstream_connections", "gauge", "Open upstream connections.", gauges.poolOpen)
        writer.single("llm_router_upstream_connections_idle", "gauge", "Idle upstream connections.", gauges.poolIdle)
        writer.single(
            "llm_router_config_generation", "counter", "Configurations put in force since the start.", gauges.generation
        )
        writer.states(deployments)
        return writer.text
    }

    private mutating func decisions(_ metrics: LoopMetrics) {
        family("llm_router_routing_decisions_total", "counter", "Requests of virtual models by where they went.")
        for (label, count) in metrics.decisions.entries.sorted(by: {
            ($0.label.model, $0.label.reason.rawValue) < ($1.label.model, $1.label.reason.rawValue)
        }) {
            sample(
                "llm_router_routing_decisions_total",
                [("virtual_model", label.model), ("reason", label.reason.rawValue)], "\(count)")
        }
    }

    private mutating func requests(_ metrics: LoopMetrics) {
        family("llm_router_requests_total", "counter", "Requests by operation, model group and status.")
        for (label, count) in metrics.requests.entries.sorted(by: {
            ($0.label.group, $0.label.status) < ($1.label.group, $1.label.status)
        }) {
            sample(
                "llm_router_requests_total",
                [("operation", "\(label.surface.label)"), ("model_group", label.group), ("status", "\(label.status)")],
                "\(count)")
        }
        histogram("llm_router_request_duration_seconds", "Whole requests.", [([], metrics.duration)])
        let sorted = metrics.deployments.entries.sorted { $0.label < $1.label }
        histogram(
            "gen_ai_server_request_duration_seconds", "Answers by deployment.",
            sorted.map { ([("deployment", $0.label)], $0.value.duration) })
        histogram(
            "gen_ai_server_time_to_first_token_seconds", "First events of streams by deployment.",
            sorted.map { ([("deployment", $0.label)], $0.value.firstToken) })
        histogram(
            "gen_ai_server_time_per_output_token_seconds", "Time between the tokens of streams by deployment.",
            sorted.map { ([("deployment", $0.label)], $0.value.perToken) })
    }

    private mutating func tokens(_ metrics: LoopMetrics) {
        let sorted = metrics.deployments.entries.sorted { $0.label < $1.label }
        family("gen_ai_client_token_usage_total", "counter", "Tokens by deployment and type.")
        for (name, counts) in sorted {
            sample(
                "gen_ai_client_token_usage_total", [("deployment", name), ("gen_ai_token_type", "input")],
                "\(counts.inputTokens)")
            sample(
                "gen_ai_client_token_usage_total", [("deployment", name), ("gen_ai_token_type", "output")],
                "\(counts.outputTokens)")
        }
        family("llm_router_cost_dollars_total", "counter", "What answers cost.")
        for (name, counts) in sorted {
            sample("llm_router_cost_dollars_total", [("deployment", name)], "\(counts.cost)")
        }
    }

    private mutating func states(_ deployments: [DeploymentStatus]) {
        family("llm_router_deployment_available", "gauge", "1 when the breaker lets calls through.")
        for status in deployments {
            sample(
                "llm_router_deployment_available", [("deployment", status.deployment.id)],
                status.isAvailable ? "1" : "0")
        }
        family("llm_router_breaker_state", "gauge", "0 closed, 1 half open, 2 open.")
        for status in deployments {
            sample("llm_router_breaker_state", [("deployment", status.deployment.id)], "\(status.circuit.level)")
        }
    }

    private mutating func single(_ name: String, _ type: String, _ help: String, _ value: Int) {
        family(name, type, help)
        sample(name, [], "\(value)")
    }

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name + Self.labels(labels) + " \(value)\n"
    }

    private mutating func histogram(_ name: String, _ help: String, _ series: [([(String, String)], Histogram)]) {
        family(name, "histogram", help)
        for (labels, histogram) in series {
            var running = 0
            for (bound, count) in zip(Histogram.bounds, histogram.counts) {
                running += count
                sample(name + "_bucket", labels + [("le", Self.seconds(bound))], "\(running)")
            }
            sample(name + "_bucket", labels + [("le", "+Inf")], "\(histogram.total)")
            sample(name + "_sum", labels, Self.seconds(histogram.sumMicroseconds))
            sample(name + "_count", labels, "\(histogram.total)")
        }
    }

    private static func seconds(_ microseconds: Int64) -> String {
        "\(Double(microseconds) / 1_000_000)"
    }

    private static func labels(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { name, value in
            let safe = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(safe)\""
        }
        return "{" + pairs.joined(separator: ",") + "}"
    }
}
