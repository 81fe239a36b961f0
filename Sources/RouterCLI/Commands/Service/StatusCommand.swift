// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterControl
internal import RouterDoctor
internal import RouterProfiles
internal import RouterServices
internal import SystemIO

/// `llm-router status`
package struct StatusCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the profile and what runs; tells the truth without a supervisor, too.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus { try Self.show(in: context) }

    static func show(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let wantsDetail = context.console.format == .json || context.console.outputIsTerminal
        let view = try StackView.read(stack, detail: wantsDetail ? [.resources, .ports] : .outline)
        context.console.show(view.report(for: context.console))
        for remark in view.remarks { context.console.report(remark) }
        return view.services.contains { $0.phase == .fatal } ? .failure : .success
    }
}

/// What `status` tells, gathered from the supervisor or, without one, from disk.
struct StackView {
    let stack: Stack
    /// The configured services and those that still run without being configured, sorted by name.
    let services: [ServiceStatus]
    let supervisor: SupervisorStatus?
    /// What the operator should do something about.
    let remarks: [Diagnostic]

    static func read(_ stack: Stack, detail: StatusDetail) throws -> StackView {
        var remarks: [Diagnostic] = []
        var supervisor: SupervisorStatus?
        var found: [ServiceStatus]
        if let status = try answer(stack, detail: detail) {
            supervisor = status
            found = status.services
            // The supervisor knows what runs, this command what the file says now: only together they tell a change.
            if detail.contains(.resources), let specs = try? stack.plan().checked(),
                let changes = try? plan(stack, specs)
            {
                let changed = Set(changes.filter { $0.action != .keep }.map(\.service))
                for index in found.indices where found[index].pid != nil {
                    found[index].isSpecChanged = changed.contains(found[index].name)
                }
            }
            remarks += status.degraded.map { Diagnostic("supervisor/degraded", $0, severity: .warning) }
        } else {
            let offline = try OfflineState.read(stack.layout, now: stack.context.now())
            found = offline.services
            remarks += offline.problems.map { Diagnostic("supervisor/stale-state", $0, severity: .warning) }
            if found.contains(where: { $0.pid != nil }) {
                remarks.append(
                    Diagnostic(
                        "supervisor/not-running", "the supervisor is not running, its services are", severity: .warning,
                        hints: ["`llm-router service start all` starts one, which takes them over as they are"]))
            }
        }
        let configured = stack.serviceNames
        let known = Set(found.map(\.name))
        for name in configured where !known.contains(name) {
            found.append(ServiceStatus(name: name, phase: .stopped, wanted: .stopped))
        }
        let isConfigured = Set(configured)
        let shown = found.filter { isConfigured.contains($0.name) || $0.pid != nil || $0.wanted == .running }
        return StackView(
            stack: stack, services: shown.sorted { $0.name < $1.name }, supervisor: supervisor, remarks: remarks)
    }

    /// What the supervisor says; nil when none runs, or when it dies at this very moment.
    private static func answer(_ stack: Stack, detail: StatusDetail) throws(ControlError) -> SupervisorStatus? {
        guard var client = try ControlClient.connect(stack.layout) else { return nil }
        do {
            return try client.status(detail: detail)
        } catch .closed {
            return nil
        }
    }

    /// What a reload would do; nothing without a supervisor.
    private static func plan(_ stack: Stack, _ specs: [ServiceSpec]) throws(ControlError) -> [PlannedChange] {
        guard var client = try ControlClient.connect(stack.layout) else { return [] }
        return try client.apply(specs, dryRun: true, timeout: .seconds(5)).plan
    }

    /// The facts in the form that `console` shows; the others are left out, since a stack may be large.
    func report(for console: Console) -> Report {
        var profile = "unknown"
        var updatedAt = "unknown"
        if case .known(let name, let time) = stack.currentProfile { (profile, updatedAt) = (name, time) }
        if console.format == .text, console.outputIsTerminal {
            return Report(lines: [], json: [:], table: table(footer: ["", "profile \(profile), set \(updatedAt)"]))
        }
        let issues = FileChecks.permissionIssues(of: stack.secretFiles).count
        guard console.format == .json else {
            var lines = ["current_profile=\(profile)", "updated_at=\(updatedAt)"]
            lines += services.map { "\($0.name)_running=\($0.pid == nil ? "no" : "yes")" }
            lines.append("secret_permission_issues=\(issues)")
            return Report(lines: lines, json: [:])
        }
        var json: JSONObject = [
            "current_profile": .string(profile), "updated_at": .string(updatedAt),
            "services": .array(services.map(\.report)),
            "secret_permission_issues": .integer(issues), "supervisor_pid": JSONValue(supervisor.map { Int($0.pid) }),
        ]
        if let endpoint = stack.endpoint { json["endpoint"] = .string(endpoint) }
        return Report(lines: [], json: json)
    }

    private func table(footer: [String]) -> Table {
        let rows = services.map(Self.row)
        let header = ["SERVICE", "STATE", "PID", "UPTIME", "RESTARTS", "LAST EXIT", "RSS", "CPU", "FDS", "PORTS"]
        let details = services.compactMap { service in service.detail.map { "\(service.name): \($0)" } }
        let changed = services.filter(\.isSpecChanged).map {
            "\($0.name): its configuration changed since it started; see `llm-router supervisor reload --dry-run`"
        }
        return Table(header: header, rows: rows, footer: details + changed + footer)
    }

    private static func row(_ service: ServiceStatus) -> [String] {
        let usage = service.resources
        let ports = service.listeningPorts.map { $0.map(String.init).joined(separator: ",") }
        var cells = [service.name, words(service), service.pid.map(String.init) ?? "-"]
        cells += [service.uptime.map(short) ?? "-", String(service.restarts), service.lastExit?.words ?? "-"]
        cells.append(usage.map { "\($0.residentBytes >> 20) MiB" } ?? "-")
        cells.append(usage.map { "\(Int($0.processorPercent.rounded())) %" } ?? "-")
        return cells + [usage.map { String($0.descriptors) } ?? "-", ports ?? "-"]
    }

    private static func words(_ service: ServiceStatus) -> String {
        guard service.phase == .running else { return service.phase.rawValue }
        return service.isReady == false ? "not ready" : service.isReady == true ? "ready" : "running"
    }

    /// `3d4h`, `2h5m`, `7m9s`, `12s`.
    static func short(_ duration: Duration) -> String {
        let seconds = Int(duration.wholeNanoseconds / 1_000_000_000)
        switch seconds {
        case 86_400...: return "\(seconds / 86_400)d\(seconds % 86_400 / 3600)h"
        case 3600...: return "\(seconds / 3600)h\(seconds % 3600 / 60)m"
        case 60...: return "\(seconds / 60)m\(seconds % 60)s"
        default: return "\(max(0, seconds))s"
        }
    }
}

extension Stack {
    /// Files whose modes are watched: those of the configuration and those that the stack makes itself.
    var secretFiles: [String] {
        let names = (try? FileSystem.list(paths.authsDirectory)) ?? []
        let credentials = names.filter { $0.hasSuffix(".json") }.map { paths.authsDirectory + "/" + $0 }
        let folder = paths.isPrivateDirectoryOurs ? [paths.privateDirectory] : []
        let own = folder + [paths.secretsFile, paths.activeConfig] + credentials
        let listed = configuration.secretFiles
        return listed + own.filter { !listed.contains($0) && FileSystem.exists($0) }
    }

    /// Where clients point to: the gateway, else LiteLLM, else the first service with a port.
    var endpoint: String? {
        let services = configuration.services.filter { $0.value.port != nil }
        let front =
            services.first { $0.name == "gateway" } ?? services.first { $0.name == "litellm" } ?? services.first
        guard let front, let port = front.value.port else { return nil }
        let host = front.value.host ?? "127.0.0.1"
        let reachable = ["0.0.0.0", "::", ""].contains(host) ? "127.0.0.1" : host
        return "http://\(reachable.contains(":") ? "[\(reachable)]" : reachable):\(port)/v1"
    }
}
