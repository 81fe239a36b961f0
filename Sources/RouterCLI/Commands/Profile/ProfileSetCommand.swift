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

    package func run(in context: AppContext) throws -> ExitStatus { try Self.set(name, in: context) }

    static func set(_ name: String, in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let switching = ProfileSwitching(stack: stack)
        // What cannot be applied is not rendered either.
        if try switching.hasRunningServices() { _ = try stack.plan().checked() }
        _ = try switching.set(name)
        let switched = try switching.applyToServices()
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
