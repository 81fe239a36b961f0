// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting

/// A decision with every number behind it, as `route explain` prints it.
struct RouteExplanationReport {
    private let explanation: RouteExplanation
    private let request: RouteRequest
    private let profile: String

    init(_ explanation: RouteExplanation, request: RouteRequest, profile: String) {
        self.explanation = explanation
        self.request = request
        self.profile = profile
    }

    var report: Report { Report(lines: lines, json: json) }

    private var lines: [String] {
        var lines = ["profile=\(profile)", "requested_model=\(explanation.requestedModel)"]
        if let virtual = explanation.virtual {
            lines += [
                "virtual_model=\(virtual.virtualModel)", "mode=\(virtual.mode == .vibe ? "vibe" : "words")",
                "complexity_score=\(virtual.score)",
                "score_parts=" + parts.map { "\($0.name):\($0.value)" }.joined(separator: ","),
                "threshold=\(virtual.threshold)", "routing_reason=\(virtual.reason.rawValue)",
            ]
        }
        lines.append("model=\(explanation.model)")
        lines.append("strategy=\(explanation.strategy.label)")
        if let taskClass = explanation.taskClass { lines.append("task_class=\(taskClass.rawValue)") }
        lines.append("estimated_input_tokens=\(request.estimatedInputTokens)")
        lines.append("deployment=\(explanation.choice ?? "none")")
        return lines + explanation.candidates.map(Self.line)
    }

    private static func line(_ candidate: RouteExplanation.Candidate) -> String {
        var words = [
            "candidate=\(candidate.deployment)", "position=\(candidate.chainPosition)", "group=\(candidate.group)",
            "provider=\(candidate.provider)", "upstream_model=\(candidate.upstreamModel)",
            candidate.unavailability.map { "unavailable=\($0.label)" } ?? "available",
        ]
        if let share = candidate.share { words.append("share=\((share * 1000).rounded() / 1000)") }
        if let score = candidate.score { words.append("score=\(score)") }
        words.append("estimated_cost=\(candidate.estimatedCost)")
        if let latency = candidate.latency { words.append("latency_ms=\(latency.shownMilliseconds)") }
        if candidate.isSpecialist { words.append("specialist") }
        return words.joined(separator: " ")
    }

    private var json: JSONObject {
        let virtual = explanation.virtual
        return [
            "profile": .string(profile), "requested_model": .string(explanation.requestedModel),
            "model": .string(explanation.model), "virtual_model": JSONValue(virtual?.virtualModel),
            "mode": JSONValue(virtual.map { $0.mode == .vibe ? "vibe" : "words" }),
            "complexity_score": JSONValue(virtual?.score), "threshold": JSONValue(virtual?.threshold),
            "score_parts": virtual == nil
                ? .null : .object(JSONObject(parts.map { ($0.name, .integer($0.value)) })),
            "routing_reason": JSONValue(virtual?.reason.rawValue), "strategy": .string(explanation.strategy.label),
            "task_class": JSONValue(explanation.taskClass?.rawValue),
            "estimated_input_tokens": .integer(request.estimatedInputTokens),
            "deployment": JSONValue(explanation.choice), "candidates": .array(explanation.candidates.map(Self.json)),
        ]
    }

    private static func json(_ candidate: RouteExplanation.Candidate) -> JSONValue {
        [
            "deployment": .string(candidate.deployment), "position": .integer(candidate.chainPosition),
            "group": .string(candidate.group), "provider": .string(candidate.provider),
            "upstream_model": .string(candidate.upstreamModel),
            "unavailable": JSONValue(candidate.unavailability?.label),
            "score": candidate.score.map(JSONValue.double) ?? .null,
            "share": candidate.share.map(JSONValue.double) ?? .null,
            "estimated_cost": .string("\(candidate.estimatedCost)"),
            "latency_ms": candidate.latency.map { .double($0.shownMilliseconds) } ?? .null,
            "specialist": .bool(candidate.isSpecialist),
        ]
    }

    /// What the score is made of, by the mode that decided.
    private var parts: [(name: String, value: Int)] {
        switch explanation.virtual?.mode {
        case .vibe:
            guard let score = explanation.complexity else { return [] }
            return [
                ("length", score.length), ("simple_words", score.simpleWords), ("complex_words", score.complexWords),
                ("code", score.hasCode ? 1 : 0), ("sentences", score.hasSentences ? 1 : 0),
                ("history", score.hasHistory ? 1 : 0),
            ]
        case .words:
            guard let score = explanation.difficulty else { return [] }
            return [
                ("work_words", score.workWords), ("detail_words", score.detailWords),
                ("lookup_words", score.lookupWords), ("length", score.length), ("clauses", score.clauses),
                ("code", score.hasCode ? 1 : 0), ("tools", score.usesTools ? 1 : 0),
                ("attachments", score.attachments), ("follow_up", score.followUp),
            ]
        case nil: return []
        }
    }
}
