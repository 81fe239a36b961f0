// SPDX-License-Identifier: MIT

import Diagnostics
import RouterAuth
import Synchronization
import SystemIO

/// An operator who does what the test says when a login URL appears.
final class PlayedOperator: LoginConsole {
    private struct State {
        var values: [(name: String, text: String)] = []
        var notices: [Diagnostic] = []
        var prompts: [String] = []
        var lines: [String] = []
    }

    private let state = Mutex(State())
    private let reaction: @Sendable (String, PlayedOperator) -> Void

    init(_ reaction: @escaping @Sendable (String, PlayedOperator) -> Void = { _, _ in }) {
        self.reaction = reaction
    }

    /// Comes back from the login page with this query, `{state}` being the attempt's.
    static func returning(_ query: String, to port: Int) -> PlayedOperator {
        PlayedOperator { url, _ in
            let query = query.replacing("{state}", with: Web.state(of: url) ?? "none")
            try? BackgroundThread.start {
                _ = try? Web.send("GET", "http://127.0.0.1:\(port)/auth/callback?" + query)
            }
        }
    }

    var values: [(name: String, text: String)] { state.withLock { $0.values } }
    var notices: [Diagnostic] { state.withLock { $0.notices } }
    var prompts: [String] { state.withLock { $0.prompts } }

    func value(named name: String) -> String? { values.first { $0.name == name }?.text }

    func type(_ line: String) { state.withLock { $0.lines.append(line) } }

    func value(_ name: String, _ text: String) { state.withLock { $0.values.append((name, text)) } }
    func notice(_ diagnostic: Diagnostic) { state.withLock { $0.notices.append(diagnostic) } }
    func prompt(_ text: String) { state.withLock { $0.prompts.append(text) } }
    func line(within limit: Duration) -> String? {
        state.withLock { $0.lines.isEmpty ? nil : $0.lines.removeFirst() }
    }
    func open(url: String) { reaction(url, self) }
}

/// Starts programs directly.
struct PlainLauncher: ProgramLauncher {
    func start(_ spec: ProcessSpec, input: Int32, output: Int32, error: Int32) throws(SpawnError) -> Int32 {
        try ChildProcess.spawn(spec, input: input, output: output, error: error).pid
    }

    func finished(pid: Int32) {}
}
