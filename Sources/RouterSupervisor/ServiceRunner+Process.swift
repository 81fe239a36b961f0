// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

extension ServiceRunner {
    // MARK: - Starting

    /// Starts the process; the answer goes to the machine at once, since a spawn does not wait for anything.
    func spawn() {
        guard isEnvironmentKnown else {
            lastSpawnError = Diagnostic(
                "service/environment-unknown", "the environment of `\(name)` is not known any more",
                hints: ["run `llm-router service start \(name)`"])
            return handle(.spawnFailed("its environment is not known any more", isTransient: false))
        }
        let process = preparedProcess()
        process.overwriteLastVariable(with: ServiceMark.instanceEntry(instance + 1))
        do {
            let log = try supervisor.logs.open(spec.log, of: name)
            let input = supervisor.nullInput.rawValue
            let started = try ChildProcess.spawn(process, input: input, output: log.rawValue, error: log.rawValue)
            CrashPoint.reach()
            hasStarted(pid: started.pid, handle: started.takeHandle())
        } catch let error as SpawnError {
            hasFailed(error.diagnostic, isTransient: error.isTransient)
        } catch let error as SystemError {
            hasFailed(error.diagnostic, isTransient: true)
        } catch {
            hasFailed(Diagnostic("service/cannot-start", "\(error)"), isTransient: true)
        }
    }

    private func hasStarted(pid: Int32, handle: consuming ProcessHandle?) {
        instance += 1
        lastSpawnError = nil
        runningSpec = spec
        usage = nil
        clearingDelay = .milliseconds(1)
        let descriptor = handle?.rawValue
        process = RunningProcess(
            pid: pid, handle: handle, isChild: true, isAdopted: false, startedAt: Timestamp.now(),
            started: MonotonicTime.now(), identity: nil)
        supervisor.children.watch(pid: pid, descriptor: descriptor) { [weak self] in self?.processEnded() }
        supervisor.recovered(.resources)
        supervisor.lastStart = MonotonicTime.now()
        if startCause == .policy { restarts += 1 }
        self.handle(.spawned)
        let event: Event.Name = startCause == .request ? .serviceStart : .serviceRestart
        supervisor.emit(event, name, .success, "pid=\(pid)")
    }

    private func hasFailed(_ diagnostic: Diagnostic, isTransient: Bool) {
        lastSpawnError = diagnostic
        exitCount += isTransient ? 0 : 1
        if isTransient {
            supervisor.degrade(.resources, "cannot start `\(name)` now: \(diagnostic.message)")
        } else {
            supervisor.emit(.serviceStart, name, .failed, diagnostic.message)
        }
        startCause = .policy
        handle(.spawnFailed(diagnostic.message, isTransient: isTransient))
    }

    /// Argument vector and environment, laid out once for all starts with the same spec.
    private func preparedProcess() -> PreparedProcess {
        if let prepared { return prepared }
        let command = spec.command
        var environment = EnvironmentMerge.merge(
            command.inheritedEnvironment.reveal(), command.environment.reveal(), removing: ServiceMark.names)
        environment.append("\(ServiceMark.service)=\(name)")
        environment.append("\(ServiceMark.stack)=\(supervisor.layout.stackMark)")
        environment.append(ServiceMark.instanceEntry(0))
        let made = PreparedProcess(
            ProcessSpec(
                executable: command.executable, arguments: command.arguments, environment: environment,
                directory: command.directory),
            sharing: supervisor.inherited)
        made.openFiles = supervisor.openFilesForChildren
        prepared = made
        return made
    }

    // MARK: - Ending

    /// Signals the whole group once: wrappers that do not pass signals on would leave their children running, and a
    /// second signal makes some programs end without cleaning up.
    func askToStop() {
        signalGroup(stopSignal)
        // A stopped process could not obey.
        signalGroup(SignalNumber.continue)
    }

    private func signalGroup(_ signal: Int32) {
        guard let process else { return }
        if let handle = process.handle {
            handle.sendToGroup(signal)
        } else if process.isChild || process.identity?.isAlive ?? false {
            ProcessControl.signalGroup(process.pid, signal)
        }
    }

    private var stopSignal: Int32 {
        switch spec.stop.signal {
        case .terminate: SignalNumber.terminate
        case .interrupt: SignalNumber.interrupt
        case .quit: SignalNumber.quit
        case .hangup: SignalNumber.hangup
        case .user1: SignalNumber.user1
        case .user2: SignalNumber.user2
        case .kill: SignalNumber.kill
        }
    }

    /// Kills everything that belongs to the service, and looks again until nothing is left.
    func killTree() {
        if process != nil {
            signalGroup(SignalNumber.kill)
        } else {
            supervisor.clear(self)
        }
    }

    /// The main process has ended: reap it, see what it left, and let the machine decide.
    func processEnded() {
        guard let process else { return }
        let pid = process.pid
        guard let status = endStatus() else { return }
        let uptime = MonotonicTime.now() - process.started
        let isChild = process.isChild
        let main = LastMain(pid: pid, identity: process.identity, isChild: isChild, reaper: process.reaper)
        // For a stranger it takes a look at all processes, which waits until others have ended as well.
        let hasLeftovers = !isChild || !supervisor.leftovers(of: main, service: name).isEmpty
        supervisor.children.unwatch(pid: pid)
        noteExit(status)
        self.process = nil
        runningSpec = nil
        lastMain = main
        startCause = startCauseAfterExit
        handle(.exited(status, uptime: uptime, hasLeftovers: hasLeftovers))
    }

    /// nil when it has not ended, or when the kernel will tell how a moment later.
    private func endStatus() -> ExitStatus? {
        guard let process else { return nil }
        guard process.isChild else { return strangerStatus() }
        guard ProcessControl.hasEnded(child: process.pid) else { return nil }
        // Before it is reaped its pid, and so its group, cannot be anybody else's.
        ProcessControl.signalGroup(process.pid, SignalNumber.kill)
        return (try? ChildProcess.reap(pid: process.pid)) ?? .unknown
    }

    /// An adopted process that is not our child: its parent reaps it, and then the kernel tells how it ended.
    private func strangerStatus() -> ExitStatus? {
        guard let process else { return nil }
        guard let status = process.handle?.exitStatusOfStranger() else { return .unknown }
        if status != .unknown || strangerPatience == 0 { return status }
        strangerPatience -= 1
        let pid = process.pid
        supervisor.children.unwatch(pid: pid)
        supervisor.loop.after(.milliseconds(1)) { [weak self] in
            guard let self, self.process?.pid == pid else { return }
            processEnded()
        }
        return nil
    }

    private func noteExit(_ status: ExitStatus) {
        var report = ExitReport(status: status, at: Timestamp.now())
        if case .stopping = machine.state { report.wasRequested = true }
        if case .signal(SignalNumber.kill, _) = status, !report.wasRequested {
            report.outOfMemory = process.map(supervisor.hasKernelKilledForMemory) ?? false
        }
        lastExit = report
        if !report.wasRequested { exitCount += 1 }
        let isFine = status.isSuccess || report.wasRequested
        supervisor.emit(.serviceExit, name, isFine ? .success : .failed, report.words)
    }

    private var startCauseAfterExit: StartCause {
        if case .stopping(_, then: .start) = machine.state { return .restartRequest }
        return .policy
    }
}
