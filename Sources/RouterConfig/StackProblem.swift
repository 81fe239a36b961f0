// SPDX-License-Identifier: MIT

internal import Diagnostics

/// What can be wrong between entries that are each right by themselves.
enum StackProblem: Sendable {
    case serviceName(String, reason: String)
    case unknownService(String, key: String, known: [String])
    case dependencyCycle([String])
    case duplicatePort(Int, service: String, other: String, otherLine: Int?)
    case frontWithoutPort(key: String, service: String)
    case frontTaken(key: String, what: String, by: String)
    case gatewayPort(Int, service: String, gateway: Int)
    case probeTarget(key: String, found: [String])
    case probeWithoutPort(key: String, service: String)
    case readyWithoutProbe(service: String, dependent: String)
    case deadEndpoint(key: String, replacement: String)

    func diagnostic(at span: SourceSpan?) -> Diagnostic {
        switch self {
        case .serviceName(let name, let reason):
            Diagnostic(
                "config/service-name", "`\(name)` cannot name a service: \(reason)", at: span,
                hints: ["use letters, digits, `_`, `-` and `.`, beginning with a letter or digit"])
        case .unknownService(let name, let key, let known):
            Diagnostic(
                "config/unknown-service", "`\(key)` names the service `\(name)`, which is not in `services`", at: span,
                hints: ConfigProblem.hints(for: name, known, what: "services"))
        case .dependencyCycle(let names):
            Diagnostic(
                "config/dependency-cycle",
                "these services wait for each other: \(names.map { "`\($0)`" }.joined(separator: " → "))", at: span,
                hints: ["remove one of these `depends_on` entries"])
        case .duplicatePort(let port, let service, let other, let otherLine):
            Diagnostic(
                "config/duplicate-port",
                "`\(service)` and `\(other)`\(otherLine.map { " (line \($0))" } ?? "") both listen on port \(port)",
                at: span, hints: ["give one of them another `port`"])
        case .frontWithoutPort(let key, let service):
            Diagnostic(
                "config/front-port",
                "`\(key)` needs `services.\(service).port`, at most 65533, and the same number among `command.args`",
                at: span, hints: ["the service is started on the next two ports in turn; the front holds this one"])
        case .frontTaken(let key, let what, let other):
            Diagnostic(
                "config/front-taken", "`\(key)` needs \(what), which `services.\(other)` has", at: span,
                hints: ["give `\(other)` another one"])
        case .gatewayPort(let port, let service, let gateway):
            Diagnostic(
                "config/gateway-port",
                "`services.\(service).port` is \(port), but the gateway that it starts listens on \(gateway)", at: span,
                hints: ["set `gateway.port: \(port)`"])
        case .probeTarget(let key, let found):
            Diagnostic(
                "config/probe-target",
                "`\(key)` needs exactly one of `http`, `tcp` and `exec`, not \(Self.enumeration(found))", at: span)
        case .probeWithoutPort(let key, let service):
            Diagnostic(
                "config/probe-without-port", "`\(key)` needs a port, and `services.\(service)` has none", at: span,
                hints: ["set `services.\(service).port`, or `port` in the probe"])
        case .readyWithoutProbe(let service, let dependent):
            Diagnostic(
                "config/ready-without-probe",
                "`\(dependent)` waits until `\(service)` is ready, but `\(service)` has neither `port` nor `readiness`",
                severity: .warning, at: span,
                hints: ["add `readiness` to `services.\(service)`, or wait for `started`"])
        case .deadEndpoint(let key, let replacement):
            Diagnostic(
                "config/dead-endpoint", "`\(key)` names an address that no version of the server has",
                severity: .warning,
                at: span, notes: ["`\(replacement)` is used instead"], hints: ["remove the key"])
        }
    }

    private static func enumeration(_ words: [String]) -> String {
        words.isEmpty ? "none" : words.map { "`\($0)`" }.joined(separator: " and ")
    }
}
