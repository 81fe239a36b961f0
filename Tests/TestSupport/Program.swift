// SPDX-License-Identifier: MIT

package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What a finished program left behind.
package struct ProgramResult: Sendable, CustomStringConvertible {
    package let status: ExitStatus
    package let output: String
    package let errors: String

    /// The exit code; nil when a signal ended the program.
    package var code: Int32? {
        if case .code(let code) = status { code } else { nil }
    }

    package var lines: [String] { output.split(separator: "\n").map(String.init) }

    package var description: String { "status: \(status)\noutput:\n\(output)\nerrors:\n\(errors)" }
}

/// A real program that a test runs as a child process.
package struct Program: Sendable {
    package var path: String
    package var arguments: [String]
    package var environment: [String: String]
    package var directory: String?
    package var input: String?

    package init(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = Self.inherited,
        directory: String? = nil, input: String? = nil
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.input = input
    }

    /// An executable of this package, from the same build as the tests.
    package static func built(
        _ name: String, _ arguments: [String] = [], environment: [String: String] = Self.inherited,
        directory: String? = nil, input: String? = nil
    ) -> Program {
        Program(
            PathName.parent(of: testExecutable) + "/" + name, arguments, environment: environment,
            directory: directory, input: input)
    }

    /// The variables that a program needs to run at all, and nothing of the tester's own settings.
    package static let inherited: [String: String] = {
        var variables = ["NO_COLOR": "1"]
        for name in ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PIP_FIND_LINKS", "PIP_CERT", "PIP_INDEX_URL"] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return variables
    }()

    /// Runs to the end; a program that takes longer than `limit` is killed and the test fails.
    package func run(limit: Duration = .seconds(120)) throws -> ProgramResult {
        try start().finish(limit: limit)
    }

    /// Starts and returns at once.
    package func start() throws -> RunningProgram {
        try RunningProgram(self)
    }

    private static let testExecutable: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        #if os(Linux)
            // The test runner loads the tests from a bundle beside the executables; its own path is elsewhere.
            let maps = (try? FileSystem.readStream("/proc/self/maps", limit: 8 << 20)) ?? []
            for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") where line.hasSuffix(".xctest") {
                if let start = line.firstIndex(of: "/") { return String(line[start...]) }
            }
            let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
            return String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        #else
            return CommandLine.arguments[0]
        #endif
    }()
}

/// A program that runs; it is killed, with its process group, when the value goes.
package final class RunningProgram: @unchecked Sendable {
    // SAFETY: `finished` is only touched by the test that owns the value.
    package let pid: Int32
    private let scratch: ScratchFolder
    private var finished: ExitStatus?

    fileprivate init(_ program: Program) throws {
        scratch = try ScratchFolder()
        try scratch.write("input", program.input ?? "")
        let input = try OwnedDescriptor.open(scratch.path("input"), .readOnly)
        let output = try OwnedDescriptor.open(scratch.path("output"), [.writeOnly, .create, .append])
        let errors = try OwnedDescriptor.open(scratch.path("errors"), [.writeOnly, .create, .append])
        let spec = ProcessSpec(
            executable: program.path, arguments: [program.path] + program.arguments,
            environment: program.environment.map { "\($0.key)=\($0.value)" }.sorted(), directory: program.directory)
        let started = try ChildProcess.spawn(
            spec, input: input.rawValue, output: output.rawValue, error: errors.rawValue)
        pid = started.pid
    }

    deinit {
        guard finished == nil else { return }
        kill(-pid, SIGKILL)
        _ = try? ChildProcess.wait(pid: pid)
    }

    /// What it has printed so far.
    package var output: String { (try? scratch.read("output")) ?? "" }
    package var errors: String { (try? scratch.read("errors")) ?? "" }

    /// Whether it still runs.
    package var isRunning: Bool { poll() == nil }

    package func signal(_ number: Int32) {
        kill(pid, number)
    }

    /// Kills it and waits for the end.
    @discardableResult
    package func kill9() throws -> ProgramResult {
        kill(-pid, SIGKILL)
        return try finish()
    }

    /// Waits for the end; throws when it takes longer than `limit`.
    package func finish(limit: Duration = .seconds(120)) throws -> ProgramResult {
        guard let status = waitUntil(limit, { self.poll() }) else {
            kill(-pid, SIGKILL)
            throw SystemError("wait for a program that printed:\n\(output)\n\(errors)", code: ETIMEDOUT)
        }
        return ProgramResult(status: status, output: output, errors: errors)
    }

    private func poll() -> ExitStatus? {
        if finished == nil { finished = try? ChildProcess.reap(pid: pid) }
        return finished
    }
}

/// Asks `question` until it has an answer or `limit` has passed.
package func waitUntil<Answer>(_ limit: Duration, _ question: () throws -> Answer?) rethrows -> Answer? {
    let deadline = MonotonicTime.now() + limit
    while true {
        if let answer = try question() { return answer }
        if MonotonicTime.now() > deadline { return nil }
        usleep(2000)
    }
}

/// Asks until `condition` holds or `limit` has passed; returns whether it held.
package func becomesTrue(within limit: Duration = .seconds(20), _ condition: () throws -> Bool) rethrows -> Bool {
    try waitUntil(limit) { try condition() ? true : nil } ?? false
}
