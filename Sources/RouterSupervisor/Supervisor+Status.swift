// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterServices
internal import SystemIO

/// What can be told of the services now.
extension Supervisor {
    func status(of names: [String], _ detail: StatusDetail) -> SupervisorStatus {
        let shown = names.isEmpty ? runners.keys.sorted() : names.filter { runners[$0] != nil }
        let ports = detail.contains(.ports) ? ListeningSockets.all() : []
        let isOutline = detail.contains(.outline)
        let services = shown.compactMap { runners[$0] }.map { runner in
            var status = isOutline ? outline(of: runner) : status(of: runner)
            guard let process = runner.process, !isOutline, !detail.isEmpty else { return status }
            let tree = table.tree(of: process.pid)
            if detail.contains(.resources) { status.resources = usage(of: runner, process, tree) }
            if detail.contains(.ports) {
                let sockets = tree.reduce(into: Set<UInt64>()) { found, record in
                    found.formUnion(ListeningSockets.sockets(of: record.pid) ?? [])
                }
                status.listeningPorts = Set(ports.filter { sockets.contains($0.inode) }.map(\.port)).sorted()
            }
            return status
        }
        var answer = SupervisorStatus(
            pid: ProcessControl.currentPID, startedAt: startedAt, isForeground: configuration.mode == .foreground,
            degraded: Trouble.allCases.compactMap { troubles[$0] }, services: services)
        answer.isOutline = isOutline
        return answer
    }

    private func outline(of runner: ServiceRunner) -> ServiceStatus {
        var status = ServiceStatus(name: runner.name, phase: runner.phase, wanted: runner.wanted)
        status.pid = runner.process?.pid
        return status
    }

    private func status(of runner: ServiceRunner) -> ServiceStatus {
        var status = outline(of: runner)
        status.restarts = runner.restarts
        status.lastExit = runner.lastExit
        status.detail = waitingWords(runner)
        if let process = runner.process {
            status.startedAt = process.startedAt
            status.uptime = MonotonicTime.now() - process.started
            status.isAdopted = process.isAdopted
            // Without the key that an adoption could not bring along nobody knows.
            status.isReady = runner.isProbeUsable(runner.spec.readiness) ? runner.isReady : nil
        }
        if let running = runner.runningSpec {
            status.isSpecChanged = !ReloadPlan.processFields(running, runner.spec).isEmpty
        }
        status.readiness = runner.readinessReport
        status.liveness = runner.livenessReport
        return status
    }

    private func usage(
        of runner: ServiceRunner, _ process: RunningProcess, _ tree: [ProcessRecord]
    ) -> ResourceUsage {
        let now = MonotonicTime.now()
        let ticks = tree.reduce(UInt64(0)) { $0 + $1.processorTicks }
        let before = runner.usage ?? (processorTicks: 0, at: process.started)
        let seconds = max(0.001, (now - before.at).seconds)
        let used = Double(ticks >= before.processorTicks ? ticks - before.processorTicks : 0)
        // Ticks are a hundredth of a second: shorter spans would say 0 or 100 and nothing between.
        if runner.usage == nil || seconds >= 1 { runner.usage = (ticks, now) }
        let pages = tree.reduce(0) { $0 + $1.residentPages }
        return ResourceUsage(
            residentBytes: pages * SystemConstants.pageBytes,
            processorPercent: (used / Double(SystemConstants.ticksPerSecond) / seconds * 1000).rounded() / 10,
            descriptors: tree.reduce(0) { $0 + (FileSystem.count("/proc/\($1.pid)/fd") ?? 0) },
            processes: tree.count)
    }

    /// Why a service's port cannot be had; asked before a start that somebody wants, not before a restart.
    func portProblem(of runner: ServiceRunner) -> Diagnostic? {
        guard let listen = runner.spec.listen, runner.process == nil else { return nil }
        let host = listen.host == "localhost" ? "127.0.0.1" : listen.host
        guard TCPSocket.isNumeric(host), TCPSocket.isFree(host, port: listen.port) == false else { return nil }
        let owner = PortOwnership.owner(of: ListeningSockets.inodes(port: listen.port)) ?? "another process"
        let origin = runner.spec.origin
        let hint = "stop it, or set another `services.\(origin).port`"
        return Diagnostic(
            "service/port-taken", "port \(listen.port) of `\(runner.name)` is taken by \(owner)",
            hints: [origin == runner.name ? hint : hint + ", since the next two ports are used as well"])
    }
}
