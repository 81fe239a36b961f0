// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import JSONSyntax

/// `llm-router events`
package struct EventsCommand: RouterCommand {
    package static let configuration = CommandConfiguration(commandName: "events", abstract: "Show what happened.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        context.console.show(Report(lines: [context.configPath, "\(global.quiet)"], json: [:]))
        return .success
    }
}
