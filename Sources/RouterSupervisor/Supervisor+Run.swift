// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// The life of a supervisor.
extension Supervisor {
    /// Runs until there is nothing left to do or somebody says so; blocks the calling thread, which must be the only one.
    package static func run(_ configuration: Configuration) throws(SupervisorError) -> Ending {
        let layout = configuration.layout
        let supervisor: Supervisor
        do {
            if configuration.handover == Handover.trialValue {
                try Handover.answerTrial()
                return .stopped
            }
            try PrivateDirectory.claim(layout.runtimeDirectory)
            for folder in [layout.recordsDirectory, layout.pidsDirectory] { try PrivateDirectory.create(folder) }
            let handover = configuration.handover.flatMap { Handover(environmentValue: $0) }
            var lock = handover.flatMap { FileLock.inherit($0.lockDescriptor, path: layout.lockPath) }
            if lock == nil { lock = try FileLock.tryAcquire(layout.lockPath) }
            guard let lock else { return .alreadyServed }
            supervisor = try Supervisor(configuration, lock: lock)
            supervisor.recover(handover?.take() ?? [])
        } catch {
            throw .runtimeDirectory(error)
        }
        return try supervisor.live()
    }

    /// After this, what only a start needs is not needed any more.
    private static let startupTime = Duration.seconds(1)

    private func live() throws(SupervisorError) -> Ending {
        SignalNumber.ignorePipe()
        if !ProcessControl.becomeSubreaper() {
            degrade(.resources, "this system does not tell of orphaned processes: a stop may leave some behind")
        }
        do {
            signals = try SignalDescriptor([
                SignalNumber.child, SignalNumber.terminate, SignalNumber.interrupt, SignalNumber.hangup,
                SignalNumber.user1, SignalNumber.quit,
            ])
            _ = try loop.add(signals?.rawValue ?? -1, .readable) { [weak self] _ in self?.takeSignals() }
        } catch {
            throw .system(error)
        }
        do {
            server = try ControlServer(
                loop: loop, path: layout.socketPath, serve: { [weak self] in self?.serve($0, $1) },
                lacksSpecs: { [weak self] in self?.runners.values.contains { !$0.isFullyKnown } ?? false },
                quiet: { [weak self] in self?.scheduleSettle() })
        } catch {
            throw .socket(error)
        }
        watchSocket()
        adopt(configuration.plan, for: Set(configuration.plan.map(\.name)))
        emit(.supervisorStart, nil, .success, "pid=\(ProcessControl.currentPID)")
        settleAdopted()
        save()
        startPlan()
        beatForWatchdog()
        scheduleSettle()
        loop.after(Self.startupTime) { ProcessMemory.releaseCode() }
        loop.run()
        return ending ?? .stopped
    }

    // MARK: - Signals

    private func takeSignals() {
        while let signal = signals?.next() {
            switch signal {
            case SignalNumber.child: childrenEnded()
            case SignalNumber.terminate, SignalNumber.interrupt, SignalNumber.quit: beginShutdown(.stopped)
            case SignalNumber.hangup: reload()
            case SignalNumber.user1: renewSocket()
            default: break
            }
        }
    }

    /// After the events of this turn: whoever has a descriptor has heard of its child by then.
    private func childrenEnded() {
        guard !isReapScheduled else { return }
        isReapScheduled = true
        loop.atEndOfTurn { [weak self] in
            guard let self else { return }
            isReapScheduled = false
            guard children.reapOrphans() > 0 else { return }
            for runner in runners.values { clear(runner) }
        }
    }

    /// Reads the config again, where somebody told us how.
    private func reload() {
        guard let read = configuration.reload, !isShuttingDown else { return }
        notify("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.now().nanoseconds / 1000)")
        guard let new = read() else {
            emit(.supervisorReload, nil, .failed, "the config is not valid; everything stays as it is")
            return notify("READY=1")
        }
        apply(new.specs, dryRun: false) { [weak self] plan, _ in
            self?.notify("READY=1")
            if new.isProfileNew { self?.switchProfile(plan.filter { $0.action == .keep }.map(\.service)) }
        }
    }

    /// Has services that ran before the profile changed read it, each in the way that its spec says.
    private func switchProfile(_ names: [String]) {
        let running = orderedNames().filter { names.contains($0) && runners[$0]?.process != nil }
        let reloaded = running.filter { runners[$0]?.spec.onProfileSwitch == .reload }
        let restarted = running.filter { runners[$0]?.spec.onProfileSwitch == .restart }
        if !reloaded.isEmpty { _ = reload(reloaded) }
        guard !restarted.isEmpty else { return configuration.profileIsApplied() }
        let operation = Operation(
            goal: .start(.started, isRestart: true), targets: restarted, stopping: Set(restarted)
        ) { [weak self] outcomes in
            if outcomes.allSatisfy(\.result.isSuccess) { self?.configuration.profileIsApplied() }
        }
        run(operation, timeout: .seconds(120))
    }

    // MARK: - Beginning and end

    private func startPlan() {
        guard configuration.mode == .foreground, !configuration.plan.isEmpty else { return notify("READY=1") }
        let names = orderedNames()
        if configuration.isProfileNew { switchProfile(names) }
        for name in names { runners[name]?.wanted = .running }
        let operation = Operation(
            goal: .start(.ready, isRestart: false), targets: names, stopping: []
        ) { [weak self] outcomes in
            let failed = outcomes.filter { !$0.result.isSuccess }.map(\.service)
            let words = failed.isEmpty ? "all services are ready" : "not ready: " + failed.joined(separator: ", ")
            self?.notify("READY=1\nSTATUS=\(words)")
        }
        run(operation, timeout: .seconds(120))
    }

    /// Stops everything in order and ends.
    func beginShutdown(_ reason: Ending) {
        guard !isShuttingDown else { return }
        isShuttingDown = true
        notify("STOPPING=1")
        stop(orderedNames()) { [weak self] _ in
            self?.ending = reason
            self?.scheduleSettle()
        }
    }

    /// Ends and lets the services run on; the next supervisor adopts them.
    func leave() {
        ending = .stopped
        isShuttingDown = true
        finish()
    }

    func finish() {
        guard !isFinished else { return }
        isFinished = true
        emit(.supervisorStop, nil, .success, "pid=\(ProcessControl.currentPID)")
        save()
        server?.close()
        loop.stop()
    }

    /// A supervisor that a command started goes when there is nothing left for it to do.
    func watchIdleness() {
        guard case .onDemand(let grace) = configuration.mode, !isShuttingDown else { return }
        let isIdle = operations.isEmpty && server?.hasConnections != true && runners.values.allSatisfy(\.isIdle)
        if !isIdle {
            if let idleTimer { loop.cancel(idleTimer) }
            idleTimer = nil
        } else if idleTimer == nil {
            idleTimer = loop.after(grace) { [weak self] in
                self?.idleTimer = nil
                self?.leaveIfIdle()
            }
        }
    }

    private func leaveIfIdle() {
        guard operations.isEmpty, runners.values.allSatisfy(\.isIdle), server?.hasConnections != true else {
            return watchIdleness()
        }
        // Whoever connected before the path was gone is still served.
        if server?.closeToNewcomers() == true { return renewSocket() }
        ending = .idle
        finish()
    }

    // MARK: - Socket

    private func watchSocket() {
        do {
            let watch = try FileWatch()
            _ = try watch.add(layout.runtimeDirectory, .removed)
            _ = try loop.add(watch.rawValue, .readable) { [weak self] _ in self?.folderChanged() }
            folderWatch = watch
        } catch {
            degrade(.watching, "cannot see when the socket is removed: \(error.diagnostic.message)")
        }
    }

    private func folderChanged() {
        let events = folderWatch?.next() ?? []
        let name = PathName.last(of: layout.socketPath)
        guard events.contains(where: { $0.name == name || $0.change.contains(.overflow) }), !isFinished else { return }
        if server?.isReachable == false { renewSocket() }
    }

    func renewSocket() {
        do {
            try server?.renew()
            recovered(.socket)
        } catch {
            degrade(.socket, error.diagnostic.message)
        }
    }

    // MARK: - Service manager

    func notify(_ message: String) {
        guard let path = configuration.notifySocket else { return }
        ServiceManager.notify(message, at: path)
    }

    private func beatForWatchdog() {
        guard let interval = configuration.watchdog, configuration.notifySocket != nil else { return }
        notify("WATCHDOG=1")
        loop.after(interval) { [weak self] in self?.beatForWatchdog() }
    }
}
