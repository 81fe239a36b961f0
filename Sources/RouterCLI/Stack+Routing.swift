// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import LLMRouting
internal import RouterConfig
internal import RouterProfiles
internal import Synchronization
internal import SystemIO

extension Stack {
    /// The profile that explanations are about when none is named: the current one, else the first.
    var profileToExplain: String {
        let names = profiles.names
        if case .known(let name, _) = currentProfile, names.contains(name) { return name }
        return names.first ?? ""
    }

    /// What the embedded gateway would route by if the profile were the current one.
    ///
    /// Nobody is called, so a variable that is not set here is told and takes no deployment away.
    func routingPolicy(of profile: String) throws -> GatewayPolicy {
        let rendered = try profiles.rendered(profile)
        let variables = profileEnvironment()
        let unset = Mutex(Set<String>())
        let reader = SettingsReader { name in
            if let value = variables[name] { return value }
            unset.withLock { _ = $0.insert(name) }
            return "http://unset.invalid"
        }
        let settings = try reader.read(rendered.activeFile, at: paths.activeConfig, policy: rendered.gatewayPolicy)
        context.console.report(
            DiagnosticList(
                unset.withLock { $0.sorted() }.map { name in
                    Diagnostic(
                        "route/unset-variable", "the variable `\(name)` is not set here; it is taken as set",
                        severity: .warning)
                }))
        if runsLiteLLM {
            context.console.note(
                "this stack runs LiteLLM, which routes by itself; this is what the embedded gateway would do")
        }
        return settings.policy
    }
}

extension AppContext {
    /// The present moment of decisions that nothing went before.
    var routingMoment: Now {
        Now(
            instant: Instant(nanoseconds: 0),
            calendar: CalendarTime(microsecondsSince1970: now().nanoseconds / 1000))
    }
}
