// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterEvents
internal import RouterSupervisor

/// `llm-router events`
package struct EventsCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happened to the stack, one JSON object a line.")

    @OptionGroup package var global: GlobalOptions
    @Flag(help: "Go on until Ctrl-C.") package var follow = false
    @Option(help: ArgumentHelp("Events to begin with.", valueName: "count")) package var tail = 20
    @Option(help: ArgumentHelp("Only events of this service.", valueName: "name")) package var service: String?
    @Option(help: ArgumentHelp("Only this kind of event, such as service_exit.", valueName: "event"))
    package var event: String?

    package init() {}

    package func validate() throws {
        guard (0...100_000).contains(tail) else { throw ValidationError("--tail takes 0 to 100000 events") }
        if let event, Event.Name(rawValue: event) == nil {
            throw ValidationError(
                "--event takes one of: \(Event.Name.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        let path = try Stack.load(context).paths.eventsFile
        // Filters see every event of the file, so that a rare one is found behind many others.
        let recent = LogReader.tail(path, lines: isFiltering ? Int.max : tail).filter(matches).suffix(tail)
        guard follow || context.console.format == .text else {
            let lines = recent.map { (try? JSONParser.parse($0)) ?? .string($0) }
            context.console.show(Report(lines: [], json: ["lines": .array(lines)]))
            return .success
        }
        // An event is JSON already: text, and JSON that is followed, are its line.
        for line in recent { show(line, context.console) }
        guard follow else { return .success }
        try LogFollower([LogFollower.Source(name: "events", path: path)], tail: 0).run { _, line in
            if matches(line) { show(line, context.console) }
            return !context.console.outputIsClosed
        }
        return .success
    }

    private func show(_ line: String, _ console: Console) {
        console.write((console.outputIsTerminal ? DiagnosticRenderer.printable(line) : line) + "\n")
    }

    private var isFiltering: Bool { service != nil || event != nil }

    private func matches(_ line: String) -> Bool {
        guard isFiltering else { return true }
        guard let object = try? JSONParser.parse(line) else { return false }
        return (service == nil || object["service"]?.stringValue == service)
            && (event == nil || object["event"]?.stringValue == event)
    }
}
