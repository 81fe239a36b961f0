// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import RouterConfig
internal import SystemIO

/// `llm-router gateway`
package struct GatewayCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "The embedded gateway, by itself.",
        subcommands: [GatewayServeCommand.self, GatewayCheckCommand.self])

    fileprivate static let discussion =
        "Here --config names LiteLLM's file; without it, the one that `profile set` rendered for the stack is used."

    package init() {}
}

/// `llm-router gateway serve`
package struct GatewayServeCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve OpenAI's API from a LiteLLM configuration file.",
        discussion: GatewayCommand.discussion)

    @OptionGroup package var global: GlobalOptions
    @Option(help: "Address to listen on.") package var host: String?
    @Option(help: "Port to listen on.") package var port: Int?

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        var arguments = ["serve", "--config", try context.liteLLMFile(global)]
        if let host { arguments += ["--host", host] }
        if let port { arguments += ["--port", String(port)] }
        try context.become(helper: "llm-router-gateway", arguments)
    }
}

/// `llm-router gateway check`
package struct GatewayCheckCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what of a LiteLLM configuration file the gateway uses.",
        discussion: GatewayCommand.discussion)

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try context.become(
            helper: "llm-router-gateway",
            ["check", "--config", try context.liteLLMFile(global), "--output", global.output.rawValue])
    }
}

extension AppContext {
    /// LiteLLM's file that `--config` names, else the active one of the stack.
    func liteLLMFile(_ options: GlobalOptions) throws -> String {
        options.config == nil ? try Stack.load(self).paths.activeConfig : configPath
    }

    /// Goes on as one of the executables that ship beside this one.
    func become(helper name: String, _ arguments: [String]) throws -> Never {
        let entries = environment.map { "\($0.key)=\($0.value)" }.sorted()
        try ChildProcess.replace(
            with: ProcessSpec(executable: helper(name), arguments: [name] + arguments, environment: entries))
    }
}
