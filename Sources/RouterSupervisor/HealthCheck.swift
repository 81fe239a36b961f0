// SPDX-License-Identifier: MIT

internal import Diagnostics
package import RouterControl
package import RouterServices
package import SystemIO

/// How a service is, asked now.
package struct ServiceHealth: Equatable, Sendable {
    package var service: String
    /// Whether its own process runs; identity decides, not a number.
    package var isRunning: Bool
    /// Running, and its liveness probe, if there is one, succeeds.
    package var isLive: Bool
    /// Running, and its readiness probe, if there is one, succeeds.
    package var isReady: Bool
    package var pid: Int32?
    package var readiness: ProbeReport?
    package var liveness: ProbeReport?
    package var url: String?

    /// The line that scripts read.
    package var line: String {
        let code = readiness?.code.map(String.init) ?? "n/a"
        let error = readiness?.error ?? (isRunning ? "none" : "not-running")
        return "\(service):liveness=\(isLive ? "ok" : "fail") readiness=\(isReady ? "ok" : "fail") "
            + "running=\(isRunning ? "yes" : "no") readiness_code=\(code) readiness_error=\(error) "
            + "readiness_url=\(url ?? "n/a")"
    }
}

/// Asks all probes of all services once, at the same time, with or without a supervisor.
package enum HealthCheck {
    /// One answer a spec, in their order. `running` names the processes: from the supervisor's status, or from disk.
    package static func run(
        _ specs: [ServiceSpec], running: [String: Int32], helper: ProcessSpec?
    ) throws(SystemError) -> [ServiceHealth] {
        let loop = try DescriptorLoop()
        let children = ChildWatcher(loop: loop)
        var healths = specs.map { spec in
            ServiceHealth(
                service: spec.name, isRunning: running[spec.name] != nil, isLive: running[spec.name] != nil,
                isReady: running[spec.name] != nil, pid: running[spec.name], url: spec.readiness?.url)
        }
        var open = 0
        var attempts: [ProbeAttempt] = []
        func ask(_ probe: ProbeSpec, _ spec: ServiceSpec, _ done: @escaping (ProbeReport) -> Void) {
            open += 1
            let begun = MonotonicTime.now()
            let command = spec.command
            attempts.append(
                ProbeAttempt(
                    probe, loop: loop, children: children, helper: helper, directory: command.directory,
                    environment: EnvironmentMerge.merge(
                        command.inheritedEnvironment.reveal(), command.environment.reveal())
                ) { answer in
                    open -= 1
                    done(
                        ProbeReport(
                            isOK: answer.isOK, code: answer.code, error: answer.error, detail: answer.detail,
                            url: probe.url, duration: MonotonicTime.now() - begun, at: Timestamp.now()))
                })
        }
        for (index, spec) in specs.enumerated() {
            guard let pid = running[spec.name] else { continue }
            if let probe = spec.readiness {
                ask(probe, spec) { report in
                    healths[index].readiness = owned(report, probe, pid)
                    healths[index].isReady = healths[index].readiness?.isOK ?? false
                }
            }
            if let probe = spec.liveness {
                ask(probe, spec) { report in
                    healths[index].liveness = report
                    healths[index].isLive = report.isOK
                }
            }
        }
        // Each attempt has its own time limit, so this ends.
        _ = loop.run(until: MonotonicTime.now() + .seconds(3600)) { open == 0 }
        withExtendedLifetime(attempts) {}
        return healths
    }

    /// An answer by somebody else's process is none.
    private static func owned(_ report: ProbeReport, _ probe: ProbeSpec, _ pid: Int32) -> ProbeReport {
        guard report.isOK, let address = probe.localAddress else { return report }
        let tree = ProcessTable.tree(of: pid, among: ProcessRecord.all().filter { !$0.hasEnded }).map(\.pid)
        guard case .foreign(let owner) = PortOwnership.of(port: address.port, tree: tree) else { return report }
        var changed = report
        changed.isOK = false
        changed.error = "foreign-process"
        changed.detail = "port \(address.port) belongs to \(owner)"
        return changed
    }
}
