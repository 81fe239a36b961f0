// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterProfiles

/// `llm-router profile`
package struct ProfileCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Policy profiles: retries, cool-downs, fallbacks.",
        subcommands: [
            ProfileListCommand.self, ProfileSetCommand.self, ProfileShowCommand.self, ProfileDiffCommand.self,
            ProfileCheckCommand.self,
        ])

    package init() {}
}

/// `llm-router profile list`
package struct ProfileListCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the profiles; the current one is marked.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        var current: String?
        if case .known(let name, _) = stack.currentProfile { current = name }
        let names = stack.profiles.names
        context.console.show(
            Report(
                lines: names.map { $0 == current ? "\($0) current" : $0 },
                json: ["profiles": .array(names.map(JSONValue.string)), "current_profile": JSONValue(current)]))
        return .success
    }
}

/// `llm-router profile show`
package struct ProfileShowCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print a profile as it is rendered, clear-text secrets left out.")

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "Profile; the current one when omitted.") package var name: String?

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let name = try stack.profileName(orCurrent: name)
        let text = ProfileText.redacted(try stack.profiles.rendered(name))
        switch context.console.format {
        case .text: context.console.write(text)
        case .json:
            context.console.show(
                Report(lines: [], json: ["profile": .string(name), "rendered": .string(text)]))
        }
        return .success
    }
}

/// `llm-router profile diff`
package struct ProfileDiffCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what differs between two profiles as they are rendered.")

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "The profile that lines with - come from.") package var old: String
    @Argument(help: "The profile that lines with + come from.") package var new: String

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let profiles = try Stack.load(context).profiles
        let diff = ProfileDiff(from: try profiles.rendered(old).root, to: try profiles.rendered(new).root)
        let lines = diff.text.split(separator: "\n").map(String.init)
        context.console.show(
            Report(lines: lines, json: diff.json(from: old, to: new).objectValue ?? [:]))
        return .success
    }
}

/// `llm-router profile check`
package struct ProfileCheckCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what would be ignored or fail in the rendered profile, with the mend.")

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "Profile; all when omitted.") package var name: String?

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        var found = DiagnosticList()
        for profile in name.map({ [$0] }) ?? stack.profiles.names {
            let problems = stack.lint(try stack.profiles.rendered(profile))
            for problem in problems.diagnostics where !found.diagnostics.contains(problem) { found.append(problem) }
        }
        context.console.report(found)
        let errors = found.diagnostics.count { $0.severity == .error }
        let warnings = found.diagnostics.count { $0.severity == .warning }
        context.console.show(
            Report(
                lines: ["errors=\(errors)", "warnings=\(warnings)"],
                json: [
                    "errors": .integer(errors), "warnings": .integer(warnings),
                    "diagnostics": .array(found.sorted.map(\.json)),
                ]))
        return errors > 0 ? .failure : .success
    }
}
