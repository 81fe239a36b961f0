// SPDX-License-Identifier: MIT

package import Diagnostics
internal import LiteLLMConfig
internal import RouterConfig
package import RouterProfiles

extension Stack {
    /// The configuration's profiles, ready to be rendered for the engine that the services run.
    package var profiles: ProfileCatalog {
        let source = ProfileSource(
            base: configuration.litellmBase, gateway: configuration.hasGateway ? configuration.gateway.node : nil,
            engine: runsLiteLLM ? .litellm : .embedded, configDirectory: configuration.directory)
        return ProfileCatalog(
            source: source, profiles: configuration.profiles.map { (name: $0.name, node: $0.value) })
    }

    /// Whether a service of the stack is LiteLLM, and not the embedded gateway.
    package var runsLiteLLM: Bool {
        configuration.services.contains { service in
            ServiceKind(name: service.name, program: service.value.command.arguments.first ?? "") == .litellm
        }
    }

    /// The profile that was set last.
    package var currentProfile: ProfileState { ProfileState.read(paths.stateFile) }

    /// The profile that `name` means: that one, else the current one.
    package func profileName(orCurrent name: String?) throws(Diagnostic) -> String {
        if let name { return name }
        if case .known(let profile, _) = currentProfile { return profile }
        throw Diagnostic(
            "usage/no-profile", "no profile is set yet, so one must be named",
            hints: [
                "name one of: \(profiles.names.joined(separator: ", "))",
                "or set one: llm-router profile set \(profiles.names.first ?? "NAME")",
            ])
    }

    /// What LiteLLM, or the gateway, would swallow silently in a rendered profile.
    package func lint(_ rendered: RenderedProfile) -> DiagnosticList {
        let variables = planEnvironment()
        let gateway = configuration.hasGateway ? configuration.gateway.node : nil
        let lint = LiteLLMLint.Context(
            engine: runsLiteLLM ? .litellm : .embedded, completion: .byRenderer,
            virtualModels: VirtualModel.all(in: gateway), environment: { variables[$0] }, hasPythonModule: { _ in nil })
        return DiagnosticList(LiteLLMLint.check(rendered.merged, lint))
    }
}
