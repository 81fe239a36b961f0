// SPDX-License-Identifier: MIT

package import ArgumentParser

extension OutputFormat: ExpressibleByArgument {}

/// The options that every command takes, before or after its name.
package struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Configuration file.",
            discussion: "Default: $LLM_ROUTER_CONFIG, else config/routertool.yaml.", valueName: "path"))
    package var config: String?

    @Option(help: "Output format: text (stable lines) or json (one object).")
    package var output: OutputFormat = .text

    @Flag(help: "Print results and errors only.")
    package var quiet = false

    @Flag(help: "Never use colour.")
    package var noColor = false

    package init() {}
}
