// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterControl
internal import RouterProfiles

/// `llm-router up`
package struct UpCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Do whatever is missing: install, set a profile, start, wait until everything is ready.")

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("Give up waiting after this long.", valueName: "seconds")) package var timeout: Double?

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let bootstrap = Bootstrap(stack)
        let missing = bootstrap.missingArtifacts
        if !missing.isEmpty {
            _ = try Interruption.during { try bootstrap.install(missing, Bootstrap.Choices()) }
            guard !Interruption.isRequested else { return .interrupted }
        }
        let switching = ProfileSwitching(stack: stack)
        let profile = try switching.setCurrentOrFirst()
        let switched = profile.isNew ? try switching.applyToServices() : []
        let limit =
            timeout.map { Duration.milliseconds(Int64($0 * 1000)) } ?? stack.configuration.supervisor.startTimeout
        let outcomes = try ServiceOperations(stack).start(
            stack.serviceNames, wait: true, timeout: limit)
        context.console.note("profile=\(profile.name)")
        let failed = switched.filter { switched in
            !switched.result.isSuccess && !outcomes.contains { $0.service == switched.service && !$0.result.isSuccess }
        }
        return ServiceOperations(stack).show(outcomes + failed)
    }

    package func validate() throws {
        if let timeout, !(timeout > 0 && timeout <= 86_400) {
            throw ValidationError("--timeout takes seconds between 0 and 86400")
        }
    }
}

/// `llm-router down`
package struct DownCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop everything, in the reverse of the order in which it started.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let operations = ServiceOperations(stack)
        return operations.show(
            try operations.stop(
                stack.stoppableServices(named: "all"), timeout: stack.configuration.supervisor.startTimeout))
    }
}
