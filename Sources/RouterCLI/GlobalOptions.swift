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

    package var invocation: Invocation {
        Invocation(config: config, format: output, isQuiet: quiet, isColorRefused: noColor)
    }
}

/// How a command was called, with which options that all commands have.
package struct Invocation: Equatable, Sendable {
    /// As the operator wrote it; nil when it was not said.
    package var config: String?
    package var format: OutputFormat
    package var isQuiet: Bool
    package var isColorRefused: Bool

    package init(
        config: String? = nil, format: OutputFormat = .text, isQuiet: Bool = false, isColorRefused: Bool = false
    ) {
        self.config = config
        self.format = format
        self.isQuiet = isQuiet
        self.isColorRefused = isColorRefused
    }
}
