// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax
package import RouterControl

extension ServiceOutcome {
    /// `<service>:started pid=<n>`; a start of what runs already reads the same, since that is what was asked for.
    package var line: String {
        let word = result == .alreadyRunning ? "started" : result == .notRunning ? "stopped" : result.rawValue
        return "\(service):\(word)" + (pid.map { " pid=\($0)" } ?? "")
    }

    package var json: JSONValue {
        var object: JSONObject = ["service": .string(service), "result": .string(result.rawValue)]
        if let pid { object["pid"] = .integer(Int(pid)) }
        if let detail { object["detail"] = .string(detail) }
        if !lastLines.isEmpty { object["last_lines"] = .array(lastLines.map(JSONValue.string)) }
        return .object(object)
    }

    /// Why it failed, with the end of the service's log; nil when it did not.
    package var diagnostic: Diagnostic? {
        guard !result.isSuccess else { return nil }
        let reason = detail ?? "it did not come up"
        return Diagnostic(
            "service/\(result.rawValue)", "`\(service)`: \(reason)", notes: lastLines.map { "its log: \($0)" },
            hints: ["read more with `llm-router logs \(service) --tail 50`"])
    }
}

extension Report {
    /// The outcomes of a service command.
    init(outcomes: [ServiceOutcome]) {
        self.init(lines: outcomes.map(\.line), json: ["services": .array(outcomes.map(\.json))])
    }
}
