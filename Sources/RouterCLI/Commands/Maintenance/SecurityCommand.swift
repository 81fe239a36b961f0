// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import RouterConfig
internal import RouterDoctor
internal import SystemIO
internal import YAMLSyntax

/// `llm-router security`
package struct SecurityCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "security", abstract: "Secret hygiene.", subcommands: [SecurityCheckCommand.self])

    package init() {}
}

/// `llm-router security check`
package struct SecurityCheckCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look for secrets that are tracked, readable or well known, and for binds that others reach.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let git = ChildProcess.locate("git", searchPath: context[.path] ?? "/usr/local/bin:/usr/bin:/bin")
        var checks = RepositoryChecks.checks(
            configFolder: stack.configuration.directory, routerFolder: stack.paths.privateDirectory,
            git: git.map { RepositoryChecks.Git(executable: $0, home: context[.home]) })
        checks += FileChecks.secretPermissions(stack.secretFiles)
        checks += exposedBinds(stack)
        let known = ExposureChecks.publicKeysInUse(keys(stack))
        checks += known.isEmpty ? [Check("default_key", .pass)] : known
        let report = CheckReport(prefix: "security", checks: checks)
        report.show(on: context.console)
        return report.status
    }

    private func exposedBinds(_ stack: Stack) -> [Check] {
        let hasKey = stack.configuration.litellmBase["general_settings"]?["master_key"] != nil || stack.runsLiteLLM
        let exposed = stack.configuration.services.compactMap { service in
            ExposureChecks.bind(
                service: service.name, host: service.value.host ?? "127.0.0.1", port: service.value.port, hasKey: hasKey
            )
        }
        return exposed.isEmpty ? [Check("exposed_bind", .pass)] : exposed
    }

    /// Every key that the stack uses, by the name of the variable or setting that holds it.
    private func keys(_ stack: Stack) -> [(name: String, value: String)] {
        let variables = stack.planEnvironment()
        var keys: [(name: String, value: String)] = []
        for name in EnvironmentReferences.names(in: stack.configuration) + stack.secrets().keys.sorted() {
            if let value = variables[name], !keys.contains(where: { $0.name == name }) { keys.append((name, value)) }
        }
        let settings = stack.configuration.litellmBase
        if let key = settings["general_settings"]?["master_key"]?.stringValue {
            keys.append(("litellm_base.general_settings.master_key", key))
        }
        for (index, model) in (settings["model_list"]?.elements ?? []).enumerated() {
            if let key = model["litellm_params"]?["api_key"]?.stringValue {
                keys.append(("litellm_base.model_list[\(index)].litellm_params.api_key", key))
            }
        }
        return keys + cliproxyKeys(stack)
    }

    private func cliproxyKeys(_ stack: Stack) -> [(name: String, value: String)] {
        let path = stack.configuration.directory + "/cliproxyapi.yaml"
        guard let bytes = try? FileSystem.read(path, limit: 1 << 20),
            let root = try? YAMLParser.parse(bytes, name: path)
        else { return [] }
        return (root["api-keys"]?.elements ?? []).enumerated().compactMap { index, node in
            node.scalar.map { ("cliproxyapi.yaml api-keys[\(index)]", $0.text) }
        }
    }
}
