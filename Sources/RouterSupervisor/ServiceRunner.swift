// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// Owns one service: its state machine, its process and its probes. Nobody else touches them.
final class ServiceRunner {
    /// Why a start happens; it decides the word of the event.
    enum StartCause {
        case request, restartRequest, policy
    }

    let name: String
    unowned let supervisor: Supervisor
    private(set) var machine: ServiceStateMachine
    private(set) var spec: ServiceSpec
    /// What the process runs with.
    var runningSpec: ServiceSpec?
    var wanted = WantedState.stopped
    var prepared: PreparedProcess?
    var process: RunningProcess?
    /// The start that the process belongs to; each has a higher number than the one before.
    var instance = 0
    var restarts = 0
    var exitCount = 0
    var lastExit: ExitReport?
    var lastSpawnError: Diagnostic?
    var startCause = StartCause.request
    /// The last main process, whose tree may outlive it.
    var lastMain: LastMain?
    /// How often the kernel is asked again how an adopted process ended.
    var strangerPatience = 0
    /// False after an adoption without the values of the service's variables.
    var isEnvironmentKnown = true
    var usage: (processorTicks: UInt64, at: MonotonicTime)?
    /// What its files say.
    var lastWritten: ServiceRecord?
    var clearingDelay = Duration.milliseconds(1)
    private var deadline: TimerQueue.ID?
    private var probes: [ServiceProbe] = []
    var readinessReport: ProbeReport? { probes.first { $0.kind == .readiness }?.lastReport }
    var livenessReport: ProbeReport? { probes.first { $0.kind == .liveness }?.lastReport }

    init(_ spec: ServiceSpec, supervisor: Supervisor) {
        name = spec.name
        self.spec = spec
        self.supervisor = supervisor
        machine = ServiceStateMachine(restart: spec.restart, stop: spec.stop)
    }

    // MARK: - Questions

    var phase: ServicePhase {
        switch machine.state {
        case .stopped: .stopped
        case .waiting: .waiting
        case .starting: .starting
        case .running(let isReady):
            spec.readiness != nil && !isReady && !hasBeenReady ? .starting : .running
        case .stopping: .stopping
        case .backoff: .backoff
        case .fatal: .fatal
        }
    }

    var isRunning: Bool {
        if case .running = machine.state { true } else { false }
    }

    /// Ready as its probe says; without a probe, as soon as it runs.
    var isReady: Bool {
        guard case .running(let isReady) = machine.state else { return false }
        return isReady || spec.readiness == nil || !isProbeUsable(spec.readiness)
    }

    /// Neither a process nor a plan to start one.
    var isIdle: Bool {
        switch machine.state {
        case .stopped, .fatal: true
        case .waiting, .starting, .running, .stopping, .backoff: false
        }
    }

    private(set) var hasBeenReady = false

    func satisfies(_ condition: ServiceDependency.Condition) -> Bool {
        switch condition {
        case .started: isRunning
        case .ready: isReady
        }
    }

    // MARK: - Events

    /// Tells the machine what happened and does what it decides.
    func handle(_ event: ServiceStateMachine.Event) {
        let before = machine.state
        let effects = machine.handle(
            event, now: MonotonicTime.now(), random: Double.random(in: 0..<1))
        for effect in effects { perform(effect) }
        if machine.state != before { supervisor.changed(self) }
    }

    /// Takes over another spec; the process, if there is one, goes on with its own.
    func update(_ new: ServiceSpec, isEnvironmentKnown: Bool = true) {
        let probesChanged = new.readiness != spec.readiness || new.liveness != spec.liveness
        spec = new
        self.isEnvironmentKnown = isEnvironmentKnown
        prepared = nil
        machine.update(restart: new.restart, stop: new.stop)
        if probesChanged, isRunning {
            stopProbes()
            startProbes()
        }
        supervisor.logs.keep(new.log, of: name)
        supervisor.changed(self)
    }

    /// What an adoption found out about the spec; nothing is restarted or probed anew for it.
    func assume(isEnvironmentKnown: Bool, spec: ServiceSpec) {
        self.spec = spec
        self.isEnvironmentKnown = isEnvironmentKnown
    }

    /// For a service that sets no variables itself and whose process is gone: what this supervisor inherited is what
    /// the command that started it would have passed on.
    func useDefaultEnvironment() {
        spec.command.inheritedEnvironment = Secret(ProcessMark.ownEnvironment())
        prepared = nil
    }

    func restoreFatal(_ reason: ServiceStateMachine.Reason) {
        machine.restoreFatal(reason)
    }

    private func perform(_ effect: ServiceStateMachine.Effect) {
        switch effect {
        case .spawn: spawn()
        case .askToStop: askToStop()
        case .killTree: killTree()
        case .startProbes: startProbes()
        case .stopProbes: stopProbes()
        case .setDeadline(let time): setDeadline(time)
        case .clearDeadline: setDeadline(nil)
        case .rest: wanted = .stopped
        case .report(let report): tell(report)
        }
    }

    private func setDeadline(_ time: MonotonicTime?) {
        if let deadline { supervisor.loop.cancel(deadline) }
        deadline = time.map { time in
            supervisor.loop.at(time) { [weak self] in
                self?.deadline = nil
                self?.startCause = .policy
                self?.handle(.deadline)
            }
        }
    }

    private func tell(_ report: ServiceStateMachine.Report) {
        switch report {
        case .ready:
            hasBeenReady = true
            supervisor.emit(.serviceReady, name, .success)
        case .unready: supervisor.emit(.serviceUnready, name, .failed, readinessReport?.error)
        case .unhealthy: supervisor.emit(.serviceUnhealthy, name, .failed, livenessReport?.error)
        case .stopped(let afterKill):
            supervisor.emit(.serviceStop, name, afterKill ? .successAfterKill : .success)
        case .fatal(let reason):
            supervisor.emit(.serviceFatal, name, .failed, fatalDetail(reason))
            supervisor.hasGoneFatal(self)
        }
    }

    private func fatalDetail(_ reason: ServiceStateMachine.Reason) -> String {
        let lines = LogReader.tail(spec.log.path, lines: 5)
        return lines.isEmpty ? reason.words : reason.words + "; last lines:\n" + lines.joined(separator: "\n")
    }

    // MARK: - Probes

    func isProbeUsable(_ probe: ProbeSpec?) -> Bool {
        guard case .http(let http) = probe?.target, case .missingVariable(let variable) = http.bearer else {
            return probe != nil
        }
        return variable != HTTPProbe.withheldName
    }

    private func startProbes() {
        stopProbes()
        hasBeenReady = false
        for (kind, probe) in [(ServiceProbe.Kind.readiness, spec.readiness), (.liveness, spec.liveness)] {
            guard let probe, isProbeUsable(probe) else { continue }
            probes.append(ServiceProbe(kind, probe, runner: self))
        }
        for probe in probes { probe.start() }
    }

    private func stopProbes() {
        for probe in probes { probe.stop() }
        probes.removeAll()
    }

    func restoreReadiness() {
        hasBeenReady = true
    }
}

/// A main process that has ended.
struct LastMain {
    let pid: Int32
    let identity: ProcessIdentity?
    let isChild: Bool
    /// Who orphans of its tree go to.
    let reaper: Int32?
}

/// The process of a service.
struct RunningProcess {
    let pid: Int32
    /// nil where the system had no descriptor for it; then the signal for ended children and the pid must do.
    let handle: ProcessHandle?
    /// Whether wait(2) tells us how it ends.
    let isChild: Bool
    let isAdopted: Bool
    /// The parent of an adopted process: where orphans of its tree go as well.
    var reaper: Int32?
    let startedAt: Timestamp
    let started: MonotonicTime
    /// Read when first needed: nothing is read between an exit and the next start.
    var identity: ProcessIdentity?
}
