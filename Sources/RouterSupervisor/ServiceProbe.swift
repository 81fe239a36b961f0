// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterServices
internal import SystemIO

/// Asks one probe of one running service again and again, never twice at the same time.
final class ServiceProbe {
    enum Kind {
        case readiness, liveness
    }

    let kind: Kind
    private let spec: ProbeSpec
    private unowned let runner: ServiceRunner
    private var schedule: ProbeSchedule
    private var attempt: ProbeAttempt?
    private var timer: TimerQueue.ID?
    /// Once the port was seen to be ours it stays so while the process lives.
    private var isPortOurs = false
    private(set) var lastReport: ProbeReport?

    init(_ kind: Kind, _ spec: ProbeSpec, runner: ServiceRunner) {
        self.kind = kind
        self.spec = spec
        self.runner = runner
        schedule = ProbeSchedule(spec: spec, startedAt: runner.process?.started ?? MonotonicTime.now())
    }

    func start() {
        ask(at: schedule.first(now: MonotonicTime.now()))
    }

    func stop() {
        if let timer { runner.supervisor.loop.cancel(timer) }
        timer = nil
        attempt?.cancel()
        attempt = nil
    }

    private func ask(at time: MonotonicTime) {
        timer = runner.supervisor.loop.at(time) { [weak self] in
            self?.timer = nil
            self?.ask()
        }
    }

    private func ask() {
        let supervisor = runner.supervisor
        let begun = MonotonicTime.now()
        let command = runner.spec.command
        attempt = ProbeAttempt(
            spec, loop: supervisor.loop, children: supervisor.children, helper: supervisor.configuration.probeHelper,
            directory: command.directory,
            environment: EnvironmentMerge.merge(command.inheritedEnvironment.reveal(), command.environment.reveal())
        ) { [weak self] in self?.take($0, begun) }
    }

    private func take(_ answer: ProbeVerdict, _ begun: MonotonicTime) {
        attempt = nil
        let now = MonotonicTime.now()
        var answer = answer
        if answer.isOK, kind == .readiness, let foreign = foreignOwner() {
            answer = .failed("foreign-process", code: answer.code, detail: foreign)
        }
        lastReport = ProbeReport(
            isOK: answer.isOK, code: answer.code, error: answer.error, detail: answer.detail, url: spec.url,
            duration: now - begun, at: Timestamp.now())
        let before = schedule.verdict
        ask(at: schedule.record(isOK: answer.isOK, now: now))
        guard schedule.verdict != before else { return }
        switch (kind, schedule.verdict) {
        case (.readiness, .passing): runner.handle(.readiness(true))
        case (.readiness, .failing): runner.handle(.readiness(false))
        case (.liveness, .failing): runner.handle(.livenessFailed)
        case (.liveness, .passing), (_, .undecided): break
        }
    }

    /// Who answers instead of us; nil when it is us, or when nobody can tell.
    private func foreignOwner() -> String? {
        guard !isPortOurs, let address = spec.localAddress, let pid = runner.process?.pid else { return nil }
        let tree = runner.supervisor.table.tree(of: pid).map(\.pid)
        switch PortOwnership.of(port: address.port, tree: tree) {
        case .ours, .unknown:
            isPortOurs = true
            return nil
        case .foreign(let owner):
            return "port \(address.port) belongs to \(owner)"
        }
    }
}

extension ProbeSpec {
    /// For reports.
    package var url: String? {
        switch target {
        case .http(let http): http.url
        case .tcp(let address): "tcp://\(address.host):\(address.port)"
        case .exec: nil
        }
    }

    /// The address on this machine that the probe asks, if it asks one.
    var localAddress: ListenAddress? {
        let address: ListenAddress
        switch target {
        case .http(let http): address = http.address
        case .tcp(let tcp): address = tcp
        case .exec: return nil
        }
        let local = NumericAddress.candidates(address.host).first
        return local == "127.0.0.1" || local == "::1" || local?.hasPrefix("127.") == true ? address : nil
    }
}
