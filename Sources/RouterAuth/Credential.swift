// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
package import SystemIO

/// What a file of the auth folder says about one account, without its secrets.
package struct Credential: Equatable, Sendable {
    /// What keeps a credential from working, or from being safe.
    package enum Problem: Equatable, Sendable {
        case modeTooOpen(mode: UInt32)
        case unreadable(reason: String)
        case malformed(reason: String)
        case noType
        case noAccessToken
        /// The access token has ended and nothing can renew it.
        case expired(at: Timestamp)
        /// The access token has ended although the server could have renewed it.
        case notRenewed(since: Timestamp)
        case disabled
        case serverReports(status: String, message: String)
        case unknownToServer
    }

    /// The path below the auth folder: what the server calls the credential.
    package let name: String
    package let path: String
    /// nil when the file does not say.
    package let provider: String?
    /// E-mail address or user name, for people.
    package let account: String?
    package let accountID: String?
    package let plan: String?
    package let expiry: Timestamp?
    package let lastRefresh: Timestamp?
    package let mode: UInt32
    /// How the server sees it; nil when it was not asked or did not answer.
    package var serverStatus: String?
    package var problems: [Problem]

    package var needsOperator: Bool { problems.contains { $0.severity == .error } }
}

extension Credential.Problem {
    /// Errors need the operator; the others are worth knowing.
    package var severity: Diagnostic.Severity {
        switch self {
        case .modeTooOpen, .unreadable, .malformed, .noType, .noAccessToken, .expired, .serverReports:
            .error
        case .notRenewed, .unknownToServer: .warning
        case .disabled: .note
        }
    }

    /// One word for scripts.
    package var word: String {
        switch self {
        case .modeTooOpen: "mode"
        case .unreadable: "unreadable"
        case .malformed: "malformed"
        case .noType: "no-type"
        case .noAccessToken: "no-access-token"
        case .expired: "expired"
        case .notRenewed: "not-renewed"
        case .disabled: "disabled"
        case .serverReports: "server-error"
        case .unknownToServer: "unknown-to-server"
        }
    }
}

extension Credential {
    /// The problem in words, with what to run.
    package func diagnostic(of problem: Problem) -> Diagnostic {
        let login = "llm-router auth \(provider == "github-copilot" ? "copilot" : "codex") login"
        switch problem {
        case .modeTooOpen(let mode):
            return make(problem, "others can read `\(path)` (mode \(Self.octal(mode)))", "chmod 600 '\(path)'")
        case .unreadable(let reason): return make(problem, "cannot read `\(path)`: \(reason)", "ls -l '\(path)'")
        case .malformed(let reason): return make(problem, "`\(path)` is no credential: \(reason)", login)
        case .noType: return make(problem, "`\(path)` has no `type`, so the server ignores it", login)
        case .noAccessToken: return make(problem, "`\(path)` has no `access_token`", login)
        case .expired(let moment):
            return make(problem, "`\(name)` ended at \(moment.rfc3339) and cannot be renewed", login)
        case .notRenewed(let moment):
            return make(
                problem, "`\(name)` ended at \(moment.rfc3339) and has not been renewed",
                "llm-router service start cliproxyapi_plus")
        case .disabled: return make(problem, "`\(name)` is disabled", "enable it in the file: `\"disabled\": false`")
        case .serverReports(let status, let message):
            let words = message.isEmpty ? "" : ": \(message)"
            return make(problem, "the server reports `\(name)` as \(status)\(words)", login)
        case .unknownToServer:
            return make(
                problem, "the running server does not know `\(name)`; it may use another `auth-dir`",
                "llm-router service restart cliproxyapi_plus")
        }
    }

    private func make(_ problem: Problem, _ message: String, _ hint: String) -> Diagnostic {
        Diagnostic("auth/credential-\(problem.word)", message, severity: problem.severity, hints: [hint])
    }

    private static func octal(_ mode: UInt32) -> String {
        "0" + String(mode & 0o7777, radix: 8)
    }
}

extension Credential {
    /// Reads what `object` says; `now` decides whether it has ended.
    init(name: String, path: String, mode: UInt32, object: JSONObject, now: Timestamp) {
        func text(_ key: String) -> String? {
            guard let value = object[key]?.stringValue, !value.isEmpty else { return nil }
            return value
        }
        let token = (text("id_token") ?? text("access_token")).flatMap(JSONWebToken.init)
        self.name = name
        self.path = path
        self.mode = mode
        provider = text("type")
        account = text("email") ?? text("username") ?? token?.email
        accountID = text("account_id") ?? token?.accountID
        plan = token?.plan
        expiry = (text("expired") ?? text("expires_at")).flatMap(Timestamp.init(rfc3339:))
        lastRefresh = text("last_refresh").flatMap(Timestamp.init(rfc3339:))
        problems = []
        if provider == nil { problems.append(.noType) }
        if provider == "codex" || provider == "github-copilot", text("access_token") == nil {
            problems.append(.noAccessToken)
        }
        if let expiry, expiry < now {
            problems.append(text("refresh_token") == nil ? .expired(at: expiry) : .notRenewed(since: expiry))
        }
        if object["disabled"]?.boolValue == true { problems.append(.disabled) }
    }

    /// A file of which nothing but its place is known.
    init(name: String, path: String, mode: UInt32, problem: Problem) {
        self.name = name
        self.path = path
        self.mode = mode
        provider = nil
        account = nil
        accountID = nil
        plan = nil
        expiry = nil
        lastRefresh = nil
        problems = [problem]
    }
}
