// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import RouterConfig
internal import RouterControl
internal import RouterEvents
internal import RouterServices

/// `llm-router service`
package struct ServiceGroup: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Start, stop and restart services.",
        subcommands: [ServiceStartCommand.self, ServiceStopCommand.self, ServiceRestartCommand.self])

    package init() {}
}

/// Which services, and how long to wait for them.
package struct ServiceOptions: ParsableArguments {
    @Argument(help: "Service, or all.") package var name = "all"

    @Flag(help: "Wait until the services are ready.") package var wait = false

    @Option(help: ArgumentHelp("Give up after this long.", valueName: "seconds")) package var timeout: Double?

    package init() {}

    package func validate() throws {
        if let timeout, !(timeout > 0 && timeout <= 86_400) {
            throw ValidationError("--timeout takes seconds between 0 and 86400")
        }
    }

    var limit: Duration? { timeout.map { .milliseconds(Int64($0 * 1000)) } }
}

/// `llm-router service start`
package struct ServiceStartCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start services, and what they depend on.")

    @OptionGroup package var global: GlobalOptions
    @OptionGroup package var options: ServiceOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try Self.start(options.name, wait: options.wait, timeout: options.limit, in: context)
    }

    static func start(
        _ name: String, wait: Bool = false, timeout: Duration? = nil, in context: AppContext
    ) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let operations = ServiceOperations(stack)
        return operations.show(
            try operations.start(
                stack.services(named: name), wait: wait,
                timeout: timeout ?? stack.configuration.supervisor.startTimeout))
    }
}

/// `llm-router service restart`
package struct ServiceRestartCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stop services and start them with the configuration as it is now.")

    @OptionGroup package var global: GlobalOptions
    @OptionGroup package var options: ServiceOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try Self.restart(options.name, wait: options.wait, timeout: options.limit, in: context)
    }

    static func restart(
        _ name: String, wait: Bool = false, timeout: Duration? = nil, in context: AppContext
    ) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let operations = ServiceOperations(stack)
        return operations.show(
            try operations.restart(
                stack.services(named: name), wait: wait,
                timeout: timeout ?? stack.configuration.supervisor.startTimeout))
    }
}

/// `llm-router service stop`
package struct ServiceStopCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop services, and what depends on them.")

    @OptionGroup package var global: GlobalOptions
    @OptionGroup package var options: ServiceOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try Self.stop(options.name, timeout: options.limit, in: context)
    }

    static func stop(_ name: String, timeout: Duration? = nil, in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let operations = ServiceOperations(stack)
        return operations.show(
            try operations.stop(
                stack.stoppableServices(named: name),
                timeout: timeout ?? stack.configuration.supervisor.startTimeout))
    }
}
