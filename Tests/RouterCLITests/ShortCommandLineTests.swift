// SPDX-License-Identifier: MIT

import RouterCLI
import Testing

@Suite struct ShortCommandLineTests {
    @Test(arguments: [
        ["status"], ["health"], ["profile", "set", "balanced"], ["service", "start", "all"],
        ["service", "stop", "litellm"], ["service", "restart", "a"],
    ])
    func `a short form is the command that the parser makes`(arguments: [String]) throws {
        let short = try #require(ShortCommandLine.command(arguments))
        let parsed = try CommandLineTool.parse(arguments)
        #expect(facts(short) == facts(parsed))
        #expect(facts(short).count > 4)
    }

    @Test(arguments: [
        [], ["status", "--output", "json"], ["status", "extra"], ["--quiet", "status"], ["profile", "set"],
        ["profile", "set", "--help"], ["profile", "show", "cost"], ["service", "start"], ["service", "begin", "a"],
        ["service", "start", ""], ["up"],
    ])
    func `everything else is left to the parser`(arguments: [String]) {
        #expect(ShortCommandLine.command(arguments) == nil)
    }

    /// The type and every option and argument with its value.
    private func facts(_ command: any RouterCommand) -> [String] {
        let global = command.global
        var facts = [
            "\(type(of: command))", "\(global.config as Any)", "\(global.output)", "\(global.quiet)",
            "\(global.noColor)",
        ]
        switch command {
        case let command as ProfileSetCommand: facts.append(command.name)
        case let command as ServiceStartCommand: facts += words(command.options)
        case let command as ServiceStopCommand: facts += words(command.options)
        case let command as ServiceRestartCommand: facts += words(command.options)
        default: break
        }
        return facts
    }

    private func words(_ options: ServiceOptions) -> [String] {
        [options.name, "\(options.wait)", "\(options.timeout as Any)"]
    }
}
