// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import RouterConfig
internal import RouterDoctor
internal import SystemIO

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
        let exposure = StackExposure(stack)
        let binds = exposure.exposedBinds
        checks += binds.isEmpty ? [Check("exposed_bind", .pass)] : binds
        let known = ExposureChecks.publicKeysInUse(exposure.keys)
        checks += known.isEmpty ? [Check("default_key", .pass)] : known
        let report = CheckReport(prefix: "security", checks: checks)
        report.show(on: context.console)
        return report.status
    }
}
