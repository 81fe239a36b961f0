// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import JSONSyntax
internal import LLMRouting

/// Profiles beside what the log says, as `route simulate` prints them.
struct RouteSimulationReport {
    private let log: RequestLog
    private let profiles: [(name: String, outcome: RouteSimulation.Outcome)]

    init(log: RequestLog, profiles: [(String, RouteSimulation.Outcome)]) {
        self.log = log
        self.profiles = profiles
    }

    var report: Report {
        Report(
            lines: [line("log", logged)] + profiles.map { line("profile=\($0.name)", $0.outcome) },
            json: [
                "log": Self.json(logged), "skipped_lines": .integer(log.skipped),
                "refused_requests": .integer(log.refused),
                "profiles": .array(
                    profiles.map { name, outcome in
                        var value = JSONObject([("profile", .string(name))])
                        for member in Self.json(outcome).objectValue?.members ?? [] {
                            value[member.name] = member.value
                        }
                        return .object(value)
                    }),
            ], table: table)
    }

    private var logged: RouteSimulation.Outcome {
        var outcome = RouteSimulation.Outcome(latencies: log.requests.filter(\.succeeded).compactMap(\.latency))
        outcome.requests = log.requests.count
        outcome.failures = log.requests.count { !$0.succeeded }
        outcome.attempts = log.requests.reduce(0) {
            $0 + $1.failedCalls.count + ($1.deployment == nil ? 0 : 1)
        }
        outcome.cost = log.cost
        for request in log.requests where request.succeeded {
            if let deployment = request.deployment { outcome.answers[deployment, default: 0] += 1 }
        }
        return outcome
    }

    private static let columns = [
        "requests", "failures", "attempts", "cost", "mean_ms", "p50_ms", "p95_ms", "assumed",
    ]

    private static func values(_ outcome: RouteSimulation.Outcome) -> [String] {
        [
            "\(outcome.requests)", "\(outcome.failures)", "\(outcome.attempts)", "\(outcome.cost)",
            "\(outcome.meanLatency.shownMilliseconds)", "\(outcome.medianLatency.shownMilliseconds)",
            "\(outcome.p95Latency.shownMilliseconds)", "\(outcome.assumedAnswers)",
        ]
    }

    private func line(_ name: String, _ outcome: RouteSimulation.Outcome) -> String {
        ([name] + zip(Self.columns, Self.values(outcome)).map { "\($0)=\($1)" }).joined(separator: " ")
    }

    private var table: Table {
        Table(
            header: ["PROFILE"] + Self.columns.map { $0.uppercased() },
            rows: ([("(the log)", logged)] + profiles).map { [$0.0] + Self.values($0.1) })
    }

    private static func json(_ outcome: RouteSimulation.Outcome) -> JSONValue {
        [
            "requests": .integer(outcome.requests), "failures": .integer(outcome.failures),
            "attempts": .integer(outcome.attempts), "cost": .string("\(outcome.cost)"),
            "mean_ms": .double(outcome.meanLatency.shownMilliseconds),
            "p50_ms": .double(outcome.medianLatency.shownMilliseconds),
            "p95_ms": .double(outcome.p95Latency.shownMilliseconds),
            "assumed": .integer(outcome.assumedAnswers),
            "answers": .object(
                JSONObject(outcome.answers.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })),
        ]
    }
}

extension Duration {
    /// To a microsecond: more digits would only look exact.
    var shownMilliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + (Double(attoseconds) / 1e12).rounded() / 1000
    }
}
