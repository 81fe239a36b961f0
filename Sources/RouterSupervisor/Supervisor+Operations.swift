// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// Requests that take time: they go on whenever a service has changed.
extension Supervisor {
    /// Lines of a dead service's log that an answer carries.
    static let lastLineCount = 10

    func run(_ operation: Operation, timeout: Duration?) {
        operations.append(operation)
        if let timeout {
            operation.timer = loop.after(timeout) { [weak self, weak operation] in
                operation?.isTimedOut = true
                self?.scheduleSettle()
            }
        }
        advance(operation)
        scheduleSettle()
    }

    func advanceOperations() {
        for operation in operations { advance(operation) }
        let done = operations.filter(\.isDone)
        guard !done.isEmpty else { return }
        operations.removeAll(where: \.isDone)
        // What is answered is also on disk: the next command may read it there.
        save()
        for operation in done {
            if let timer = operation.timer { loop.cancel(timer) }
            operation.finish()
        }
    }

    private func advance(_ operation: Operation) {
        askToStop(operation)
        collectStopped(operation)
        guard operation.unasked.isEmpty, operation.stopping.isEmpty else { return }
        if !operation.hasBegunStarts { beginStarts(operation) }
        for name in operation.targets where operation.starting.contains(name) {
            guard let outcome = startOutcome(name, operation) else { continue }
            operation.outcomes[name] = outcome
            operation.starting.remove(name)
        }
    }

    // MARK: - Stopping

    private func askToStop(_ operation: Operation) {
        guard !operation.unasked.isEmpty else { return }
        // What others still stand on.
        var needed: Set<String> = []
        for name in operation.unasked.union(operation.stopping) {
            guard let runner = runners[name], !runner.isIdle else { continue }
            for dependency in runner.spec.dependencies where dependency.service != name {
                needed.insert(dependency.service)
            }
        }
        for name in operation.unasked where !needed.contains(name) {
            guard let runner = runners[name] else {
                operation.unasked.remove(name)
                continue
            }
            operation.unasked.remove(name)
            operation.stopping.insert(name)
            if runner.process == nil, runner.isIdle || runner.phase == .waiting || runner.phase == .backoff {
                operation.outcomes[name] = ServiceOutcome(service: name, result: .notRunning)
            }
            runner.handle(.stop)
        }
    }

    private func collectStopped(_ operation: Operation) {
        for name in operation.stopping {
            guard let runner = runners[name] else {
                operation.stopping.remove(name)
                continue
            }
            if runner.isIdle {
                operation.stopping.remove(name)
                if operation.outcomes[name] == nil {
                    operation.outcomes[name] = ServiceOutcome(service: name, result: .stopped)
                }
            } else if operation.isTimedOut {
                operation.stopping.remove(name)
                operation.outcomes[name] = ServiceOutcome(
                    service: name, result: .stopFailed, pid: runner.process?.pid, detail: "it has not ended in time")
            } else if case .stopping = runner.machine.state {
                continue
            } else {
                // Somebody else wants it to run again meanwhile.
                operation.stopping.remove(name)
                operation.outcomes[name] = ServiceOutcome(service: name, result: .stopped)
            }
        }
    }

    // MARK: - Starting

    private func beginStarts(_ operation: Operation) {
        operation.hasBegunStarts = true
        guard case .start(let wait, let isRestart) = operation.goal else { return }
        for name in operation.targets {
            guard let runner = runners[name] else { continue }
            if isRestart { operation.outcomes[name] = nil }
            operation.exitsBefore[name] = runner.exitCount
            operation.starting.insert(name)
            begin(runner, isRestart: isRestart)
            if case .alive(let duration) = wait {
                loop.after(duration + .milliseconds(1)) { [weak self] in self?.scheduleSettle() }
            }
        }
    }

    /// Has a service run, unless it runs already.
    func begin(_ runner: ServiceRunner, isRestart: Bool) {
        runner.wanted = .running
        unsaved.insert(runner.name)
        guard runner.isIdle || runner.phase == .backoff else {
            if runner.isRunning { emit(.serviceStart, runner.name, .alreadyRunning) }
            if case .stopping = runner.machine.state { runner.handle(.start) }
            return
        }
        if adoptStray(for: runner) { return }
        if let problem = portProblem(of: runner) {
            runner.lastSpawnError = problem
            runner.exitCount += 1
            emit(.serviceStart, runner.name, .failed, problem.message)
            return
        }
        saveIntent(runner)
        CrashPoint.reach()
        runner.startCause = isRestart ? .restartRequest : .request
        tellDependencies(runner)
        runner.handle(.start)
    }

    /// What became of a start, or nil while that is open.
    private func startOutcome(_ name: String, _ operation: Operation) -> ServiceOutcome? {
        guard case .start(let wait, let isRestart) = operation.goal else { return nil }
        guard let runner = runners[name] else {
            return ServiceOutcome(service: name, result: .failed, detail: "it was removed meanwhile")
        }
        if runner.exitCount > operation.exitsBefore[name] ?? 0 { return failure(of: runner) }
        if case .fatal(let reason) = runner.machine.state { return failure(of: runner, reason.words) }
        if case .stopped = runner.machine.state { return failure(of: runner, "it was stopped meanwhile") }
        if let process = runner.process, runner.isRunning, isReached(wait, runner, process) {
            let isNew = process.started >= operation.begun
            let result: ServiceOutcome.Result = isRestart ? .restarted : isNew ? .started : .alreadyRunning
            return ServiceOutcome(service: name, result: result, pid: process.pid)
        }
        if let reason = hopelessDependency(of: runner) { return failure(of: runner, reason) }
        guard operation.isTimedOut else { return nil }
        return ServiceOutcome(
            service: name, result: .timeout, pid: runner.process?.pid, detail: waitingWords(runner),
            lastLines: LogReader.tail(runner.spec.log.path, lines: Self.lastLineCount))
    }

    private func isReached(
        _ wait: ControlCommand.Wait, _ runner: ServiceRunner, _ process: RunningProcess
    ) -> Bool {
        switch wait {
        case .started: true
        case .alive(let duration): MonotonicTime.now() - process.started >= duration
        case .ready: runner.isReady
        }
    }

    private func failure(of runner: ServiceRunner, _ reason: String? = nil) -> ServiceOutcome {
        if let problem = runner.lastSpawnError {
            let hints = problem.hints.isEmpty ? "" : " (" + problem.hints.joined(separator: "; ") + ")"
            return ServiceOutcome(service: runner.name, result: .failed, detail: problem.message + hints)
        }
        let words = reason ?? runner.lastExit.map { "it ended right after its start: \($0.words)" }
        return ServiceOutcome(
            service: runner.name, result: .failed, detail: words,
            lastLines: LogReader.tail(runner.spec.log.path, lines: Self.lastLineCount))
    }

    /// Something it waits for that will not come by itself.
    private func hopelessDependency(of runner: ServiceRunner) -> String? {
        guard runner.phase == .waiting else { return nil }
        for needed in unmetDependencies(of: runner) {
            guard let other = runners[needed.service] else { return "`\(needed.service)` is not known" }
            if other.isIdle { return "`\(needed.service)`, which it waits for, is \(other.phase.rawValue)" }
        }
        return nil
    }

    /// What a service is waiting for, in words.
    func waitingWords(_ runner: ServiceRunner) -> String? {
        switch runner.machine.state {
        case .waiting:
            return "it waits for "
                + unmetDependencies(of: runner).map { "`\($0.service)` (\($0.condition.rawValue))" }
                .joined(separator: ", ")
        case .running:
            guard !runner.isReady else { return nil }
            let report = runner.readinessReport
            let word = report?.error ?? report?.code.map { "status \($0)" } ?? "no answer yet"
            return "it is not ready: \(word)" + (report?.detail.map { " (\($0))" } ?? "")
        case .backoff(let until, let reason):
            let left = max(0, (until - MonotonicTime.now()).wholeMilliseconds)
            return "next attempt in \(left) ms: \(reason.words)"
        case .fatal(let reason): return reason.words
        case .stopping(.asked, _): return "it was asked to stop"
        case .stopping(.killed, _): return "it did not stop in time and was killed"
        case .stopping(.clearing, _): return "the rest of its processes is being ended"
        case .stopped, .starting: return runner.lastSpawnError?.message
        }
    }
}
