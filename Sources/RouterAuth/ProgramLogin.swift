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
            return follow(machine, pid, ProgramOutput(reading), console, isInterrupted)
        } catch let error as SpawnError {
            return .programMissing(program: spec.executable, reason: error.diagnostic.message)
        } catch {
            return .failed(message: "\(error)")
        }
    }

    private func follow(
        _ machine: ProgramLoginMachine, _ pid: Int32, _ output: consuming ProgramOutput, _ console: any LoginConsole,
        _ isInterrupted: @Sendable () -> Bool
    ) -> LoginOutcome {
        var machine = machine
        while true {
            if let outcome = machine.outcome { return outcome }
            var events: [ProgramLoginMachine.Event] = []
            if isInterrupted() { events.append(.interrupted) }
            events += output.lines(within: Self.patienceMilliseconds).map { .line($0) }
            // Whoever it has started may hold its output open for ever: its own end is what counts.
            if ProcessControl.hasEnded(child: pid) {
                events += output.rest().map { .line($0) }
                events.append(.exited(Self.end(pid)))
            }
            for event in events + [.tick] { perform(machine.handle(event, now: .now()), pid, console, &machine) }
        }
    }

    /// Ends what is left of the program's group, while its number still means it, and reaps the program.
    private static func end(_ pid: Int32) -> ExitStatus {
        ProcessControl.signalGroup(pid, SIGKILL)
        return (try? ChildProcess.reap(pid: pid)).flatMap { $0 } ?? .unknown
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
}
