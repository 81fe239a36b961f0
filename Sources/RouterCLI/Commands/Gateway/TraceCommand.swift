// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
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
                "trace/no-folder", "no trace directory found: \(folder)",
                hints: ["set `gateway.traces.dir`, or name the folder with --dir"])
        }
        var known = TraceFile.newest(.max, in: folder, request: request)
        let first = Array(known.prefix(last))
        if first.isEmpty, !follow { context.console.note("no traces found") }
        show(follow ? first.reversed() : first, on: context.console)
        while follow {
            // Traces are whole files, renamed into place: a look twice a second misses none that retention leaves.
            for _ in 0..<100 { Pause.briefly() }
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

    /// Request, start, role, provider, attempt, model, outcome and time, in columns.
    static func line(_ trace: JSONValue) -> String {
        let text = { (name: String) in trace[name]?.stringValue ?? "" }
        let failed = !(trace["error"]?.stringValue ?? "").isEmpty
        let elapsed = trace["elapsed_ms"]?.doubleValue ?? 0
        let columns = [
            String(text("request_id").prefix(8)), String(text("started_at").prefix(19)), padded(text("role"), 12),
            padded(text("provider"), 20), padded("a\(trace["attempt"]?.integerValue ?? 0)", 6),
            padded(text("model"), 20),
            padded(failed ? "ERROR" : "OK", 6), "\(Int(min(max(elapsed, 0), 1e12)))ms",
        ]
        return columns.joined(separator: "  ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
