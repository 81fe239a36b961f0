// SPDX-License-Identifier: MIT

package import ArgumentParser

/// `llm-router bootstrap`
package struct BootstrapCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bootstrap", abstract: "Install the programs that the stack runs.",
        subcommands: [
            BootstrapDownloadCommand.self, BootstrapListCommand.self, BootstrapVerifyCommand.self,
            BootstrapRollbackCommand.self,
        ])

    package init() {}
}
