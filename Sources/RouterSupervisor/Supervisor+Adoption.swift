// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// Taking over what an earlier supervisor left: no service is restarted for it, none lost, none started twice.
extension Supervisor {
    /// A process of this stack, found by what its environment says.
    private struct Marked {
        let identity: ProcessIdentity
        let parent: Int32
        let mark: ProcessMark
    }

    /// Rebuilds everything from what was handed over, else from the records on disk, and from the processes that live.
    func recover(_ handed: [Handover.Entry]) {
        var entries = handed
        let known = Set(handed.map(\.spec.name))
        let (records, hasUnreadable) = readRecords()
        for record in records where !known.contains(record.spec.name) {
            entries.append(
                Handover.Entry(
                    record: record, spec: record.spec, runningSpec: nil, isEnvironmentKnown: false, isReady: false))
        }
        // A newer process than the recorded one can only be there where the recorded one is not.
        let isAnyLost =
            hasUnreadable || entries.contains { $0.record.isToRun && !($0.record.identity.map(isThere) ?? false) }
        haveStraysBeenSought = isAnyLost
        var marked = isAnyLost ? findMarked() : [:]
        for entry in entries {
            let found = marked.removeValue(forKey: entry.spec.name) ?? []
            recover(entry, found)
        }
        // What carries our mark without a record: its record was lost. Whoever wants the service gets this process.
        noteStrays(marked)
        renewOrder()
    }

    private func noteStrays(_ marked: [String: [Marked]]) {
        for (service, found) in marked where runners[service] == nil {
            guard let main = main(among: found) else { continue }
            strays[service] = main.identity
        }
    }

    /// Looks once for processes of services that have no record, before the first of those is started.
    private func seekStrays() {
        guard !haveStraysBeenSought else { return }
        haveStraysBeenSought = true
        for (service, found) in findMarked() where runners[service]?.instance == 0 {
            if let main = main(among: found) { strays[service] = main.identity }
        }
    }

    private func readRecords() -> (records: [ServiceRecord], hasUnreadable: Bool) {
        var records: [ServiceRecord] = []
        var hasUnreadable = false
        do {
            for found in try store.all() {
                switch found {
                case .record(let record): records.append(record)
                case .unreadable(let path, let reason):
                    setAside(path, reason)
                    hasUnreadable = true
                }
            }
        } catch {
            degrade(.state, error.diagnostic.message)
            hasUnreadable = true
        }
        return (records, hasUnreadable)
    }

    /// A record that cannot be read is kept for whoever wants to know, under another name.
    private func setAside(_ path: String, _ reason: String) {
        let aside = path + ".unreadable"
        do {
            try FileSystem.rename(path, to: aside)
            emit(.supervisorDegraded, nil, .failed, "set `\(aside)` aside: \(reason)")
        } catch {
            degrade(.state, "cannot read `\(path)` (\(reason)) nor set it aside")
        }
    }

    /// Alive, or a child of ours that has ended and waits for us: after an upgrade its exit is still to be read.
    private func isThere(_ identity: ProcessIdentity) -> Bool {
        guard identity.bootID == ProcessIdentity.currentBootID,
            let record = ProcessRecord.read(pid: identity.pid), record.startTicks == identity.startTicks
        else { return false }
        return !record.hasEnded || record.parent == ProcessControl.currentPID
    }

    // MARK: - One service

    private func recover(_ entry: Handover.Entry, _ found: [Marked]) {
        let record = entry.record
        let runner = ServiceRunner(entry.spec, supervisor: self)
        runners[runner.name] = runner
        runner.instance = max(record.instance, found.map(\.mark.instance).max() ?? 0)
        runner.restarts = record.restarts
        runner.lastExit = record.lastExit
        runner.wanted = record.wanted
        // Killed, or out of room, between the two files: then both are written anew.
        if store.isPIDFileTrue(record) { runner.lastWritten = record } else { unsaved.insert(runner.name) }
        logs.keep(entry.spec.log, of: runner.name)
        // A start that was not written down any more is the newer one.
        let newer = main(among: found.filter { $0.mark.instance > record.instance })
        if let newer {
            if record.identity != nil { noteMissedExit(runner) }
            adopt(newer.identity, startedAt: nil, into: runner, entry)
        } else if let identity = record.identity, isThere(identity) {
            adopt(identity, startedAt: record.startedAt, into: runner, entry)
        } else {
            recoverDead(runner, entry, found)
        }
    }

    private func adopt(
        _ identity: ProcessIdentity, startedAt: Timestamp?, into runner: ServiceRunner, _ entry: Handover.Entry
    ) {
        let parent = ProcessRecord.read(pid: identity.pid)?.parent
        let isChild = parent == ProcessControl.currentPID
        let handle = try? ProcessHandle.open(identity, evenIfEnded: isChild)
        guard handle != nil || isChild else {
            return recoverDead(runner, entry, [])
        }
        let age = identity.age
        runner.process = RunningProcess(
            pid: identity.pid, handle: handle, isChild: isChild, isAdopted: true, reaper: parent,
            startedAt: startedAt ?? Timestamp(nanoseconds: Timestamp.now().nanoseconds - age.wholeNanoseconds),
            started: MonotonicTime.now() + (.zero - age),
            identity: identity)
        runner.strangerPatience = 50
        if !entry.isEnvironmentKnown { learnEnvironment(of: runner, entry.record) }
        runner.runningSpec = entry.runningSpec ?? runner.spec
        adoptedServices.append(runner.name)
        unsaved.insert(runner.name)
        children.watch(pid: identity.pid, descriptor: handle?.rawValue) { [weak runner] in runner?.processEnded() }
        if entry.isReady { runner.restoreReadiness() }
        emit(.serviceAdopted, runner.name, .success, "pid=\(identity.pid)")
    }

    /// Its variables are where they were: in the process itself.
    private func learnEnvironment(of runner: ServiceRunner, _ record: ServiceRecord) {
        guard let pid = runner.process?.pid, let mark = table.mark(of: pid) else {
            runner.assume(isEnvironmentKnown: record.environmentNames.isEmpty, spec: runner.spec)
            return
        }
        let names = Set(record.environmentNames)
        var spec = runner.spec
        let own = mark.environment.filter { names.contains(String($0.prefix { $0 != "=" })) }
        spec.command.environment = Secret(own)
        spec.command.inheritedEnvironment = Secret(
            mark.environment.filter { !names.contains(String($0.prefix { $0 != "=" })) })
        runner.assume(isEnvironmentKnown: own.count >= names.count, spec: spec)
    }

    /// Its process ended while nobody looked, or was never started.
    private func recoverDead(_ runner: ServiceRunner, _ entry: Handover.Entry, _ found: [Marked]) {
        let record = entry.record
        if !entry.isEnvironmentKnown {
            runner.assume(isEnvironmentKnown: record.environmentNames.isEmpty, spec: runner.spec)
        }
        if let identity = record.identity {
            noteMissedExit(runner)
            runner.lastMain = LastMain(
                pid: identity.pid, identity: identity, isChild: false, reaper: nil)
            emit(.serviceStalePID, runner.name, .stalePID, "pid=\(identity.pid) is not running any more")
        }
        for leftover in found { (try? ProcessHandle.open(leftover.identity))?.send(SignalNumber.kill) }
        if let words = record.fatal {
            runner.restoreFatal(.cannotSpawn(words))
        } else if record.wanted == .running {
            servicesToStart.append(runner.name)
        }
    }

    private func noteMissedExit(_ runner: ServiceRunner) {
        runner.lastExit = ExitReport(status: .unknown, at: Timestamp.now())
        emit(.serviceExit, runner.name, .failed, "unknown: it ended while no supervisor was there")
    }

    /// Everything is in place: what was adopted goes on as it was wanted, and what should run but does not is started.
    func settleAdopted() {
        for name in adoptedServices {
            guard let runner = runners[name] else { continue }
            runner.handle(.adopted(isReady: runner.hasBeenReady))
            if runner.wanted == .stopped { runner.handle(.stop) }
        }
        adoptedServices.removeAll()
        let names = orderedNames().filter(servicesToStart.contains)
        servicesToStart.removeAll()
        for name in names {
            guard let runner = runners[name], runner.isIdle else { continue }
            if runner.spec.command.inheritedEnvironment.reveal().isEmpty { runner.useDefaultEnvironment() }
            runner.startCause = .policy
            tellDependencies(runner)
            runner.handle(.start)
        }
    }

    /// Gives a process that was found without a record to the service it belongs to.
    func adoptStray(for runner: ServiceRunner) -> Bool {
        if runner.instance == 0 { seekStrays() }
        guard let identity = strays.removeValue(forKey: runner.name), isThere(identity) else { return false }
        runner.instance = max(runner.instance, table.mark(of: identity.pid)?.instance ?? 0)
        let entry = Handover.Entry(
            record: record(of: runner), spec: runner.spec, runningSpec: nil, isEnvironmentKnown: true, isReady: false)
        adopt(identity, startedAt: nil, into: runner, entry)
        guard runner.process != nil else { return false }
        runner.handle(.adopted(isReady: false))
        return true
    }

    // MARK: - Marks

    /// All processes that say they are of this stack, by service.
    private func findMarked() -> [String: [Marked]] {
        var result: [String: [Marked]] = [:]
        let own = ProcessControl.currentPID
        for record in ProcessRecord.all() where !record.hasEnded && record.pid != own {
            guard let mark = table.mark(of: record.pid) else { continue }
            let identity = ProcessIdentity(
                pid: record.pid, startTicks: record.startTicks, bootID: ProcessIdentity.currentBootID)
            result[mark.service, default: []].append(Marked(identity: identity, parent: record.parent, mark: mark))
        }
        return result
    }

    /// The process that was started by a supervisor: of the newest start, with none of its own above it, the oldest.
    private func main(among found: [Marked]) -> Marked? {
        guard let newest = found.map(\.mark.instance).max() else { return nil }
        let candidates = found.filter { $0.mark.instance == newest }
        let pids = Set(candidates.map(\.identity.pid))
        return candidates.filter { !pids.contains($0.parent) && leadsSession($0.identity.pid) }
            .min { $0.identity.startTicks < $1.identity.startTicks }
    }

    private func leadsSession(_ pid: Int32) -> Bool {
        ProcessRecord.read(pid: pid)?.session == pid
    }
}

extension ServiceRecord {
    /// Whether a process of it should be there.
    fileprivate var isToRun: Bool { identity != nil || wanted == .running && fatal == nil }
}
