// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterConfig
internal import RouterServices

/// The variables of one service: what is inherited, then the stack's secrets, then `env_file`, then `env`.
struct ServiceEnvironment {
    typealias Variables = [(name: String, value: Secret<String>)]

    private let merged: [String: Secret<String>]
    /// `NAME=value` that the config sets, sorted.
    let configured: Secret<[String]>
    /// `NAME=value` from the caller, without what the config sets, sorted.
    let inherited: Secret<[String]>

    /// - Parameter blanked: variables that a file of the service's own would set, kept from it by an empty value.
    init(
        kind: ServiceKind, inherited: [String: String], secrets: Variables, file: Variables, own: Variables,
        blanked: [String] = [], stopTimeout: Duration
    ) {
        let kept = inherited.filter { !Self.isScrubbed($0.key, for: kind) }
        var configured: [String: Secret<String>] = [:]
        for (name, value) in secrets + file + own { configured[name] = value }
        for (name, value) in Self.defaults(for: kind, stopTimeout: stopTimeout)
        where configured[name] == nil && kept[name] == nil {
            configured[name] = Secret(value)
        }
        for name in blanked where configured[name] == nil { configured[name] = Secret("") }
        let remaining = kept.filter { configured[$0.key] == nil }
        self.configured = Secret(configured.map { "\($0.key)=\($0.value.reveal())" }.sorted())
        self.inherited = Secret(remaining.map { "\($0.key)=\($0.value)" }.sorted())
        merged = configured.merging(remaining.mapValues { Secret($0) }) { own, _ in own }
    }

    /// What the service will see as `name`; an empty value counts as none, as it does for LiteLLM.
    func secret(_ name: String) -> Secret<String>? {
        guard let value = merged[name], !value.reveal().isEmpty else { return nil }
        return value
    }

    /// A variable that is no secret, such as `PATH`.
    subscript(name: String) -> String? { merged[name]?.reveal() }

    /// Variables that are about us, or that would make a server do something else than its config says.
    private static func isScrubbed(_ name: String, for kind: ServiceKind) -> Bool {
        let ours = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
        if ours.contains(name) || name == EnvironmentKey.crashAt.rawValue { return true }
        switch kind {
        // The deployment modes of CLIProxyAPI: each replaces its config, its credentials or its folders.
        case .cliproxy: return CLIProxyEnvironment.isStray(name)
        // Another program's database: LiteLLM would exit, since it has no client for one.
        case .litellm: return name == "DATABASE_URL"
        case .other: return false
        }
    }

    /// What LiteLLM needs to start without the network, without a foreign `.env`, and without logging every request.
    private static func defaults(for kind: ServiceKind, stopTimeout: Duration) -> [(name: String, value: String)] {
        guard kind == .litellm else { return [] }
        return [
            ("LITELLM_LOCAL_MODEL_COST_MAP", "True"), ("LITELLM_MODE", "PRODUCTION"), ("LITELLM_LOG", "ERROR"),
            ("NO_DOCS", "True"), ("DISABLE_ADMIN_UI", "True"),
            ("GRACEFUL_SHUTDOWN_TIMEOUT", String(max(1, stopTimeout.components.seconds - 1))),
        ]
    }
}
