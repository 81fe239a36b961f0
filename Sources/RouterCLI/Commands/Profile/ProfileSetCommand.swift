// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterControl
internal import RouterEvents
internal import RouterProfiles
internal import RouterServices
internal import SystemIO

/// `llm-router profile set`
package struct ProfileSetCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Render a profile and switch the running services to it.")

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "Profile.") package var name: String

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        _ = try ProfileSwitching(stack: stack).set(name)
        let switched = try ProfileSwitching(stack: stack).applyToServices()
        let report = Report(
            lines: [
                "profile=\(name)", "active_config=\(stack.paths.activeConfig)", "state_file=\(stack.paths.stateFile)",
            ] + switched.map(\.line),
            json: [
                "profile": .string(name), "active_config": .string(stack.paths.activeConfig),
                "state_file": .string(stack.paths.stateFile), "services": .array(switched.map(\.json)),
            ])
        for outcome in switched {
            if let diagnostic = outcome.diagnostic { context.console.report(diagnostic) }
        }
        context.console.show(report)
        return switched.allSatisfy(\.result.isSuccess) ? .success : .failure
    }
}

/// The two halves of a profile switch: the files, and the services that read them.
struct ProfileSwitching {
    let stack: Stack

    /// Renders and writes `name`; warnings are told, errors keep the files as they are.
    ///
    /// - Returns: whether what the services read is another now.
    func set(_ name: String) throws -> Bool {
        let rendered = try stack.profiles.rendered(name)
        let problems = stack.lint(rendered)
        if problems.hasErrors {
            stack.record(.profileSwitch, profile: name, result: .failed, detail: "the profile has errors")
            throw problems
        }
        // Notes tell what the renderer puts right; they belong to `profile check`.
        stack.context.console.report(DiagnosticList(problems.diagnostics.filter { $0.severity != .note }))
        do {
            try stack.prepareFolders()
            let outcome = try ProfileSwitch(
                activeConfig: stack.paths.activeConfig, stateFile: stack.paths.stateFile,
                secretsFile: stack.paths.secretsFile
            ).perform(rendered, now: stack.context.now())
            stack.record(.profileSwitch, profile: name, result: .success)
            return outcome.isChanged
        } catch {
            stack.record(.profileSwitch, profile: name, result: .failed, detail: error.diagnostic.message)
            throw error
        }
    }

    /// Restarts or reloads each running service as its `on_profile_switch` says.
    func applyToServices() throws -> [ServiceOutcome] {
        guard var client = try ControlClient.connect(stack.layout) else { return [] }
        let running = try client.status().services.filter { $0.wanted == .running }.map(\.name)
        let specs = try stack.checkedServices()
        let affected = { (action: ProfileSwitchAction) in
            specs.filter { $0.onProfileSwitch == action && running.contains($0.name) }.map(\.name)
        }
        let timeout = stack.configuration.supervisor.startTimeout
        let reloaded = affected(.reload)
        let restarted = affected(.restart)
        // A slot is restarted by the name of its front.
        let names = restarted.map { name in
            stack.configuration.services.map(\.name).first { service in
                stack.front(of: service).map { $0.running($0.active).name == name } ?? false
            } ?? name
        }
        var outcomes: [ServiceOutcome] = []
        if !reloaded.isEmpty { outcomes += try client.reload(reloaded, timeout: timeout) }
        if !names.isEmpty {
            let all = try names.flatMap { try stack.services(named: $0) }
            outcomes += try ServiceOperations(stack).restart(all, wait: false, timeout: timeout)
        }
        return outcomes.filter { reloaded.contains($0.service) || names.contains($0.service) }
    }
}
