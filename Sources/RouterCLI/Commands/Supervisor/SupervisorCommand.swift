// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterConfig
internal import RouterControl
internal import RouterServices
internal import SystemIO

/// `llm-router supervisor`
package struct SupervisorCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "supervisor", abstract: "The supervisor itself.",
        subcommands: [
            SupervisorStatusCommand.self, SupervisorReloadCommand.self, SupervisorUpgradeCommand.self,
            SupervisorStopCommand.self, SupervisorServeCommand.self,
        ])

    package init() {}
}

/// `llm-router supervisor status`
package struct SupervisorStatusCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether a supervisor runs, and what it could not do.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        guard var client = try ControlClient.connect(stack.layout) else {
            context.console.show(Report(lines: ["supervisor_running=no"], json: ["running": false]))
            return .failure
        }
        let status = try client.status()
        context.console.show(
            Report(
                lines: [
                    "supervisor_running=yes", "pid=\(status.pid)", "started_at=\(status.startedAt.iso8601)",
                    "mode=\(status.isForeground ? "foreground" : "on-demand")", "services=\(status.services.count)",
                ] + status.degraded.map { "degraded=\($0)" },
                json: [
                    "running": true, "pid": .integer(Int(status.pid)), "started_at": .string(status.startedAt.iso8601),
                    "foreground": .bool(status.isForeground), "services": .integer(status.services.count),
                    "degraded": .array(status.degraded.map(JSONValue.string)),
                ]))
        return status.degraded.isEmpty ? .success : .failure
    }
}

/// `llm-router supervisor reload`
package struct SupervisorReloadCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Apply the configuration as it is now: start, stop and restart only what it changes.")

    @OptionGroup package var global: GlobalOptions
    @Flag(help: "Only print the plan.") package var dryRun = false

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let switching = ProfileSwitching(stack: stack)
        if !dryRun { try ServiceOperations(stack).prepare(stack.fronts) }
        let specs = try stack.checkedServices()
        let isProfileNew = try dryRun ? switching.isNewProfileDue() : switching.setCurrentOrFirst().isNew
        let plan = try stack.withSupervisor { client throws(ControlError) in
            try client.apply(specs, dryRun: true, timeout: .seconds(30)).plan
        }
        let steps = plan.map { Step($0, switch: isProfileNew ? specs.first(named: $0.service)?.onProfileSwitch : nil) }
        let planLines = steps.map(\.line)
        let planJSON = steps.map(\.json)
        if dryRun {
            context.console.show(Report(lines: planLines, json: ["plan": .array(planJSON)]))
            return .success
        }
        var outcomes = try stack.withSupervisor { client throws(ControlError) in
            try client.apply(specs, dryRun: false, timeout: stack.configuration.supervisor.startTimeout).outcomes
        }
        if isProfileNew {
            let started = Set(plan.filter { $0.action != .keep }.map(\.service))
            outcomes += try switching.applyToServices(except: started)
        }
        for outcome in outcomes {
            if let diagnostic = outcome.diagnostic { context.console.report(diagnostic) }
        }
        context.console.show(
            Report(
                lines: planLines + outcomes.map(\.line),
                json: ["plan": .array(planJSON), "services": .array(outcomes.map(\.json))]))
        return outcomes.allSatisfy(\.result.isSuccess) ? .success : .failure
    }
}

/// One line of a reload's plan.
private struct Step {
    let service: String
    let action: String
    let reasons: [String]

    /// - Parameter profile: what a new profile does to the service, where there is one.
    init(_ change: PlannedChange, switch profile: ProfileSwitchAction?) {
        service = change.service
        let isKept = change.action == .keep
        switch profile {
        case .restart where isKept: (action, reasons) = ("restart", ["profile"])
        case .reload where isKept: (action, reasons) = ("reload", ["profile"])
        default: (action, reasons) = (change.action.rawValue, change.reasons)
        }
    }

    var line: String {
        "\(service):\(action)" + (reasons.isEmpty ? "" : " changed=\(reasons.joined(separator: ","))")
    }

    var json: JSONValue {
        [
            "service": .string(service), "action": .string(action),
            "changed": .array(reasons.map(JSONValue.string)),
        ]
    }
}

extension [ServiceSpec] {
    fileprivate func first(named name: String) -> ServiceSpec? { first { $0.name == name } }
}

/// `llm-router supervisor upgrade`
package struct SupervisorUpgradeCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "upgrade", abstract: "Replace the running supervisor by this version; no service restarts.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        guard var client = try ControlClient.connect(stack.layout) else {
            context.console.note("no supervisor runs; the next command starts this version")
            context.console.show(Report(lines: ["supervisor:not-running"], json: ["result": "not-running"]))
            return .success
        }
        let isForeground = try client.status().isForeground
        let arguments =
            isForeground
            ? ["llm-router", "--config", context.configPath, "run"]
            : ["llm-router", "supervisor", "serve", "--runtime", stack.paths.runtimeDirectory]
        let pid = try client.upgrade(
            ProcessSpec(
                executable: context.executablePath, arguments: arguments,
                environment: context.environment.map { "\($0.key)=\($0.value)" }.sorted()))
        context.console.show(
            Report(
                lines: ["supervisor:upgraded pid=\(pid)"], json: ["result": "upgraded", "pid": .integer(Int(pid))]))
        return .success
    }
}

/// `llm-router supervisor stop`
package struct SupervisorStopCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop all services and the supervisor.")

    @OptionGroup package var global: GlobalOptions
    @Flag(help: "Leave the services running; the next supervisor takes them over.") package var leaveServices = false

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let limit = stack.configuration.supervisor.startTimeout
        guard var client = try ControlClient.connect(stack.layout) else {
            context.console.show(Report(lines: ["supervisor:not-running"], json: ["result": "not-running"]))
            return .success
        }
        let pid = try client.stopSupervisor(leavingServices: leaveServices, timeout: limit)
        let identity = ProcessIdentity.of(pid: pid)
        let deadline = MonotonicTime.now() + limit
        while let identity, identity.isAlive {
            guard MonotonicTime.now() < deadline else {
                throw Diagnostic(
                    "supervisor/stop-timeout", "the supervisor (pid \(pid)) did not end within \(limit)",
                    hints: ["look at `llm-router status`"])
            }
            Pause.milliseconds(5)
        }
        context.console.show(Report(lines: ["supervisor:stopped"], json: ["result": "stopped"]))
        return .success
    }
}
