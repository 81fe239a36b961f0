// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterExport
internal import SystemIO

/// `llm-router export`
package struct ExportCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the stack for another program.",
        subcommands: [ExportSystemdCommand.self])

    package init() {}
}

/// `llm-router export systemd`
package struct ExportSystemdCommand: RouterCommand {
    /// Whose service manager runs the unit.
    package enum Scope: String, CaseIterable, ExpressibleByArgument, Sendable {
        case user, system
    }

    package static let configuration = CommandConfiguration(
        commandName: "systemd", abstract: "Write a systemd unit that runs the stack.",
        discussion: """
            Without --dir the unit is printed. For a user: llm-router export systemd --dir ~/.config/systemd/user && \
            systemctl --user enable --now llm-router
            """)

    @OptionGroup package var global: GlobalOptions
    @Option(help: "Whose service manager runs it.") package var scope: Scope = .user
    @Option(help: ArgumentHelp("Account that a system unit runs as; the caller's when omitted.", valueName: "name"))
    package var runAs: String?
    @Option(help: ArgumentHelp("Folder to write the unit to.", valueName: "folder")) package var dir: String?

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let exporter = SystemdExporter(
            scope: try exportScope(context), executable: context.executablePath, config: context.configPath,
            writablePaths: [stack.paths.privateDirectory])
        let files = exporter.units(for: stack.plan().services)
        guard let dir else {
            for file in files { context.console.write(file.text) }
            return .success
        }
        let folder = context.resolve(dir)
        var written: [String] = []
        for file in files {
            let path = folder + "/" + file.name
            if try FileSystem.status(folder) == nil { try PrivateDirectory.create(folder) }
            try AtomicFile.write(Array(file.text.utf8), to: path, mode: 0o644)
            written.append(path)
        }
        context.console.show(
            Report(
                lines: written.map { "wrote=\($0)" }, json: ["written": .array(written.map(JSONValue.string))]))
        return .success
    }

    private func exportScope(_ context: AppContext) throws -> SystemdExporter.Scope {
        guard scope == .system else { return .user }
        guard let name = runAs ?? context.environment["USER"] ?? context.environment["LOGNAME"], !name.isEmpty else {
            throw Diagnostic(
                "usage/no-account", "a system unit needs an account to run as", hints: ["add --run-as NAME"])
        }
        return .system(user: name)
    }
}
