// SPDX-License-Identifier: MIT

package import ArgumentParser

/// `llm-router`: the root of the command tree.
package struct RootCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "llm-router",
        abstract: "Installs, configures, supervises and heals a local LLM stack behind one OpenAI-compatible endpoint.",
        version: Version.line,
        subcommands: [GenerateCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Services",
                subcommands: [
                    UpCommand.self, DownCommand.self, ServiceGroup.self, StatusCommand.self, HealthCommand.self,
                    LogsCommand.self, EventsCommand.self, RunCommand.self, SupervisorCommand.self,
                ]),
            CommandGroup(
                name: "Configuration", subcommands: [InitCommand.self, ProfileCommand.self, BootstrapCommand.self]),
            CommandGroup(name: "Credentials", subcommands: [AuthCommand.self]),
            CommandGroup(name: "Gateway", subcommands: [GatewayCommand.self, RouteCommand.self, TraceCommand.self]),
            CommandGroup(
                name: "Maintenance",
                subcommands: [DoctorCommand.self, SecurityCommand.self, ExportCommand.self, TemplateCommand.self]),
        ])

    @OptionGroup package var global: GlobalOptions

    package init() {}
}
