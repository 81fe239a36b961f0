// SPDX-License-Identifier: MIT

internal import Diagnostics
package import RouterControl
package import RouterEvents
package import RouterServices
package import SystemIO

/// Keeps the services of one runtime folder in their wanted state: one loop in one thread owns everything.
package final class Supervisor {
    /// What a supervisor is told when it is made; it reads no config, flags or environment.
    package struct Configuration {
        package enum Mode: Equatable, Sendable {
            /// Started by a command; goes when nothing has been left to run for this long.
            case onDemand(idleGrace: Duration)
            /// In the foreground of a terminal, a container or a service manager; goes only when told.
            case foreground
        }

        package var layout: RuntimeLayout
        package var mode: Mode
        package var events: any EventSink
        /// Known from the beginning; in the foreground also started.
        package var plan: [ServiceSpec] = []
        /// Reads the config again on SIGHUP; nil when that failed, and then everything stays as it is.
        package var reload: (() -> NewPlan?)?
        /// The profile that running services read is another than when they started.
        package var isProfileNew = false
        /// Called when every running service has the new profile.
        package var profileIsApplied: () -> Void = {}
        /// `$NOTIFY_SOCKET` of the service manager.
        package var notifySocket: String?
        /// How often the service manager wants a sign of life; half of `$WATCHDOG_USEC`.
        package var watchdog: Duration?
        /// Packs an old log from its standard input to its standard output.
        package var compressor: ProcessSpec?
        /// What a packed log is called behind its name.
        package var compressedSuffix = ".gz"
        /// Answers probes of other hosts and over TLS: one JSON line in, one out.
        package var probeHelper: ProcessSpec?
        /// What `handoverKey` holds in the environment after an upgrade.
        package var handover: String?

        package init(layout: RuntimeLayout, mode: Mode, events: any EventSink) {
            self.layout = layout
            self.mode = mode
            self.events = events
        }
    }

    /// What a reload found.
    package struct NewPlan {
        package let specs: [ServiceSpec]
        /// The profile that running services read is another than when they started.
        package let isProfileNew: Bool

        package init(specs: [ServiceSpec], isProfileNew: Bool) {
            self.specs = specs
            self.isProfileNew = isProfileNew
        }
    }

    /// Why a supervisor has ended, and with which exit status: the last two say 0 and 1.
    package enum Ending: Equatable, Sendable {
        /// Nothing was left to run.
        case idle
        /// It was told to end.
        case stopped
        /// Another one serves this folder.
        case alreadyServed
        /// A service without which the stack makes no sense has given up.
        case essentialServiceFatal(String)
    }

    /// Something that does not work but does not stop the rest.
    enum Trouble: String, CaseIterable {
        case resources, state, events, logs, socket, watching, order
    }

    let configuration: Configuration
    let layout: RuntimeLayout
    let loop: DescriptorLoop
    let children: ChildWatcher
    let table: ProcessTable
    let logs: LogKeeper
    let nullInput: OwnedDescriptor
    let store: RecordStore
    let startedAt = Timestamp.now()
    let openFilesForChildren: (soft: UInt64, hard: UInt64)?
    var runners: [String: ServiceRunner] = [:]
    /// Dependencies of the known services; the last order that made sense.
    var order: StartOrder?
    var troubles: [Trouble: String] = [:]
    var operations: [Operation] = []
    var changedServices: Set<String> = []
    var unsaved: Set<String> = []
    var forgotten: Set<String> = []
    var pendingEvents: [Event] = []
    var saveTimer: TimerQueue.ID?
    var settleScheduled = false
    var idleTimer: TimerQueue.ID?
    var ending: Ending?
    var isShuttingDown = false
    var killsForMemory: Int?
    /// Processes of this stack without a record, by service.
    var strays: [String: ProcessIdentity] = [:]
    /// Adopted or found dead by `recover`; `settleAdopted` deals with them once everything is in place.
    var adoptedServices: [String] = []
    var servicesToStart: [String] = []
    var server: ControlServer?
    var signals: SignalDescriptor?
    var folderWatch: FileWatch?
    var isReapScheduled = false
    var lastStart = MonotonicTime(nanoseconds: 0)
    var isSweepScheduled = false
    var haveStraysBeenSought = false
    var isFinished = false
    var lock: FileLock
    /// What most services inherit, held once.
    var inherited: SharedStrings?
    var upgrade: ProcessSpec?
    var upgradeTrial: HelperProcess?

    init(_ configuration: Configuration, lock: consuming FileLock) throws(SystemError) {
        self.configuration = configuration
        layout = configuration.layout
        loop = try DescriptorLoop()
        let children = ChildWatcher(loop: loop)
        self.children = children
        table = ProcessTable(loop: loop, stackMark: layout.stackMark) { children.isWatched($0) }
        logs = LogKeeper(
            loop: loop, children: children, compressor: configuration.compressor,
            compressedSuffix: configuration.compressedSuffix)
        nullInput = try OwnedDescriptor.open("/dev/null", [.readOnly])
        store = RecordStore(layout: layout)
        openFilesForChildren = ResourceLimits.raiseOpenFiles()
        self.lock = lock
        killsForMemory = MemoryKills.count()
        logs.trouble = { [weak self] words in
            if let words { self?.degrade(.logs, words) } else { self?.recovered(.logs) }
        }
    }

    // MARK: - What happened to a service

    /// Called by a runner after each change of its state.
    func changed(_ runner: ServiceRunner) {
        changedServices.insert(runner.name)
        unsaved.insert(runner.name)
        scheduleSettle()
    }

    func scheduleSettle() {
        guard !settleScheduled else { return }
        settleScheduled = true
        loop.atEndOfTurn { [weak self] in self?.settle() }
    }

    /// After the events of a turn: dependents learn what changed, operations go on, and the disk is told.
    private func settle() {
        settleScheduled = false
        let changed = changedServices
        changedServices.removeAll()
        if !changed.isEmpty { tellDependents(of: changed) }
        advanceOperations()
        scheduleSave()
        watchIdleness()
        if let ending, operations.isEmpty || ending == .idle { finish() }
    }

    private func tellDependents(of changed: Set<String>) {
        for runner in runners.values where runner.spec.dependencies.contains(where: { changed.contains($0.service) }) {
            tellDependencies(runner)
        }
    }

    /// Tells `runner` whether all that it waits for is there.
    func tellDependencies(_ runner: ServiceRunner) {
        runner.handle(.dependencies(met: unmetDependencies(of: runner).isEmpty))
    }

    func unmetDependencies(of runner: ServiceRunner) -> [ServiceDependency] {
        runner.spec.dependencies.filter { needed in
            guard let other = runners[needed.service] else { return true }
            return !other.satisfies(needed.condition)
        }
    }

    func hasGoneFatal(_ runner: ServiceRunner) {
        guard configuration.mode == .foreground, runner.spec.isEssential, ending == nil else { return }
        beginShutdown(.essentialServiceFatal(runner.name))
    }

    // MARK: - What a runner needs

    func leftovers(of main: LastMain, service: String) -> [ProcessIdentity] {
        table.leftovers(of: main, service: service)
    }

    /// Kills what is left of a service whose main process is gone, and looks again until it is empty.
    func clear(_ runner: ServiceRunner) {
        guard case .stopping(.clearing, _) = runner.machine.state, let main = runner.lastMain else { return }
        guard main.isChild else { return scheduleSweep() }
        table.invalidate()
        clear(runner, main)
    }

    private func clear(_ runner: ServiceRunner, _ main: LastMain) {
        let left = leftovers(of: main, service: runner.name)
        guard !left.isEmpty else { return runner.handle(.treeEmpty) }
        for identity in left { (try? ProcessHandle.open(identity))?.send(SignalNumber.kill) }
        let delay = runner.clearingDelay
        runner.clearingDelay = min(delay * 2, .milliseconds(50))
        loop.after(delay) { [weak self, weak runner] in
            guard let self, let runner else { return }
            clear(runner)
        }
    }

    /// One look at all processes for all adopted services that have ended within a moment.
    private func scheduleSweep() {
        guard !isSweepScheduled else { return }
        isSweepScheduled = true
        loop.after(.milliseconds(2)) { [weak self] in
            guard let self else { return }
            isSweepScheduled = false
            table.invalidate()
            for runner in runners.values {
                guard case .stopping(.clearing, _) = runner.machine.state, let main = runner.lastMain, !main.isChild
                else { continue }
                clear(runner, main)
            }
        }
    }

    /// Whether the kernel has killed `process` for lack of memory; where its log cannot be read, whether it has killed
    /// any since this was last asked.
    func hasKernelKilledForMemory(_ process: RunningProcess) -> Bool {
        guard let now = MemoryKills.count(), let before = killsForMemory, now > before else { return false }
        if let answer = MemoryKills.includes(pid: process.pid, since: process.started) { return answer }
        killsForMemory = now
        return true
    }

    // MARK: - Telling

    func emit(
        _ name: Event.Name, _ service: String? = nil, _ result: Event.Result? = nil, _ detail: String? = nil
    ) {
        // Bounded: a full disk must not fill the memory as well.
        guard pendingEvents.count < 10_000 else { return }
        pendingEvents.append(
            Event(name, at: Timestamp.now(), service: service, result: result, detail: detail))
        scheduleSave()
    }

    /// Says, once, that something does not work.
    func degrade(_ trouble: Trouble, _ words: String) {
        let isNew = troubles[trouble] == nil
        troubles[trouble] = words
        if isNew { emit(.supervisorDegraded, nil, .failed, words) }
    }

    func recovered(_ trouble: Trouble) {
        guard troubles.removeValue(forKey: trouble) != nil else { return }
        emit(.supervisorDegraded, nil, .success, "\(trouble.rawValue): works again")
    }
}
