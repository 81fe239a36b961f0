// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import RouterServices
package import SystemIO

/// Why talking to the supervisor failed.
package enum ControlError: Error, Equatable, Sendable {
    case system(SystemError)
    /// It took the request and went before it answered.
    case closed
    case timeout(Duration)
    case invalidAnswer(String)
    /// The supervisor says no.
    case refused(code: String, message: String, hints: [String])
    /// It was started and its socket did not come.
    case notStarted(logPath: String, lastLines: [String])
    case cannotSpawn(SpawnError)
}

extension ControlError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .system(let error): error.diagnostic
        case .closed:
            Diagnostic(
                "control/closed", "the supervisor closed the connection before it answered",
                hints: ["look at `llm-router supervisor status`, then run the command again"])
        case .timeout(let limit):
            Diagnostic(
                "control/timeout", "the supervisor did not answer within \(limit)",
                hints: ["raise `--timeout`, or look at `llm-router supervisor status`"])
        case .invalidAnswer(let reason):
            Diagnostic(
                "control/invalid-answer", "the supervisor's answer cannot be read: \(reason)",
                hints: ["run `llm-router supervisor upgrade`: it may be of another version"])
        case .refused(let code, let message, let hints): Diagnostic(code, message, hints: hints)
        case .notStarted(let path, let lines):
            Diagnostic(
                "control/not-started", "the supervisor did not come up", notes: lines, hints: ["read `\(path)`"])
        case .cannotSpawn(let error): error.diagnostic
        }
    }
}
