// SPDX-License-Identifier: MIT

import RouterCLI
import Testing

@Suite struct ShortCommandLineTests {
    @Test(arguments: [
        ["status"], ["health"], ["profile", "set", "balanced"], ["service", "start", "all"],
        ["service", "stop", "litellm"], ["service", "restart", "a"],
    ])
    func `a short form is the command that the parser makes`(arguments: [String]) throws {
        let short = try #require(ShortCommandLine(arguments))
        let parsed = try CommandLineTool.parse(arguments)
        #expect(parsed.global.invocation == Invocation())
        #expect(self.short(parsed) == short)
    }

    @Test(arguments: [
        [], ["status", "--output", "json"], ["status", "extra"], ["--quiet", "status"], ["profile", "set"],
        ["profile", "set", "--help"], ["profile", "show", "cost"], ["service", "start"], ["service", "begin", "a"],
        ["service", "start", ""], ["up"],
    ])
    func `everything else is left to the parser`(arguments: [String]) {
        #expect(ShortCommandLine(arguments) == nil)
    }

    /// The short form of a parsed command; nil where it has options that the short form lacks.
    private func short(_ command: any RouterCommand) -> ShortCommandLine? {
        switch command {
        case is StatusCommand: .status
        case is HealthCommand: .health
        case let command as ProfileSetCommand: .profileSet(command.name)
        case let command as ServiceStartCommand: plain(command.options).map(ShortCommandLine.start)
        case let command as ServiceStopCommand: plain(command.options).map(ShortCommandLine.stop)
        case let command as ServiceRestartCommand: plain(command.options).map(ShortCommandLine.restart)
        default: nil
        }
    }

    private func plain(_ options: ServiceOptions) -> String? {
        options.wait || options.timeout != nil ? nil : options.name
    }
}
