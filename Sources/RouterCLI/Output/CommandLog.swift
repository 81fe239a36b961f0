// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import Synchronization
internal import SystemIO

/// The command's own log (`paths.log_file`): what was run, what came of it, what was told. Holds no secrets, since
/// diagnostics and arguments hold none.
package enum CommandLog {
    private struct State {
        var path: String?
        var told: [Diagnostic] = []
    }

    /// More than this is not kept for one command.
    private static let toldLimit = 50
    private static let state = Mutex(State())

    /// Where the log is; known once the configuration is loaded.
    static func use(_ path: String) {
        state.withLock { $0.path = path }
    }

    /// Keeps what the operator is told, until the command's outcome is written.
    static func note(_ diagnostic: Diagnostic) {
        state.withLock { if $0.told.count < toldLimit { $0.told.append(diagnostic) } }
    }

    /// Writes what was told, and the command with its exit status; a log that cannot be written harms nothing.
    static func finish(command: String, status: ExitStatus, duration: Duration, now: Timestamp) {
        let (path, told) = state.withLock { ($0.path, $0.told) }
        guard let path else { return }
        try? PrivateDirectory.create(PathName.parent(of: path))
        let log = LineLog(path: path)
        for diagnostic in told {
            let level = diagnostic.severity == .note ? "info" : diagnostic.severity.rawValue
            write("\(level) code=\(diagnostic.code) message=\(quoted(diagnostic.message))", to: log, now: now)
        }
        let level = status == .success ? "info" : "error"
        write(
            "\(level) command=\(quoted(command)) exit=\(status.rawValue) duration_ms=\(duration.wholeMilliseconds)",
            to: log, now: now)
    }

    private static func write(_ text: String, to log: LineLog, now: Timestamp) {
        try? log.append(Array("\(now.iso8601) \(text)".utf8))
    }

    private static func quoted(_ text: String) -> String {
        JSONWriter.text(of: .string(text))
    }
}
