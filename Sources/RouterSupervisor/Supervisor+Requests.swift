// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// What commands ask.
extension Supervisor {
    typealias Answer = (ControlResponse.Body) -> Void

    func serve(_ request: ControlRequest, _ answer: @escaping Answer) {
        if isShuttingDown, !request.command.isQuestion {
            return answer(
                .failure(
                    code: "supervisor/stopping", message: "the supervisor is stopping",
                    hints: ["run the command again"]))
        }
        learn(from: request.specs)
        switch request.command {
        case .start(let names, let wait, let timeout):
            start(names, request.specs, wait, timeout, isRestart: false, answer)
        case .restart(let names, let wait, let timeout):
            start(names, request.specs, wait, timeout, isRestart: true, answer)
        case .stop(let names): stop(names, answer)
        case .reload(let names): answer(.outcomes(reload(names)))
        case .status(let names, let detail): answer(.status(status(of: names, detail)))
        case .apply(let dryRun): apply(request.specs, dryRun: dryRun) { answer(.plan($0, $1)) }
        case .upgrade(let program):
            tryUpgrade(program, answer)
        case .stopSupervisor(let leavingServices):
            answer(.accepted(pid: ProcessControl.currentPID))
            // A moment for the answer to leave.
            loop.after(.milliseconds(20)) { [weak self] in
                if leavingServices { self?.leave() } else { self?.beginShutdown(.stopped) }
            }
        }
    }

    // MARK: - Specs

    /// Fills in what an adoption could not find out: variables and keys of services that are otherwise unchanged.
    private func learn(from specs: [ServiceSpec]) {
        for spec in specs {
            guard let runner = runners[spec.name], !runner.isFullyKnown else { continue }
            runner.update(spec)
        }
    }

    /// Takes over `specs` for `names`, which may be new.
    func adopt(_ specs: [ServiceSpec], for names: Set<String>) {
        var isOrderNew = false
        for given in specs where names.contains(given.name) {
            let spec = sharingEnvironment(given)
            if let runner = runners[spec.name] {
                isOrderNew = isOrderNew || runner.spec.dependencies != spec.dependencies
                if runner.spec != spec || !runner.isFullyKnown
                    || runner.spec.command.inheritedEnvironment != spec.command.inheritedEnvironment
                {
                    runner.update(spec)
                }
            } else {
                isOrderNew = true
                runners[spec.name] = ServiceRunner(spec, supervisor: self)
                forgotten.remove(spec.name)
                logs.keep(spec.log, of: spec.name)
                unsaved.insert(spec.name)
            }
        }
        if isOrderNew || order == nil { renewOrder() }
    }

    /// The same spec with the one copy of the environment that services have in common.
    private func sharingEnvironment(_ spec: ServiceSpec) -> ServiceSpec {
        let variables = spec.command.inheritedEnvironment.reveal()
        guard let shared = inherited, shared.strings == variables else {
            inherited = SharedStrings(variables)
            return spec
        }
        var spec = spec
        spec.command.inheritedEnvironment = Secret(shared.strings)
        return spec
    }

    func renewOrder() {
        do throws(StartOrder.Problem) {
            order = try StartOrder(runners.values.map(\.spec).sorted { $0.name < $1.name })
            recovered(.order)
        } catch {
            degrade(.order, "the dependencies make no order: \(error)")
        }
    }

    // MARK: - Start and stop

    private func start(
        _ names: [String], _ specs: [ServiceSpec], _ wait: ControlCommand.Wait, _ timeout: Duration,
        isRestart: Bool, _ answer: @escaping Answer
    ) {
        let given = Dictionary(specs.map { ($0.name, $0) }) { _, last in last }
        let spec = { (name: String) in given[name] ?? self.runners[name]?.spec }
        let all = specs.isEmpty ? Array(runners.keys) : specs.map(\.name)
        let wanted = names.isEmpty ? all : names
        if let unknown = wanted.first(where: { spec($0) == nil }) {
            return answer(unknownService(unknown, Set(runners.keys).union(given.keys)))
        }
        let order: StartOrder
        do throws(StartOrder.Problem) {
            order = try StartOrder(closureOf: wanted, spec)
        } catch {
            return answer(refusal(error))
        }
        let targets = isRestart ? order.names.filter(Set(wanted).contains) : order.closure(of: wanted)
        // What a restarted service needs is started with it, but not restarted.
        let closure = order.closure(of: wanted)
        adopt(specs, for: Set(closure))
        if isRestart {
            for name in closure where !targets.contains(name) {
                if let runner = runners[name], runner.isIdle { begin(runner, isRestart: false) }
            }
        }
        for name in targets { runners[name]?.wanted = .running }
        let operation = Operation(
            goal: .start(wait, isRestart: isRestart), targets: targets, stopping: isRestart ? Set(targets) : []
        ) { answer(.outcomes($0)) }
        run(operation, timeout: timeout)
    }

    private func stop(_ names: [String], _ answer: @escaping Answer) {
        let targets = names.isEmpty ? orderedNames() : names
        var unknown: [ServiceOutcome] = []
        for name in targets where runners[name] == nil {
            unknown.append(ServiceOutcome(service: name, result: .notRunning))
        }
        stop(targets.filter { runners[$0] != nil }) { answer(.outcomes($0 + unknown)) }
    }

    func reload(_ names: [String]) -> [ServiceOutcome] {
        (names.isEmpty ? orderedNames() : names).map { name in
            guard let process = runners[name]?.process, runners[name]?.isRunning == true else {
                return ServiceOutcome(service: name, result: .notRunning)
            }
            let sent =
                process.handle?.send(SignalNumber.hangup) ?? ProcessControl.send(SignalNumber.hangup, to: process.pid)
            return ServiceOutcome(service: name, result: sent ? .reloaded : .notRunning, pid: process.pid)
        }
    }

    /// Stops services in reverse order of their dependencies.
    func stop(_ names: [String], finished: @escaping ([ServiceOutcome]) -> Void) {
        for name in names {
            runners[name]?.wanted = .stopped
            unsaved.insert(name)
            if runners[name]?.process == nil { emit(.serviceStop, name, .notRunning) }
        }
        let operation = Operation(goal: .stop, targets: names, stopping: Set(names), finished: finished)
        run(operation, timeout: nil)
    }

    /// All services, each after what it depends on.
    func orderedNames() -> [String] {
        let names = order?.names ?? []
        return names + runners.keys.filter { !names.contains($0) }.sorted()
    }

    // MARK: - Reload

    /// Makes `specs` the stack; tells the plan and, unless that is all, carries it out.
    func apply(
        _ specs: [ServiceSpec], dryRun: Bool, _ answer: @escaping ([PlannedChange], [ServiceOutcome]) -> Void
    ) {
        let current = runners.values.sorted { $0.name < $1.name }.map {
            ReloadPlan.Current(spec: $0.spec, running: $0.process == nil ? nil : $0.runningSpec ?? $0.spec)
        }
        let plan = ReloadPlan.make(current: current, new: specs)
        guard !dryRun else { return answer(plan, []) }
        emit(
            .supervisorReload, nil, .success,
            plan.filter { $0.action != .keep }.map { "\($0.action.rawValue) \($0.service)" }.joined(separator: ", "))
        adopt(specs, for: Set(specs.map(\.name)))
        let removed = plan.filter { $0.action == .remove }.map(\.service)
        let restarted = Set(plan.filter { $0.action == .restart }.map(\.service))
        let started = plan.filter { $0.action == .start }.map(\.service)
        stop(removed) { [weak self] outcomes in
            guard let self else { return }
            for name in removed where runners[name]?.isIdle == true { forget(name) }
            let all = Set(started).union(restarted)
            let targets = orderedNames().filter(all.contains)
            let operation = Operation(
                goal: .start(.started, isRestart: false), targets: targets, stopping: restarted
            ) { answer(plan, outcomes + $0) }
            run(operation, timeout: .seconds(60))
        }
    }

    /// Drops a service that does not run.
    private func forget(_ name: String) {
        runners[name] = nil
        logs.drop(name)
        unsaved.remove(name)
        forgotten.insert(name)
        renewOrder()
        scheduleSave()
    }

    // MARK: - Refusals

    private func refusal(_ problem: StartOrder.Problem) -> ControlResponse.Body {
        switch problem {
        case .cycle(let names):
            .failure(
                code: "service/dependency-cycle",
                message: "services depend on each other in a circle: "
                    + (names + names.prefix(1)).joined(separator: " → "),
                hints: ["remove one of these `depends_on`"])
        case .unknownDependency(let service, let dependency):
            .failure(
                code: "service/unknown-dependency",
                message: "`\(service)` depends on `\(dependency)`, which is not there",
                hints: ["correct `services.\(service).depends_on`"])
        }
    }

    private func unknownService(_ name: String, _ known: some Sequence<String>) -> ControlResponse.Body {
        let guess = Suggestion.closest(to: name, among: known)
        return .failure(
            code: "service/unknown", message: "there is no service `\(name)`",
            hints: guess.map { ["did you mean `\($0)`?"] } ?? ["`llm-router status` lists them"])
    }
}

extension ControlCommand {
    /// Whether it changes nothing.
    fileprivate var isQuestion: Bool {
        switch self {
        case .status: true
        case .start, .restart, .stop, .reload, .apply, .upgrade, .stopSupervisor: false
        }
    }
}

extension ServiceRunner {
    /// Whether it could be started and probed again as it was configured.
    var isFullyKnown: Bool {
        isEnvironmentKnown && (spec.readiness == nil || isProbeUsable(spec.readiness))
            && (spec.liveness == nil || isProbeUsable(spec.liveness))
    }
}
