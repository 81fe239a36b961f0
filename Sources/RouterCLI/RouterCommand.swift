// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import FetchProtocol
internal import SystemIO

/// A command of `llm-router`: options, one call into an engine, one report.
package protocol RouterCommand: ParsableCommand {
    var global: GlobalOptions { get }

    /// Whether the command changes anything, and is therefore written to the command's log; failures always are.
    static var changesStack: Bool { get }

    /// Whether it looks at `Interruption` and ends in order; all others end at once on Ctrl-C.
    static var endsOnInterruption: Bool { get }

    /// Does the work; tests call it with a context of their own.
    func run(in context: AppContext) throws -> ExitStatus
}

extension RouterCommand {
    package static var changesStack: Bool { false }
    package static var endsOnInterruption: Bool { false }

    package mutating func run() throws {
        preconditionFailure("commands are run through CommandLineTool")
    }
}

/// The command as a whole: from arguments to an exit status.
package enum CommandLineTool {
    /// Runs the command that `arguments` (without the program's name) ask for.
    package static func run(_ arguments: [String]) -> ExitStatus {
        // A reader that goes away must not end a command in the middle of its work.
        SignalNumber.ignorePipe()
        if let command = ShortCommandLine(arguments) {
            return run(arguments, Invocation(), changesStack: command.changesStack) { try command.run(in: $0) }
        }
        // From the first moment, so that a command that ends in order has no window in which it does not.
        let interruption = Interruption.observe()
        let command: any ParsableCommand
        do {
            command = try RootCommand.parseAsRoot(arguments)
        } catch {
            return reportParsing(error)
        }
        let endsOnInterruption = (command as? any RouterCommand).map { type(of: $0).endsOnInterruption } ?? false
        if !endsOnInterruption { interruption.end() }
        guard endsOnInterruption || !Interruption.isRequested else { return .interrupted }
        guard let command = command as? any RouterCommand else {
            // A group without a sub-command, or help and version that were asked for.
            var group = command
            do {
                try group.run()
                return .success
            } catch {
                return reportParsing(error)
            }
        }
        return run(arguments, command.global.invocation, changesStack: type(of: command).changesStack) {
            try command.run(in: $0)
        }
    }

    /// The command that `arguments` ask for, without running it.
    package static func parse(_ arguments: [String]) throws -> any RouterCommand {
        let command = try RootCommand.parseAsRoot(arguments)
        guard let command = command as? any RouterCommand else {
            throw Diagnostic("usage/no-command", "`\(arguments.joined(separator: " "))` names no command")
        }
        return command
    }

    private static func run(
        _ arguments: [String], _ invocation: Invocation, changesStack: Bool, _ body: (AppContext) throws -> ExitStatus
    ) -> ExitStatus {
        do {
            let context = try AppContext.live(invocation)
            if let step = context[.crashAt].flatMap({ Int($0) }) { CrashPoint.arm(count: step) }
            let start = MonotonicTime.now()
            let status = report(context.console) { try body(context) }
            if changesStack || status != .success {
                CommandLog.finish(
                    command: CommandLog.words(of: arguments), status: status,
                    duration: MonotonicTime.now() - start, now: context.now())
            }
            return status
        } catch {
            Console.live(invocation, environment: [:]).report(error.diagnostic)
            return .failure
        }
    }

    /// Runs `body`; what it throws becomes words and an exit status, here and nowhere else.
    static func report(_ console: Console, _ body: () throws -> ExitStatus) -> ExitStatus {
        do {
            return try body()
        } catch FetchProtocolError.interrupted {
            return .interrupted
        } catch let list as DiagnosticList {
            console.report(list)
            return status(of: list.diagnostics)
        } catch let error as any DiagnosticConvertible {
            console.report(error.diagnostic)
            return status(of: [error.diagnostic])
        } catch {
            console.report(Diagnostic("internal/unexpected", "unexpected error: \(error)"))
            return .failure
        }
    }

    /// Problems of the configuration and of the command line are usage errors; all others are failures.
    private static func status(of diagnostics: [Diagnostic]) -> ExitStatus {
        let usageAreas = ["config/", "yaml/", "usage/", "litellm/"]
        let isUsage = diagnostics.contains { diagnostic in
            diagnostic.severity == .error
                && (usageAreas.contains { diagnostic.code.hasPrefix($0) } || diagnostic.code == "profile/unknown")
        }
        return isUsage ? .usage : .failure
    }

    private static func reportParsing(_ error: any Error) -> ExitStatus {
        let text = RootCommand.fullMessage(for: error)
        let isHelp = RootCommand.exitCode(for: error) == .success
        let line = text.isEmpty || text.hasSuffix("\n") ? text : text + "\n"
        try? OwnedDescriptor.writeAll(Array(line.utf8), to: isHelp ? 1 : 2)
        return isHelp ? .success : .usage
    }
}
