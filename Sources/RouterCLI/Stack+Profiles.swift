// SPDX-License-Identifier: MIT

package import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import LiteLLMConfig
internal import RouterConfig
package import RouterProfiles
internal import SystemIO

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
        let variables = profileEnvironment()
        let gateway = configuration.hasGateway ? configuration.gateway.node : nil
        let modules = InstalledPythonModules(runtimeDirectory: paths.runtimeDirectory, lock: paths.bootstrapLockFile)
        let lint = LiteLLMLint.Context(
            engine: runsLiteLLM ? .litellm : .embedded, completion: .byRenderer,
            virtualModels: VirtualModel.all(in: gateway), environment: { variables[$0] },
            hasPythonModule: { modules.contains($0) })
        return DiagnosticList(LiteLLMLint.check(rendered.merged, lint))
    }
}

/// What the Python environment of the installed LiteLLM can import, looked up without starting Python.
private struct InstalledPythonModules {
    let runtimeDirectory: String
    /// `bootstrap.lock.json`.
    let lock: String

    /// nil when no LiteLLM was installed by `bootstrap download`.
    func contains(_ module: String) -> Bool? {
        guard let bytes = try? FileSystem.read(lock, limit: 1 << 20), let ledger = try? JSONParser.parse(bytes),
            let artifacts = ledger["artifacts"]?.arrayValue,
            let litellm = artifacts.first(where: { $0["name"]?.stringValue == InstallLiteLLMRequest.artifact }),
            let folder = litellm["current"]?.stringValue
        else { return nil }
        let library = "\(runtimeDirectory)/\(folder)/lib"
        let pythons = ((try? FileSystem.list(library)) ?? []).filter { $0.hasPrefix("python") }
        guard !pythons.isEmpty else { return nil }
        return pythons.contains { FileSystem.exists("\(library)/\($0)/site-packages/\(module)") }
    }
}
