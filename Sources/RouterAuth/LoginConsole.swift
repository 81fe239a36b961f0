// SPDX-License-Identifier: MIT

package import Diagnostics

/// The operator, as a login sees them.
package protocol LoginConsole: Sendable {
    /// A fact that scripts read, printed as `name=text`.
    func value(_ name: String, _ text: String)
    func notice(_ diagnostic: Diagnostic)
    func prompt(_ text: String)
    /// A line that was typed since the last call; waits at most `limit`.
    func line(within limit: Duration) -> String?
    /// Shows the page, where there is something to show it with.
    func open(url: String)
}

extension LoginMachine.Remark {
    var diagnostic: Diagnostic {
        switch self {
        case .portBusy(let port):
            Diagnostic(
                "auth/port-busy-paste",
                "port \(port), to which the browser is sent back, is in use; the page it ends on will not load",
                severity: .warning, hints: ["copy the address of that page from the browser and paste it here"])
        case .notACallback:
            Diagnostic(
                "auth/not-a-callback", "this is not a callback URL: it has no `code=` and `state=`", severity: .warning,
                hints: ["copy the whole address of the last page, `http://localhost:1455/auth/callback?code=…`"])
        case .otherAttempt:
            Diagnostic(
                "auth/other-attempt", "this callback belongs to another login and was ignored", severity: .warning,
                hints: ["open the URL that was printed last"])
        case .serverAway:
            Diagnostic(
                "auth/server-away", "the server does not answer at the moment; still trying", severity: .note)
        }
    }
}
