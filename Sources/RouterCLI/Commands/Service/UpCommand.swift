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
            Interruption.observe()
            _ = try bootstrap.install(missing, Bootstrap.Choices())
        }
        let profile = try ProfileSwitching(stack: stack).setCurrentOrFirst()
        let limit =
            timeout.map { Duration.milliseconds(Int64($0 * 1000)) } ?? stack.configuration.supervisor.startTimeout
        let outcomes = try ServiceOperations(stack).start(
            stack.serviceNames, wait: true, timeout: limit)
        context.console.note("profile=\(profile)")
        return ServiceOperations(stack).show(outcomes)
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
                stack.serviceNames, timeout: stack.configuration.supervisor.startTimeout))
    }
}

extension ProfileSwitching {
    /// The profile that is set where none is: the first of these that the configuration has, else its first.
    private static let preferred = ["balanced", "reliability"]

    /// Renders the current profile anew, so that an edited configuration counts; sets one where none is set.
    ///
    /// - Returns: the profile's name.
    func setCurrentOrFirst() throws -> String {
        let names = stack.profiles.names
        var name = Self.preferred.first(where: names.contains) ?? names.first
        if case .known(let current, _) = stack.currentProfile, names.contains(current) { name = current }
        guard let name else {
            throw Diagnostic(
                "config/no-profiles", "the configuration has no profile", hints: ["add one below `profiles`"])
        }
        if try set(name) { _ = try applyToServices() }
        return name
    }
}
