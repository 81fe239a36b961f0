// SPDX-License-Identifier: MIT

internal import Diagnostics
package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Starts programs that must not outlive the command.
package protocol ProgramLauncher: Sendable {
    func start(_ spec: ProcessSpec, input: Int32, output: Int32, error: Int32) throws(SpawnError) -> Int32
    func finished(pid: Int32)
}

/// Runs the server's program with a login flag, on the calling thread.
package struct ProgramLogin: Sendable {
    private static let lineLimitBytes = 16 << 10
    private static let patienceMilliseconds: Int32 = 50

    private let provider: LoginProvider
    private let spec: ProcessSpec
    private let flag: String
    private let folder: String
    private let timeout: Duration

    /// - Parameters:
    ///   - spec: the program with its config; the login's flags are added.
    ///   - folder: the auth folder that the config names.
    package init(provider: LoginProvider, spec: ProcessSpec, folder: String, timeout: Duration) {
        self.provider = provider
        self.folder = folder
        self.timeout = timeout
        flag = provider == .copilot ? "-github-copilot-login" : "-codex-device-login"
        var spec = spec
        spec.arguments += [flag, "-no-browser"]
        // The credential is written with whatever mode this leaves.
        spec.umask = 0o077
        self.spec = spec
    }

    /// Runs to the end; the program has ended when it returns.
    package func run(
        console: any LoginConsole, launcher: any ProgramLauncher,
        isInterrupted: @Sendable () -> Bool = { false }
    ) -> LoginOutcome {
        guard let before = CredentialSnapshot.entries(ofFolder: folder) else {
            return .failed(message: "the auth folder `\(folder)` cannot be read")
        }
        do {
            var pipe = try DescriptorPair.pipe()
            let reading = pipe.takeReadEnd()
            let pid: Int32
            do {
                let writing = pipe.takeWriteEnd()
                let null = try OwnedDescriptor.open("/dev/null", [.readOnly])
                pid = try launcher.start(
                    spec, input: null.rawValue, output: writing.rawValue, error: writing.rawValue)
                _ = consume writing
            }
            defer { launcher.finished(pid: pid) }
            let machine = ProgramLoginMachine(
                provider: provider, program: spec.executable, flag: flag,
                before: CredentialSnapshot(stored: before), timeout: timeout, now: .now())
            return follow(machine, pid, reading, console, isInterrupted)
        } catch let error as SpawnError {
            return .programMissing(program: spec.executable, reason: error.diagnostic.message)
        } catch {
            return .failed(message: "\(error)")
        }
    }

    private func follow(
        _ machine: ProgramLoginMachine, _ pid: Int32, _ output: borrowing OwnedDescriptor, _ console: any LoginConsole,
        _ isInterrupted: @Sendable () -> Bool
    ) -> LoginOutcome {
        var machine = machine
        var pending: [UInt8] = []
        var isOpen = true
        while true {
            if let outcome = machine.outcome { return outcome }
            var events: [ProgramLoginMachine.Event] = []
            if isInterrupted() { events.append(.interrupted) }
            if isOpen, let lines = Self.lines(output, &pending) {
                events += lines.map { .line($0) }
            } else {
                isOpen = false
                // All it said has been read: now its end can be judged.
                if let status = try? ChildProcess.reap(pid: pid) {
                    events.append(.exited(status))
                } else {
                    Pause.milliseconds(Self.patienceMilliseconds)
                }
            }
            for event in events + [.tick] { perform(machine.handle(event, now: .now()), pid, console, &machine) }
        }
    }

    private func perform(
        _ effects: [ProgramLoginMachine.Effect], _ pid: Int32, _ console: any LoginConsole,
        _ machine: inout ProgramLoginMachine
    ) {
        for effect in effects {
            switch effect {
            case .announce(let ticket):
                console.value("login_url", ticket.url)
                if let code = ticket.userCode { console.value("user_code", code) }
                console.open(url: ticket.url)
            case .stopProgram: kill(-pid, SIGKILL)
            case .takeSnapshot:
                let snapshot = CredentialSnapshot(stored: CredentialSnapshot.entries(ofFolder: folder))
                perform(machine.handle(.snapshot(snapshot), now: .now()), pid, console, &machine)
            case .finish: break
            }
        }
    }

    /// The whole lines that are there now; nil at the end of the output.
    private static func lines(_ output: borrowing OwnedDescriptor, _ pending: inout [UInt8]) -> [String]? {
        var wait = pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, patienceMilliseconds) > 0 else { return [] }
        guard let chunk = try? output.read(upTo: 4096), !chunk.isEmpty else {
            guard !pending.isEmpty else { return nil }
            let last = String(decoding: pending, as: UTF8.self)
            pending = []
            return [last]
        }
        pending += chunk
        var lines: [String] = []
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: pending[..<end], as: UTF8.self))
            pending.removeSubrange(...end)
        }
        // A line that never ends is not one of those that matter.
        if pending.count > lineLimitBytes { pending = [] }
        return lines
    }
}
