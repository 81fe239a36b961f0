// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import LLMRouting
package import LiteLLMConfig

/// Says what of a LiteLLM config file the gateway uses, what it ignores and what is wrong.
package struct ConfigCheck {
    package struct Report: Sendable {
        /// For standard output.
        package var output: String
        /// For standard error.
        package var problems: String
        /// Whether the gateway would start with it.
        package var isUsable: Bool
    }

    private let reader: SettingsReader

    package init(environment: @escaping EnvironmentLookup) {
        reader = SettingsReader(environment: environment)
    }

    package func run(_ path: String, asJSON: Bool) -> Report {
        do throws(DiagnosticList) {
            let settings = try reader.read(path)
            return report(settings, settings.findings, asJSON: asJSON)
        } catch {
            return report(nil, error, asJSON: asJSON)
        }
    }

    private func report(_ settings: GatewaySettings?, _ list: DiagnosticList, asJSON: Bool) -> Report {
        let isUsable = settings != nil
        guard !asJSON else {
            let value: JSONValue = [
                "schema": 1, "usable": .bool(isUsable), "deployments": .array(deployments(settings)),
                "problems": .array(list.sorted.map(Self.json)),
            ]
            return Report(
                output: JSONWriter.text(of: value, layout: .indented) + "\n", problems: "", isUsable: isUsable)
        }
        var text = ""
        for deployment in settings?.policy.deployments ?? [] {
            text +=
                "used: `\(deployment.group)` -> \(deployment.provider)/\(deployment.upstreamModel) (\(deployment.id))\n"
        }
        for diagnostic in list.sorted where diagnostic.severity == .note {
            let place = diagnostic.span.map { "\($0.file):\($0.start.line):\($0.start.column): " } ?? ""
            text += "ignored: \(place)\(diagnostic.message)\n"
        }
        if isUsable { text += "the gateway can serve this file\n" }
        let serious = DiagnosticList(list.diagnostics.filter { $0.severity != .note })
        // Names come from a file that others may have written.
        text = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            DiagnosticRenderer.printable(String($0))
        }
        .joined(separator: "\n")
        return Report(output: text, problems: DiagnosticRenderer(usesColor: false).render(serious), isUsable: isUsable)
    }

    private func deployments(_ settings: GatewaySettings?) -> [JSONValue] {
        (settings?.policy.deployments ?? []).map { deployment in
            [
                "id": .string(deployment.id), "model_name": .string(deployment.group),
                "provider": .string(deployment.provider),
                "model": .string(deployment.upstreamModel),
            ]
        }
    }

    private static func json(_ diagnostic: Diagnostic) -> JSONValue {
        [
            "code": .string(diagnostic.code), "severity": .string(diagnostic.severity.rawValue),
            "message": .string(diagnostic.message), "file": JSONValue(diagnostic.span?.file),
            "line": JSONValue(diagnostic.span?.start.line), "column": JSONValue(diagnostic.span?.start.column),
            "hints": .array(diagnostic.hints.map(JSONValue.string)),
        ]
    }
}
