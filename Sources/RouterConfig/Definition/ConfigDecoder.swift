// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import SystemIO
internal import YAMLSyntax

/// Collects what is wrong while a file is read, so that everything is reported at once.
struct ConfigDecoder {
    /// The folder of the config file; relative paths are below it.
    let directory: String
    let home: String?
    private(set) var problems = DiagnosticList()
    private var keys: [String] = []

    init(directory: String, home: String?) {
        self.directory = directory
        self.home = home
    }

    /// The place that is being read, such as `services.litellm.port`.
    var place: String { keys.joined(separator: ".") }

    mutating func report(_ problem: ConfigProblem, at span: SourceSpan?) {
        problems.append(problem.diagnostic(at: span))
    }

    mutating func report(_ problem: StackProblem, at span: SourceSpan?) {
        problems.append(problem.diagnostic(at: span))
    }

    mutating func report(_ diagnostic: Diagnostic) {
        problems.append(diagnostic)
    }

    /// Reads what is below `key` with the place extended by it.
    mutating func within<Result>(_ key: String, _ read: (inout ConfigDecoder) -> Result) -> Result {
        keys.append(key)
        defer { keys.removeLast() }
        return read(&self)
    }

    func absolutePath(_ path: String) -> String {
        PathName.resolve(PathName.expandingHome(path, home: home), against: directory)
    }
}
