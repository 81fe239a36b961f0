// SPDX-License-Identifier: MIT

/// Which server generation is played, with the differences a client can see.
enum ServerRelease: String, Sendable {
    /// CLIProxyAPIPlus 6.8.16-0.
    case legacy
    /// CLIProxyAPI 7.2.x.
    case current

    var version: String {
        switch self {
        case .legacy: "6.8.16-0-plus"
        case .current: "7.2.140"
        }
    }

    var commit: String { "abc1234" }

    var buildDate: String {
        switch self {
        case .legacy: "2026-02-15T06:49:13Z"
        case .current: "2026-08-22T04:10:55Z"
        }
    }

    var banner: String { "CLIProxyAPI Version: \(version), Commit: \(commit), BuiltAt: \(buildDate)" }

    /// How long a finished login is remembered; nil: it is forgotten at once and then looks like success for ever.
    var completedSessionSeconds: Double? { self == .current ? 60 : nil }
    var sessionSeconds: Double { self == .current ? 30 * 60 : 10 * 60 }
    var bansLoopback: Bool { self == .current }
    var oauthCallbackNeedsKey: Bool { self == .legacy }
    var hasHealthz: Bool { self == .current }
    var refusesTemplateKeys: Bool { self == .current }

    /// The login flags of this generation, without their dash.
    var loginFlags: Set<String> {
        let common: Set = ["codex-login", "claude-login", "antigravity-login", "kimi-login"]
        switch self {
        case .legacy:
            return common.union([
                "login", "qwen-login", "iflow-login", "iflow-cookie", "github-copilot-login", "kiro-login",
            ])
        case .current: return common.union(["codex-device-login", "xai-login"])
        }
    }
}
