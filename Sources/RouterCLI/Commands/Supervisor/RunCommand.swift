// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import RouterConfig
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import RouterSupervisor
internal import SystemIO

/// `llm-router run`
package struct RunCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Supervise in the foreground: for containers (as PID 1) and systemd.",
        discussion: """
            TERM and INT stop all services in order and end with 0; HUP applies a changed configuration. Ends with 1 \
            when a service marked `essential` is given up.
            """)

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        try stack.prepareFolders()
        let switching = ProfileSwitching(stack: stack)
        let isProfileNew = try switching.setCurrentOrFirst().isNew
        var configuration = SupervisorProcess.configuration(
            context, layout: stack.layout, mode: .foreground,
            eventBytes: stack.configuration.supervisor.events.maximumBytes)
        try ServiceOperations(stack).prepare(stack.fronts)
        configuration.plan = try stack.checkedServices()
        configuration.isProfileNew = isProfileNew
        configuration.profileIsApplied = switching.finish
        configuration.notifySocket = context[.notifySocket]
        configuration.watchdog = context[.watchdogMicroseconds].flatMap { Int64($0) }.map { .microseconds($0 / 2) }
        configuration.reload = { Self.reload(context) }
        return try SupervisorProcess.run(configuration, context)
    }

    /// The plan of the configuration as it is now; nil, with the reasons told, when it cannot be used.
    ///
    /// Called by the supervisor itself, which must not be asked anything meanwhile.
    private static func reload(_ context: AppContext) -> Supervisor.NewPlan? {
        var plan: Supervisor.NewPlan?
        _ = CommandLineTool.report(context.console) {
            let stack = try Stack.load(context)
            let specs = try stack.checkedServices()
            let isProfileNew = try ProfileSwitching(stack: stack).setCurrentOrFirst().isNew
            plan = Supervisor.NewPlan(specs: specs, isProfileNew: isProfileNew)
            return .success
        }
        return plan
    }
}

/// `llm-router supervisor serve`
package struct SupervisorServeCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "The supervisor that other commands start on demand.", shouldDisplay: false)

    @OptionGroup package var global: GlobalOptions
    @Option(help: "Runtime folder.") package var runtime: String

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try SupervisorProcess.run(
            SupervisorProcess.configuration(
                context, layout: .init(runtimeDirectory: runtime), mode: .onDemand(idleGrace: .seconds(3)),
                eventBytes: EventLog.defaultMaximumBytes),
            context)
    }
}

/// What the foreground supervisor and the one on demand have in common.
enum SupervisorProcess {
    static func configuration(
        _ context: AppContext, layout: RuntimeLayout, mode: Supervisor.Configuration.Mode, eventBytes: Int
    ) -> Supervisor.Configuration {
        var configuration = Supervisor.Configuration(
            layout: layout, mode: mode, events: EventLog(path: layout.eventsPath, maximumBytes: eventBytes))
        let fetch = context.helper("llm-router-fetch")
        let environment = context.environment.map { "\($0.key)=\($0.value)" }.sorted()
        if FileSystem.isExecutable(fetch) {
            configuration.compressor = ProcessSpec(
                executable: fetch, arguments: ["llm-router-fetch", "filter", "zstd"], environment: environment)
            configuration.compressedSuffix = ".zst"
            configuration.probeHelper = probeHelper(context)
        }
        configuration.handover = context.environment[Supervisor.handoverKey]
        return configuration
    }

    /// What asks other hosts and over TLS; nil where the helper is not installed.
    static func probeHelper(_ context: AppContext) -> ProcessSpec? {
        let fetch = context.helper("llm-router-fetch")
        guard FileSystem.isExecutable(fetch) else { return nil }
        let environment = context.environment.map { "\($0.key)=\($0.value)" }.sorted()
        return ProcessSpec(executable: fetch, arguments: ["llm-router-fetch"], environment: environment)
    }

    static func run(_ configuration: Supervisor.Configuration, _ context: AppContext) throws -> ExitStatus {
        switch try Supervisor.run(configuration) {
        case .alreadyServed where configuration.mode == .foreground:
            throw Diagnostic(
                "supervisor/already-served", "another supervisor serves this runtime folder",
                hints: ["end it and leave its services to this one: llm-router supervisor stop --leave-services"])
        case .idle, .stopped, .alreadyServed: return .success
        case .essentialServiceFatal(let name):
            context.console.report(
                Diagnostic(
                    "supervisor/essential-service-fatal", "the essential service `\(name)` was given up",
                    hints: ["read why: llm-router logs \(name) --tail 50"]))
            return .failure
        }
    }
}
