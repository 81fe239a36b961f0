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
    @Option(
        help: ArgumentHelp(
            "Folder that has traces somewhere below it; that of the configuration, else .lee-llm-router/traces.",
            valueName: "folder"))
    package var dir: String?
    @Option(help: ArgumentHelp("Only attempts of requests whose id begins like this.", valueName: "id"))
    package var request: String?
    @Flag(help: "Go on with new attempts until Ctrl-C.") package var follow = false

    package init() {}

    package func validate() throws {
        guard (1...100_000).contains(last) else { throw ValidationError("--last takes 1 to 100000 attempts") }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        let folder = try Folder(dir ?? configuredFolder(context), context)
        guard try FileSystem.status(folder.path)?.kind == .directory else {
            context.console.complain("No trace directory found: \(folder.name)")
            return .failure
        }
        var known = TraceFile.newest(.max, in: folder.path, request: request)
        let first = Array(known.prefix(last))
        if first.isEmpty, !follow {
            context.console.show(Report(lines: ["No traces found."], json: ["traces": []]))
            return .success
        }
        show(follow ? first.reversed() : first, in: folder, on: context.console)
        while follow {
            // Traces are whole files, renamed into place: a look twice a second misses none that retention leaves.
            Pause.milliseconds(500)
            let shown = Set(known.map(\.path))
            known = TraceFile.newest(.max, in: folder.path, request: request)
            show(known.filter { !shown.contains($0.path) }.reversed(), in: folder, on: context.console)
        }
        return .success
    }

    /// The folder that is looked into, and its name as the operator knows it.
    private struct Folder {
        let path: String
        let name: String

        init(_ name: String, _ context: AppContext) {
            self.name = name
            path = context.resolve(name)
        }
    }

    /// Roles need no stack: without a configuration, or with one that keeps no traces, theirs are shown.
    private func configuredFolder(_ context: AppContext) throws -> String {
        let isNamed = global.config != nil || context[.config] != nil
        guard isNamed || FileSystem.exists(context.configPath) else { return TraceFile.rolesFolder }
        let configuration = try Stack.load(context).configuration
        guard let path = configuration.gateway.node["traces"]?["dir"]?.scalar?.text else {
            return TraceFile.rolesFolder
        }
        return PathName.resolve(path, against: configuration.directory)
    }

    private func show(_ files: [TraceFile], in folder: Folder, on console: Console) {
        var traces: [JSONValue] = []
        var lines: [String] = []
        for file in files {
            do {
                let trace = try file.read()
                traces.append(.object(trace))
                lines.append(TraceFile.line(trace))
            } catch {
                let reason = (error as? any DiagnosticConvertible)?.diagnostic.message ?? "\(error)"
                let name = folder.name + file.path.dropFirst(folder.path.count)
                console.complain("  [could not parse \(name): \(reason)]")
            }
        }
        guard !(follow && lines.isEmpty) else { return }
        console.show(Report(lines: lines, json: ["traces": .array(traces)]))
    }
}

/// One attempt's file.
struct TraceFile {
    /// Where roles keep their traces unless they are told otherwise.
    static let rolesFolder = ".lee-llm-router/traces"
    private static let sizeLimitBytes = 4 << 20
    /// A trace lies a few folders deep; what is deeper is no folder of traces.
    private static let depthLimit = 16

    let path: String
    private let modified: Int64

    /// The newest files anywhere below `folder`, newest first.
    static func newest(_ count: Int, in folder: String, request: String?) -> [TraceFile] {
        let files = traces(in: folder, depth: depthLimit).filter { file in
            request.map { PathName.last(of: file.path).hasPrefix($0) } ?? true
        }
        return Array(files.sorted { ($0.modified, $0.path) > ($1.modified, $1.path) }.prefix(count))
    }

    /// Folders behind links are not entered: a link may lead in a circle.
    private static func traces(in folder: String, depth: Int) -> [TraceFile] {
        guard let names = try? FileSystem.list(folder) else { return [] }
        return names.flatMap { name -> [TraceFile] in
            let path = folder + "/" + name
            guard let status = try? FileSystem.status(path, followingLinks: false) else { return [] }
            if status.kind == .directory { return depth > 0 ? traces(in: path, depth: depth - 1) : [] }
            return name.hasSuffix(".json") ? [TraceFile(path: path, modified: status.modifiedNanoseconds)] : []
        }
    }

    private struct NoObject: Error, CustomStringConvertible {
        let description = "the text is no JSON object"
    }

    func read() throws -> JSONObject {
        let value = try JSONParser.parse(try FileSystem.read(path, limit: Self.sizeLimitBytes))
        guard let object = value.objectValue else { throw NoObject() }
        return object
    }

    /// The line of a listing. Widths count code points; what the file does not say is empty.
    static func line(_ trace: JSONObject) -> String {
        let text = { (name: String) in trace[name]?.stringValue ?? "" }
        let elapsed = min(max(trace["elapsed_ms"]?.doubleValue ?? 0, 0), 1e15)
        return [
            String(text("request_id").unicodeScalars.prefix(8)), String(text("started_at").unicodeScalars.prefix(19)),
            padded(text("role"), 12),
            padded(text("provider"), 20), padded("a\(trace["attempt"]?.integerValue ?? 0)", 6),
            padded(text("model"), 20), padded(text("error").isEmpty ? "OK" : "ERROR", 6), "\(Int(elapsed))ms",
        ].joined(separator: "  ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
    }
}
