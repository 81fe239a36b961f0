// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import RouterConfig

/// `llm-router generate`: writes what is derived from the code, for the repository and for packages.
package struct GenerateCommand: RouterCommand {
    /// What can be generated.
    package enum Subject: String, CaseIterable, ExpressibleByArgument, Sendable {
        case cli, configuration, environment, man, schema
    }

    package static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Print a generated document.", shouldDisplay: false)

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "What to print.") package var subject: Subject

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        context.console.write(try Self.text(of: subject))
        return .success
    }

    /// The whole text of one document.
    package static func text(of subject: Subject) throws -> String {
        switch subject {
        case .cli: try CommandReference.root().markdown
        case .environment: EnvironmentReference.markdown
        case .configuration: ConfigReference.markdown()
        case .schema: ConfigSchema.text()
        case .man: try CommandReference.root().manual
        }
    }
}
