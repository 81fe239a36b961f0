// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import Synchronization
internal import SystemIO

/// The command's own log (`paths.log_file`): what was run, what came of it, what was told. Holds no secrets and no
/// prompts: of the arguments it has sub-commands, names and options, and never an option's value.
package enum CommandLog {
    private struct State {
        var path: String?
        var told: [Diagnostic] = []
    }

    /// More than this is not kept for one command.
    private static let toldLimit = 50
    private static let state = Mutex(State())
    /// Options without a value: what comes after them is a name. After all others a value is left out.
    private static let flags: Set<String> = [
        "--allow-unverified", "--device", "--dry-run", "--follow", "--force", "--leave-services", "--no-browser",
        "--no-color", "--quiet", "--wait",
    ]

    /// Where the log is; known once the configuration is loaded.
    static func use(_ path: String) {
        state.withLock { $0.path = path }
    }

    /// Keeps what the operator is told, until the command's outcome is written.
    static func note(_ diagnostic: Diagnostic) {
        state.withLock { if $0.told.count < toldLimit { $0.told.append(diagnostic) } }
    }

    /// The command line without the values of its options, which may be a prompt or a path of somebody's own.
    package static func words(of arguments: [String]) -> String {
        var words: [String] = []
        var isValue = false
        for argument in arguments {
            let name = argument.hasPrefix("-") ? String(argument.prefix { $0 != "=" }) : nil
            let shown = name.map { $0 == argument ? $0 : $0 + "=..." } ?? argument
            words.append(isValue ? "..." : shown)
            isValue = name.map { $0 == argument && !flags.contains($0) } ?? false
        }
        return words.joined(separator: " ")
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
