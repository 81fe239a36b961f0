// SPDX-License-Identifier: MIT

internal import CRouterSystem
package import Diagnostics

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Why a program could not be started.
package struct SpawnError: Error, Equatable, Sendable {
    package enum Step: Equatable, Sendable {
        case fork, session, limits, directory, descriptors, exec
    }

    package let program: String
    package let directory: String?
    package let step: Step
    package let code: Int32

    /// Whether it may work later without anybody changing anything: out of processes, memory or descriptors.
    package var isTransient: Bool {
        [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(code)
    }

    /// Whether there is no such program.
    package var isMissingProgram: Bool { step == .exec && code == ENOENT }
}

extension SpawnError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        let reason = String(cString: strerror(code))
        switch step {
        case .directory:
            return Diagnostic(
                "process/no-directory", "cannot start `\(program)` in `\(directory ?? ".")`: \(reason)",
                hints: ["create the folder or correct `command.cwd`"])
        case .exec:
            return Diagnostic("process/cannot-start", "cannot start `\(program)`: \(reason)", hints: execHints)
        case .fork, .session, .limits, .descriptors:
            return Diagnostic("process/no-resources", "cannot make a process for `\(program)`: \(reason)")
        }
    }

    private var execHints: [String] {
        switch code {
        case ENOENT: ["install it (`llm-router bootstrap download`) or correct `command.args`"]
        case EACCES: ["make it executable: `chmod +x \(program)`"]
        case ENOEXEC:
            ["it is not a program for this machine; install the right one with `llm-router bootstrap download`"]
        default: []
        }
    }
}

/// What to run and in which surroundings; a value, so that it can be prepared long before it is used.
package struct ProcessSpec: Equatable, Sendable {
    /// Absolute path of the program.
    package var executable: String
    /// The whole argument vector, the program's own name first.
    package var arguments: [String]
    /// `NAME=value` entries; nothing is inherited.
    package var environment: [String]
    /// nil keeps the caller's folder.
    package var directory: String?
    /// A session and process group of its own, so that its whole tree can be signalled.
    package var newSession = true
    package var umask: UInt32 = 0o077

    package init(executable: String, arguments: [String], environment: [String], directory: String? = nil) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }
}

/// How a child ended.
package enum ExitStatus: Equatable, Hashable, Sendable {
    case code(Int32)
    case signal(Int32, dumpedCore: Bool)
    /// It ended, but the system does not tell how: a process that was not our child on an older kernel.
    case unknown

    package var isSuccess: Bool { self == .code(0) }
}

/// Starts processes: the only place in the project that does.
package enum ChildProcess {
    /// A child that has exec'd, with a descriptor that means it and no later process of the same pid.
    package struct Started: ~Copyable {
        package let pid: Int32
        package let pidDescriptor: OwnedDescriptor?

        /// The descriptor alone; nil where the system has none for processes.
        package consuming func takeHandle() -> ProcessHandle? {
            let pid = pid
            guard let descriptor = pidDescriptor else { return nil }
            return ProcessHandle(pid: pid, taking: descriptor)
        }
    }

    /// Starts `spec` with the given descriptors as its standard input, output and error; all others are closed in it.
    package static func spawn(
        _ spec: ProcessSpec, input: Int32, output: Int32, error: Int32, extraDescriptor: Int32 = -1
    ) throws(SpawnError) -> Started {
        try spawn(PreparedProcess(spec), input: input, output: output, error: error, extraDescriptor: extraDescriptor)
    }

    /// The same with everything laid out beforehand, for who must not lose time between an exit and the next start.
    package static func spawn(
        _ prepared: PreparedProcess, input: Int32, output: Int32, error: Int32, extraDescriptor: Int32 = -1
    ) throws(SpawnError) -> Started {
        if let code = InjectedFault.spawnError {
            throw SpawnError(program: prepared.executable, directory: prepared.directory, step: .fork, code: code)
        }
        let result = prepared.executable.withCString { path in
            withOptionalCString(prepared.directory) { directory in
                var request = router_spawn_request()
                request.path = path
                request.argv = UnsafePointer(prepared.arguments.pointer)
                request.envp = UnsafePointer(prepared.environment.pointer)
                request.directory = directory
                request.standard_input = input
                request.standard_output = output
                request.standard_error = error
                request.extra_descriptor = extraDescriptor
                request.new_session = prepared.newSession ? 1 : 0
                request.umask = mode_t(prepared.umask)
                request.no_core = 1
                request.open_files_soft = prepared.openFiles?.soft ?? 0
                request.open_files_hard = prepared.openFiles?.hard ?? 0
                return router_spawn(&request)
            }
        }
        guard result.error == 0 else {
            throw SpawnError(
                program: prepared.executable, directory: prepared.directory, step: .init(result.step),
                code: result.error)
        }
        return Started(
            pid: result.pid, pidDescriptor: result.pidfd >= 0 ? OwnedDescriptor(taking: result.pidfd) : nil)
    }

    /// Reaps `pid` if it has ended; nil while it runs. Never blocks.
    package static func reap(pid: Int32) throws(SystemError) -> ExitStatus? {
        let result = router_reap(pid)
        guard result.pid >= 0 else { throw SystemError.current("wait for process \(pid)") }
        return result.pid == 0 ? nil : ExitStatus(result)
    }

    /// Waits until `pid` has ended.
    package static func wait(pid: Int32) throws(SystemError) -> ExitStatus {
        var status: Int32 = 0
        guard retryingInterrupts({ waitpid(pid, &status, 0) }) == pid else {
            throw SystemError.current("wait for process \(pid)")
        }
        return ExitStatus(waitStatus: status)
    }

    /// The program that `name` means: as it is with a slash, else the first executable of that name along `searchPath`.
    package static func locate(_ name: String, searchPath: String) -> String? {
        if name.contains("/") { return FileSystem.isExecutable(name) ? name : nil }
        for folder in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = (folder.isEmpty ? "." : String(folder)) + "/" + name
            if FileSystem.isExecutable(candidate) { return candidate }
        }
        return nil
    }
}

extension ExitStatus {
    init(_ result: router_wait_result) {
        self = result.exited != 0 ? .code(result.status) : .signal(result.status, dumpedCore: result.core_dumped != 0)
    }

    /// Reads the status word of wait(2).
    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .code((waitStatus >> 8) & 0xFF) : .signal(signal, dumpedCore: waitStatus & 0x80 != 0)
    }
}

extension SpawnError.Step {
    fileprivate init(_ step: router_spawn_step) {
        switch step {
        case router_spawn_step_session: self = .session
        case router_spawn_step_limits: self = .limits
        case router_spawn_step_directory: self = .directory
        case router_spawn_step_descriptors: self = .descriptors
        case router_spawn_step_exec: self = .exec
        default: self = .fork
        }
    }
}

private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    if let text { text.withCString { body($0) } } else { body(nil) }
}
