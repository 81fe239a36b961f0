// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import LLMRouting
package import LiteLLMConfig
internal import SystemIO

/// Says where a request would go and why, without calling anybody.
package struct RouteExplanationReport {
    private let reader: SettingsReader

    package init(environment: @escaping EnvironmentLookup) {
        reader = SettingsReader(environment: environment)
    }

    /// The explanation as text or JSON.
    ///
    /// - Parameter request: the path of a request's JSON body; `message` is used where it is nil.
    package func run(
        config: String, model: String?, message: String?, request: String?, asJSON: Bool
    ) throws(DiagnosticList) -> String {
        let settings = try reader.read(config)
        let body = try body(message: message, request: request)
        let name = model ?? body["model"]?.stringValue ?? ""
        let engine = RoutingEngine(policy: settings.policy)
        var route = RouteRequest(
            model: name, isStreaming: body["stream"]?.boolValue ?? false, prompt: PromptReader.read(body))
        route.estimatedInputTokens = (JSONWriter.bytes(of: body).count + 3) / 4
        route.maximumOutputTokens = body["max_tokens"]?.integerValue
        let explanation: RouteExplanation
        do throws(RequestFailure) {
            var random = SystemRandomNumberGenerator()
            explanation = try RouteExplanation(route, in: engine, at: .current(), using: &random)
        } catch {
            throw DiagnosticList([
                Diagnostic(
                    "gateway/unknown-model", "no model group, alias or virtual model is called `\(name)`",
                    hints: Suggestion.closest(to: name, among: engine.table.modelNames).map {
                        ["did you mean `\($0)`?"]
                    } ?? [])
            ])
        }
        let value = Self.json(explanation)
        return asJSON ? JSONWriter.text(of: value, layout: .indented) + "\n" : Self.text(explanation)
    }

    private func body(message: String?, request: String?) throws(DiagnosticList) -> JSONValue {
        guard let request else {
            return ["messages": [["role": "user", "content": .string(message ?? "")]]]
        }
        do {
            return try JSONParser.parse(try FileSystem.read(request, limit: 32 << 20))
        } catch let error as any DiagnosticConvertible {
            throw DiagnosticList([error.diagnostic])
        } catch {
            throw DiagnosticList([Diagnostic("gateway/request", "cannot read `\(request)`")])
        }
    }

    private static func json(_ explanation: RouteExplanation) -> JSONValue {
        [
            "schema": 1, "requested_model": .string(explanation.requestedModel), "model": .string(explanation.model),
            "virtual_model": JSONValue(explanation.virtual?.virtualModel),
            "complexity_score": JSONValue(explanation.virtual?.score),
            "threshold": JSONValue(explanation.virtual?.threshold),
            "routing_reason": JSONValue(explanation.virtual?.reason.rawValue),
            "task_class": JSONValue(explanation.taskClass?.rawValue), "deployment": JSONValue(explanation.choice),
            "candidates": .array(explanation.candidates.map(json)),
        ]
    }

    private static func json(_ candidate: RouteExplanation.Candidate) -> JSONValue {
        [
            "deployment": .string(candidate.deployment), "group": .string(candidate.group),
            "provider": .string(candidate.provider), "upstream_model": .string(candidate.upstreamModel),
            "position": .integer(candidate.chainPosition), "unavailable": JSONValue(candidate.unavailability?.label),
            "score": candidate.score.map(JSONValue.double) ?? .null,
            "share": candidate.share.map(JSONValue.double) ?? .null,
            "estimated_cost": .string("\(candidate.estimatedCost)"),
        ]
    }

    private static func text(_ explanation: RouteExplanation) -> String {
        var text = "requested: \(explanation.requestedModel)\nrouted to: \(explanation.model)\n"
        if let virtual = explanation.virtual {
            text += "score:     \(virtual.score) (threshold \(virtual.threshold), \(virtual.reason.rawValue))\n"
        }
        if let choice = explanation.choice { text += "would call: \(choice)\n" }
        for candidate in explanation.candidates {
            let state = candidate.unavailability.map { "not now: \($0.label)" } ?? "available"
            text += "  \(candidate.chainPosition). \(candidate.deployment) (\(candidate.group)) \(state)\n"
        }
        return text
    }
}
