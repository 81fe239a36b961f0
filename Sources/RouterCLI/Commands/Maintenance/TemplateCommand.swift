// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import LLMRouting

/// `llm-router template`
package struct TemplateCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Print a role configuration (llm.yaml) to begin with.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        context.console.write(RoleTemplate.text)
        return .success
    }
}
