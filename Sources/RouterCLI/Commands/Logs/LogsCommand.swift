// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterSupervisor

/// `llm-router logs`
package struct LogsCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what services print; several are merged with prefixes.")

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "Services; all when omitted.") package var names: [String] = []
    @Flag(help: "Go on until Ctrl-C, across rotation.") package var follow = false
    @Option(help: ArgumentHelp("Lines to begin with.", valueName: "count")) package var tail = 20

    package init() {}

    package func validate() throws {
        guard (0...100_000).contains(tail) else { throw ValidationError("--tail takes 0 to 100000 lines") }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        var wanted: [String] = []
        for name in names.isEmpty ? ["all"] : names { wanted += try stack.services(named: name) }
        let console = context.console
        let prefixes = LogPrefixes(
            names: wanted, usesColor: console.usesColor, isTerminal: console.outputIsTerminal)
        let path = { (name: String) in "\(stack.paths.processLogsDirectory)/\(name).log" }
        guard follow else {
            let lines = wanted.flatMap { name in
                LogReader.tail(path(name), lines: tail).map { (name: name, text: $0) }
            }
            switch console.format {
            case .text: for line in lines { console.write(prefixes.prefixed(line.text, line.name)) }
            case .json:
                let objects = lines.map { JSONValue.object(Self.object($0.text, $0.name)) }
                console.show(Report(lines: [], json: ["lines": .array(objects)]))
            }
            return .success
        }
        // Ctrl-C ends the process: there is nothing to tidy up.
        let sources = wanted.map { LogFollower.Source(name: $0, path: path($0)) }
        try LogFollower(sources, tail: tail).run { name, line in
            switch console.format {
            case .text: console.write(prefixes.prefixed(line, name))
            case .json:
                var object: JSONObject = ["schema": 1]
                for member in Self.object(line, name).members { object[member.name] = member.value }
                console.write(JSONWriter.text(of: .object(object)) + "\n")
            }
            return !console.outputIsClosed
        }
        return .success
    }

    private static func object(_ line: String, _ service: String) -> JSONObject {
        ["service": .string(service), "line": .string(line)]
    }
}

/// The names before merged lines, each in a colour of its own where colour is wanted; none for a single service.
package struct LogPrefixes {
    private static let colors = ["36", "33", "35", "32", "34", "31"]
    private let names: [String]
    private let usesColor: Bool
    private let isTerminal: Bool
    private let width: Int

    package init(names: [String], usesColor: Bool, isTerminal: Bool) {
        self.names = names
        self.usesColor = usesColor
        self.isTerminal = isTerminal
        width = names.map(\.count).max() ?? 0
    }

    /// The line with its prefix and line break, control characters made harmless on a terminal.
    package func prefixed(_ line: String, _ name: String) -> String {
        let line = isTerminal ? DiagnosticRenderer.printable(line) : line
        guard names.count > 1 else { return line + "\n" }
        let padded = name + String(repeating: " ", count: max(0, width - name.count)) + " | "
        guard usesColor, let place = names.firstIndex(of: name) else { return padded + line + "\n" }
        return "\u{1B}[\(Self.colors[place % Self.colors.count])m\(padded)\u{1B}[0m\(line)\n"
    }
}
