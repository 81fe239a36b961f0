// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// What is written down: soon after it happened, but never between an exit and the start that follows it.
extension Supervisor {
    /// Long enough for all services that die together to be started again first.
    private static let saveDelay = Duration.milliseconds(5)
    private static let longestSaveDelay = Duration.milliseconds(200)
    private static let saveRetry = Duration.seconds(1)

    func scheduleSave() {
        guard saveTimer == nil, !unsaved.isEmpty || !pendingEvents.isEmpty || !forgotten.isEmpty else { return }
        let begun = MonotonicTime.now()
        saveTimer = loop.after(Self.saveDelay) { [weak self] in self?.saveWhenQuiet(since: begun) }
    }

    /// Waits a little longer while services are still dying and starting.
    private func saveWhenQuiet(since begun: MonotonicTime) {
        saveTimer = nil
        let now = MonotonicTime.now()
        guard now - lastStart < Self.saveDelay, now - begun < Self.longestSaveDelay else { return save() }
        saveTimer = loop.after(Self.saveDelay) { [weak self] in self?.saveWhenQuiet(since: begun) }
    }

    /// Writes records, pid files and events; what cannot be written is said and tried again.
    func save() {
        if let saveTimer { loop.cancel(saveTimer) }
        saveTimer = nil
        var failed: Set<String> = []
        for name in unsaved.sorted() {
            guard let runner = runners[name] else { continue }
            do {
                try write(runner)
            } catch {
                failed.insert(name)
                degrade(.state, "cannot write the state of `\(name)`: \(error.diagnostic.message)")
            }
        }
        for name in forgotten where runners[name] == nil {
            do { try store.remove(service: name) } catch { degrade(.state, error.diagnostic.message) }
        }
        forgotten.removeAll()
        unsaved = failed
        if failed.isEmpty { recovered(.state) }
        recordEvents()
        guard !failed.isEmpty || !pendingEvents.isEmpty else { return }
        if let saveTimer { loop.cancel(saveTimer) }
        saveTimer = loop.after(Self.saveRetry) { [weak self] in
            self?.saveTimer = nil
            self?.save()
        }
    }

    /// What cannot be written now is kept; `emit` bounds it.
    private func recordEvents() {
        guard !pendingEvents.isEmpty else { return }
        if let error = configuration.events.record(pendingEvents) {
            degrade(.events, "cannot write events: \(error.diagnostic.message)")
        } else {
            pendingEvents.removeAll(keepingCapacity: true)
            recovered(.events)
            // That they can be written again is one as well.
            if !pendingEvents.isEmpty { recordEvents() }
        }
    }

    private func write(_ runner: ServiceRunner) throws(SystemError) {
        let record = record(of: runner)
        do {
            try store.write(record, last: runner.lastWritten)
            runner.lastWritten = record
        } catch {
            // Which of its files is the new one is not known now.
            runner.lastWritten = nil
            throw error
        }
    }

    /// What a service looks like on disk.
    func record(of runner: ServiceRunner) -> ServiceRecord {
        var record = ServiceRecord(spec: runner.spec, wanted: runner.wanted)
        record.instance = runner.instance
        record.restarts = runner.restarts
        record.lastExit = runner.lastExit
        if case .fatal(let reason) = runner.machine.state { record.fatal = reason.words }
        guard runner.process != nil else { return record }
        if runner.process?.identity == nil, let pid = runner.process?.pid {
            // Not `ProcessIdentity.of`: one that has ended but is not reaped yet still has its own start time.
            runner.process?.identity = ProcessRecord.read(pid: pid).map {
                ProcessIdentity(pid: pid, startTicks: $0.startTicks, bootID: ProcessIdentity.currentBootID)
            }
        }
        record.identity = runner.process?.identity
        record.startedAt = runner.process?.startedAt
        return record
    }

    /// Writes down that a service is about to run, before its first process exists: whoever comes after us looks for it.
    func saveIntent(_ runner: ServiceRunner) {
        do {
            try write(runner)
            unsaved.remove(runner.name)
        } catch {
            unsaved.insert(runner.name)
            degrade(.state, "cannot write the state of `\(runner.name)`: \(error.diagnostic.message)")
        }
    }
}
