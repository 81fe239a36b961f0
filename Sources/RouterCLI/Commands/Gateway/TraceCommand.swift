// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import LLMRouting
internal import RouterConfig
internal import SystemIO
internal import YAMLSyntax

/// `llm-router trace`
package struct TraceCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Show the latest attempts, one line each; every attempt has a file.")

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("How many, newest first.", valueName: "count")) package var last = 10
    @Option(help: ArgumentHelp("Folder of the traces; that of the configuration when omitted.", valueName: "folder"))
    package var dir: String?
    @Option(help: ArgumentHelp("Only attempts of requests whose id begins like this.", valueName: "id"))
    package var request: String?
    @Flag(help: "Go on with new attempts until Ctrl-C.") package var follow = false

    package init() {}

    package func validate() throws {
        guard (1...100_000).contains(last) else { throw ValidationError("--last takes 1 to 100000 attempts") }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        let folder = try dir.map(context.resolve) ?? configuredFolder(context)
        guard try FileSystem.status(folder)?.kind == .directory else {
            throw Diagnostic(
                "trace/no-folder", "No trace directory found: \(folder)",
                hints: ["set `gateway.traces.dir`, or name the folder with --dir"])
        }
        var known = TraceFile.newest(.max, in: folder, request: request)
        let first = Array(known.prefix(last))
        if first.isEmpty, !follow {
            context.console.show(Report(lines: ["No traces found."], json: ["traces": []]))
            return .success
        }
        show(follow ? first.reversed() : first, on: context.console)
        while follow {
            // Traces are whole files, renamed into place: a look twice a second misses none that retention leaves.
            Pause.milliseconds(500)
            let shown = Set(known.map(\.path))
            known = TraceFile.newest(.max, in: folder, request: request)
            show(known.filter { !shown.contains($0.path) }.reversed(), on: context.console)
        }
        return .success
    }

    private func configuredFolder(_ context: AppContext) throws -> String {
        let stack = try Stack.load(context)
        guard let path = stack.configuration.gateway.node["traces"]?["dir"]?.scalar?.text else {
            return stack.paths.privateDirectory + "/traces"
        }
        return PathName.resolve(path, against: stack.configuration.directory)
    }

    private func show(_ files: [TraceFile], on console: Console) {
        var traces: [JSONValue] = []
        var lines: [String] = []
        for file in files {
            do {
                let trace = try JSONParser.parse(try FileSystem.read(file.path, limit: 4 << 20))
                traces.append(trace)
                lines.append(TraceFile.line(trace))
            } catch {
                let reason = (error as? any DiagnosticConvertible)?.diagnostic.message ?? "unreadable"
                console.report(
                    Diagnostic("trace/unreadable", "could not parse `\(file.path)`: \(reason)", severity: .warning))
            }
        }
        guard !(follow && lines.isEmpty) else { return }
        console.show(Report(lines: lines, json: ["traces": .array(traces)]))
    }
}

/// One attempt's file.
struct TraceFile {
    let path: String
    private let modified: Int64

    /// The newest files below `folder`, one level of day folders included, newest first.
    static func newest(_ count: Int, in folder: String, request: String?) -> [TraceFile] {
        let files = traces(in: folder, depth: 2).filter { file in
            request.map { PathName.last(of: file.path).hasPrefix($0) } ?? true
        }
        return Array(files.sorted { ($0.modified, $0.path) > ($1.modified, $1.path) }.prefix(count))
    }

    private static func traces(in folder: String, depth: Int) -> [TraceFile] {
        guard let names = try? FileSystem.list(folder) else { return [] }
        return names.flatMap { name -> [TraceFile] in
            let path = folder + "/" + name
            guard !name.hasPrefix("."), let status = try? FileSystem.status(path, followingLinks: false) else {
                return []
            }
            if status.kind == .directory { return depth > 0 ? traces(in: path, depth: depth - 1) : [] }
            return name.hasSuffix(".json") ? [TraceFile(path: path, modified: status.modifiedNanoseconds)] : []
        }
    }

    /// The line of a listing; what the file does not say is empty.
    static func line(_ trace: JSONValue) -> String {
        let text = { (name: String) in trace[name]?.stringValue ?? "" }
        let elapsed = trace["elapsed_ms"]?.doubleValue ?? 0
        return RequestTrace(
            requestID: text("request_id"), role: text("role"), provider: text("provider"), model: text("model"),
            startedAt: CalendarTime(iso8601: text("started_at")) ?? CalendarTime(secondsSince1970: 0),
            attempt: trace["attempt"]?.integerValue ?? 0, elapsedMilliseconds: min(max(elapsed, 0), 1e12),
            error: trace["error"]?.stringValue
        ).listingLine
    }
}
