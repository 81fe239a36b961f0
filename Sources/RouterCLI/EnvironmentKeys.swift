// SPDX-License-Identifier: MIT

/// The environment variables that the command itself reads; docs/environment.md lists them.
package enum EnvironmentKey: String, CaseIterable, Sendable {
    case config = "LLM_ROUTER_CONFIG"
    case releaseAPI = "LLM_ROUTER_RELEASE_API"
    case githubToken = "GITHUB_TOKEN"
    case managementPassword = "MANAGEMENT_PASSWORD"
    case cliproxyManagementKey = "CLIPROXY_MANAGEMENT_KEY"
    case home = "HOME"
    case path = "PATH"
    case noColor = "NO_COLOR"
    case terminal = "TERM"
    case notifySocket = "NOTIFY_SOCKET"
    case watchdogMicroseconds = "WATCHDOG_USEC"
    /// Debug builds only: the number of the step at which the process kills itself.
    case crashAt = "LLM_ROUTER_CRASH_AT"

    /// Where the management key of CLIProxyAPI is looked for; the first that is not empty counts.
    package static let managementKeys: [EnvironmentKey] = [.managementPassword, .cliproxyManagementKey]

    /// What the variable does, for the reference page.
    package var meaning: String {
        switch self {
        case .config: "configuration file when `--config` is not given"
        case .releaseAPI: "base address of the release API, over `bootstrap.release_api`"
        case .githubToken: "sent to the release API, and to no other host"
        case .managementPassword: "management key of CLIProxyAPI when the config names no other source"
        case .cliproxyManagementKey: "the same, where `MANAGEMENT_PASSWORD` is not set"
        case .home: "where `~` in a path points"
        case .path: "where programs without a slash are looked for"
        case .noColor: "any value switches colour off"
        case .terminal: "`dumb` switches colour off"
        case .notifySocket: "where `run` reports readiness to systemd"
        case .watchdogMicroseconds: "how often `run` reports to systemd that it is alive"
        case .crashAt: "debug builds only: kills the process at this step, for tests"
        }
    }
}
