// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterConfig
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// What `service`, `up`, `down` and `profile set` do with services.
struct ServiceOperations {
    private let stack: Stack

    init(_ stack: Stack) {
        self.stack = stack
    }

    func start(_ names: [String], wait: Bool, timeout: Duration) throws -> [ServiceOutcome] {
        let fronts = fronts(among: names)
        try prepare(fronts)
        let needed = stack.needed(for: names)
        let specs = try stack.checkedPlan(only: needed).services
        return try stack.withSupervisor { client throws(ControlError) in
            let outcomes = try client.start(names, specs: specs, wait: wait ? .ready : .started, timeout: timeout)
            if needed != nil { try teach(&client, timeout: timeout) }
            for front in fronts { try FrontSwitching(stack: stack, front: front).tidy(&client, timeout: timeout) }
            return outcomes
        }
    }

    /// Restarts `names`; what stands behind a front and runs is replaced without a gap.
    func restart(_ names: [String], wait: Bool, timeout: Duration) throws -> [ServiceOutcome] {
        let fronts = fronts(among: names)
        guard !fronts.isEmpty else { return try restartPlainly(names, wait: wait, timeout: timeout) }
        try prepare(fronts)
        let plan = try stack.checkedPlan()
        return try holding(fronts[...]) {
            let (kept, running) = try stack.withSupervisor { client throws(ControlError) in
                (
                    try client.apply(plan.services, dryRun: true, timeout: timeout).plan.filter { $0.action == .keep }
                        .map(\.service),
                    try client.status(detail: .outline).services.filter { $0.pid != nil }.map(\.name)
                )
            }
            // A front that is to listen elsewhere is restarted itself, with what is behind it.
            let switched = fronts.filter {
                kept.contains($0.service) && running.contains($0.service)
                    && running.contains($0.running($0.active).name)
            }
            let replaced = switched.flatMap { [$0.service, $0.running($0.active).name] }
            for front in fronts where !replaced.contains(front.service) { try front.activate(front.active) }
            let plain = names.filter { !replaced.contains($0) }
            return try stack.withSupervisor { client throws(ControlError) in
                var outcomes: [ServiceOutcome] = []
                if !plain.isEmpty {
                    outcomes += try client.restart(
                        plain, specs: plan.services, wait: wait ? .ready : .started, timeout: timeout)
                }
                for front in switched {
                    outcomes.append(
                        try FrontSwitching(stack: stack, front: front).renew(&client, plan, timeout: timeout))
                }
                return outcomes
            }
        }
    }

    private func restartPlainly(_ names: [String], wait: Bool, timeout: Duration) throws -> [ServiceOutcome] {
        let needed = stack.needed(for: names)
        let specs = try stack.checkedPlan(only: needed).services
        return try stack.withSupervisor { client throws(ControlError) in
            let outcomes = try client.restart(names, specs: specs, wait: wait ? .ready : .started, timeout: timeout)
            if needed != nil { try teach(&client, timeout: timeout) }
            return outcomes
        }
    }

    /// Tells a supervisor that has adopted services what it cannot know of them: their variables and keys.
    private func teach(_ client: inout ControlClient, timeout: Duration) throws(ControlError) {
        guard client.supervisorLacksSpecs else { return }
        // What is wrong with other services is no concern of this command.
        guard let specs = try? stack.plan().checked() else { return }
        _ = try client.apply(specs, dryRun: true, timeout: timeout)
    }

    /// Has the target of each front name the slot that is about to run; one that runs is left where it is.
    func prepare(_ fronts: [ServiceFront]) throws {
        guard !fronts.isEmpty else { return }
        try stack.prepareFolders()
        let running = try StackView.read(stack, detail: .outline).services.filter { $0.pid != nil }.map(\.name)
        for front in fronts where !front.hasTarget || !running.contains(front.running(front.active).name) {
            try front.activate(front.active)
        }
    }

    /// Runs `body` while nobody else changes what is behind `fronts`.
    private func holding<Value>(_ fronts: ArraySlice<ServiceFront>, _ body: () throws -> Value) throws -> Value {
        guard let front = fronts.first else { return try body() }
        let lock = try FileLock.acquire(front.lockFile)
        defer { withExtendedLifetime(lock) {} }
        return try holding(fronts.dropFirst(), body)
    }

    /// Stops `names`; with neither a supervisor nor anything left by one, there is nothing to do.
    func stop(_ names: [String], timeout: Duration) throws -> [ServiceOutcome] {
        let offline = try OfflineState.read(stack.layout, now: stack.context.now())
        if try ControlClient.connect(stack.layout) == nil, offline.services.allSatisfy({ $0.pid == nil }) {
            for name in names { stack.record(.serviceStop, service: name, result: .notRunning) }
            return names.map { ServiceOutcome(service: $0, result: .notRunning) }
        }
        // A killed switch may have left the other slot running.
        let spare = fronts(among: names).map { $0.running($0.active.other).name }
        return try stack.withSupervisor { client throws(ControlError) in
            let running = try client.status(detail: .outline).services.filter { $0.pid != nil }.map(\.name)
            return try client.stop(
                names + spare.filter { running.contains($0) && !names.contains($0) }, timeout: timeout)
        }
    }

    func fronts(among names: [String]) -> [ServiceFront] {
        let wanted = Set(names)
        return stack.fronts.filter { wanted.contains($0.service) }
    }

    /// Prints outcomes and says why the failed ones failed.
    func show(_ outcomes: [ServiceOutcome]) -> ExitStatus {
        for outcome in outcomes {
            if let diagnostic = outcome.diagnostic { stack.context.console.report(diagnostic) }
        }
        stack.context.console.show(Report(outcomes: outcomes))
        return outcomes.allSatisfy(\.result.isSuccess) ? .success : .failure
    }
}
