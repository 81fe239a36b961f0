// SPDX-License-Identifier: MIT

package import Diagnostics
package import SystemIO

/// Why a request to the fetch helper brought no answer.
package enum FetchProtocolError: Error, Equatable, Sendable {
    /// The helper did its work and failed; these are its words.
    case failed(Diagnostic)
    /// The caller asked to stop, and the helper has been ended.
    case interrupted
    case notStarted(SpawnError)
    case system(SystemError)
    /// It ended without a result.
    case died(helper: String, status: ExitStatus)
    /// It sent what the protocol does not know, such as a helper of another version.
    case malformed(what: String, line: String)
    case lineTooLong(limitBytes: Int)
    case unknownRequest(name: String)
    case otherVersion(theirs: Int, ours: Int)
}

extension FetchProtocolError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .failed(let diagnostic): diagnostic
        case .interrupted:
            Diagnostic("fetch/interrupted", "interrupted", hints: ["run the command again; it goes on where it was"])
        case .notStarted(let error):
            Diagnostic(
                "fetch/no-helper", "cannot start the download helper: \(error.diagnostic.message)",
                hints: ["`llm-router-fetch` must be in the folder of `llm-router`; install both"])
        case .system(let error): error.diagnostic.adding(note: "while talking to the download helper")
        case .died(let helper, let status):
            Diagnostic(
                "fetch/helper-died", "`\(helper)` ended without a result (\(Self.words(status)))",
                hints: ["run the command again; what is installed has not been touched"])
        case .malformed(let what, let line):
            Diagnostic(
                "fetch/malformed", "the download helper and the command do not understand each other: \(what)",
                notes: line.isEmpty ? [] : ["the line began with `\(line.prefix(80))`"], hints: [Self.reinstall])
        case .lineTooLong(let limit):
            Diagnostic("fetch/line-too-long", "a line of the download helper is longer than \(limit) bytes")
        case .unknownRequest(let name):
            Diagnostic("fetch/unknown-request", "the download helper cannot do `\(name)`", hints: [Self.reinstall])
        case .otherVersion(let theirs, let ours):
            Diagnostic(
                "fetch/other-version", "the request has protocol version \(theirs), the download helper speaks \(ours)",
                hints: [Self.reinstall])
        }
    }

    private static let reinstall = "install `llm-router` and `llm-router-fetch` of the same version"

    private static func words(_ status: ExitStatus) -> String {
        switch status {
        case .code(let code): "exit code \(code)"
        case .signal(let number, _): "signal \(number)"
        case .unknown: "no exit status"
        }
    }
}
