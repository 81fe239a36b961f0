// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What the test wants to go wrong, from the environment. Times are in seconds and may have fractions.
struct FaultPlan: Sendable {
    /// How a login ends, apart from what the callback itself says.
    enum LoginOutcome: String, Sendable {
        case success, denied, timeout, expired
        case exchangeFailed = "exchange-failed"
        case saveFailed = "save-failed"
        case portBusy = "port-busy"
        /// Says that all is well and writes nothing.
        case falseSuccess = "false-success"
    }

    enum RefreshOutcome: String, Sendable {
        case ok, reused, slow
        case forbidden = "403"
    }

    enum ChatFault: String, Sendable {
        case none, hang, cut, disconnect, slow
        case serverError = "500"
        case rateLimited = "429"
        case overloaded = "503"
    }

    /// `STANDIN_PROFILE`: `legacy` (default) or `current`.
    var release: ServerRelease
    /// `STANDIN_MODELS`: models that are served without any credential, separated by commas.
    var models: [String]
    /// `STANDIN_CRASH`: exit code of a crash before anything is bound.
    var crashCode: Int32?
    /// `STANDIN_HANG_BEFORE_BIND`: time between start and bind.
    var bindDelay: Double
    /// `STANDIN_EXIT_AFTER`: exits with 0 after this time.
    var exitAfter: Double?
    /// `STANDIN_IGNORE_SIGTERM=1`.
    var ignoresTermination: Bool
    /// `STANDIN_OAUTH`.
    var login: LoginOutcome
    /// `STANDIN_OAUTH_DELAY`: how long the account's owner takes to agree to a device flow (default 1).
    var loginDelay: Double
    /// `STANDIN_CALLBACK_PORT`: where codex redirects to (default 1455).
    var callbackPort: Int
    /// `STANDIN_REFRESH`.
    var refresh: RefreshOutcome
    /// `STANDIN_CHAT`.
    var chat: ChatFault
    /// `STANDIN_CLOCK_RATE`: the server's own time-outs run this many times faster.
    var clockRate: Double
    /// `STANDIN_ACCOUNT`: the e-mail address that codex logins yield.
    var account: String
    /// `STANDIN_LOGIN`: the user name that copilot logins yield.
    var userName: String
    /// `STANDIN_PLAN`.
    var plan: String

    static func fromEnvironment() -> FaultPlan {
        FaultPlan { name in getenv(name).map { String(cString: $0) } }
    }

    init(variable: (String) -> String?) {
        func word<Word: RawRepresentable<String>>(_ name: String, _ fallback: Word) -> Word {
            guard let text = variable(name), !text.isEmpty else { return fallback }
            guard let word = Word(rawValue: text) else { preconditionFailure("\(name) cannot be `\(text)`") }
            return word
        }
        func number(_ name: String) -> Double? { variable(name).flatMap(Double.init) }
        release = word("STANDIN_PROFILE", ServerRelease.legacy)
        models = (variable("STANDIN_MODELS") ?? "").split(separator: ",").map(String.init)
        crashCode = number("STANDIN_CRASH").map { Int32($0) }
        bindDelay = number("STANDIN_HANG_BEFORE_BIND") ?? 0
        exitAfter = number("STANDIN_EXIT_AFTER")
        ignoresTermination = variable("STANDIN_IGNORE_SIGTERM") == "1"
        login = word("STANDIN_OAUTH", LoginOutcome.success)
        loginDelay = number("STANDIN_OAUTH_DELAY") ?? 1
        callbackPort = number("STANDIN_CALLBACK_PORT").map { Int($0) } ?? 1455
        refresh = word("STANDIN_REFRESH", RefreshOutcome.ok)
        chat = word("STANDIN_CHAT", ChatFault.none)
        clockRate = number("STANDIN_CLOCK_RATE") ?? 1
        account = variable("STANDIN_ACCOUNT") ?? "ada@example.com"
        userName = variable("STANDIN_LOGIN") ?? "ada"
        plan = variable("STANDIN_PLAN") ?? "plus"
    }
}
