// SPDX-License-Identifier: MIT

package import Diagnostics

/// How a login ended; each end has its own word and advice.
package enum LoginOutcome: Equatable, Sendable {
    /// The new credential is there; nil: a server whose credentials cannot be looked at said so plainly.
    case success(credential: CredentialSnapshot.Entry?)
    case denied
    case expired
    case timedOut(after: Duration)
    case portBusy(port: Int)
    case serverRestarted
    case lostSession
    /// The server said "ok", but no credential came.
    case unconfirmed
    case serverFailed(ManagementFailure)
    case failed(message: String)
    /// The installed program cannot log in this way.
    case programUnsuitable(program: String, flag: String)
    case programMissing(program: String, reason: String)
    case interrupted

    package var isSuccess: Bool {
        if case .success = self { true } else { false }
    }

    /// The word of `oauth_status=`.
    package var word: String {
        switch self {
        case .success: "success"
        case .denied: "denied"
        case .expired: "expired"
        case .timedOut: "timeout"
        case .portBusy: "port-busy"
        case .serverRestarted: "server-restarted"
        case .lostSession: "lost-session"
        case .unconfirmed: "unconfirmed"
        case .serverFailed(let failure): failure.word
        case .failed: "failed"
        case .programUnsuitable: "unsupported"
        case .programMissing: "no-program"
        case .interrupted: "cancelled"
        }
    }

    /// What to tell the operator; nil after a success.
    package func diagnostic(provider: LoginProvider) -> Diagnostic? {
        let again = "llm-router auth \(provider == .copilot ? "copilot" : "codex") login"
        switch self {
        case .success: return nil
        case .denied:
            return Diagnostic(
                "auth/login-denied", "the login was refused in the browser",
                hints: ["run `\(again)` again and agree to it"])
        case .expired:
            return Diagnostic(
                "auth/login-expired", "the login took longer than the server waits",
                hints: ["run `\(again)` again and finish in the browser within five minutes"])
        case .timedOut(let limit):
            return Diagnostic(
                "auth/login-timeout", "nobody finished the login within \(limit.components.seconds) s",
                hints: ["run `\(again) --timeout 600` for more time"])
        case .portBusy(let port):
            return Diagnostic(
                "auth/port-busy", "port \(port), to which the browser is sent back, is in use",
                notes: ["a `codex login` that is still waiting uses the same port"],
                hints: [
                    "see who has it: `ss -ltnp 'sport = :\(port)'`, end it and run `\(again)` again",
                    "or log in without the port: `\(again) --device`",
                ])
        case .serverRestarted:
            return Diagnostic(
                "auth/server-restarted", "the server was restarted in the middle of the login and has forgotten it",
                hints: ["run `\(again)` again"])
        case .lostSession:
            return Diagnostic(
                "auth/lost-session", "the server no longer knows this login, and no credential came of it",
                hints: ["run `\(again)` again; `llm-router logs cliproxyapi_plus` may say why"])
        case .unconfirmed:
            return Diagnostic(
                "auth/unconfirmed", "the server says that all is well, but no new credential is there",
                notes: ["servers also say so of logins that they have forgotten, so this is no success"],
                hints: ["look with `llm-router auth status`, then run `\(again)` again"])
        case .serverFailed(let failure): return failure.diagnostic
        case .failed(let message):
            return Diagnostic(
                "auth/login-failed", "the login failed\(message.isEmpty ? "" : ": \(message)")",
                hints: ["run `\(again)` again; `llm-router logs cliproxyapi_plus` has the server's own words"])
        case .programUnsuitable(let program, let flag):
            let install = "install a version that has it: `llm-router bootstrap download --cliproxy-version VERSION`"
            return Diagnostic(
                "auth/program-unsuitable", "the installed `\(program)` has no `\(flag)`",
                hints: (provider == .copilot ? [] : ["run `\(again)` without `--device`"]) + [install])
        case .programMissing(let program, let reason):
            return Diagnostic(
                "auth/no-program", "cannot run `\(program)`: \(reason)",
                hints: ["install it: `llm-router bootstrap download`"])
        case .interrupted: return Diagnostic("auth/login-cancelled", "the login was cancelled")
        }
    }
}

extension ManagementFailure {
    /// The word of `oauth_status=`.
    package var word: String {
        switch self {
        case .unreachable: "unreachable"
        case .keyMissing: "no-key"
        case .wrongKey: "wrong-key"
        case .banned: "banned"
        case .forbidden: "forbidden"
        case .managementOff: "management-off"
        case .unsupported: "unsupported"
        case .refused, .notJSON: "server-error"
        }
    }
}
