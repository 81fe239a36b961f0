// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import LLMRouting
package import LiteLLMConfig
internal import Synchronization
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The life of a gateway process: start, reload on SIGHUP, end on SIGTERM or SIGINT.
package struct GatewayProcess: Sendable {
    package struct Options: Sendable {
        package var config: String
        package var host: String?
        package var port: Int?
        package var server = ServerOptions()
        /// What to start for a successor: the executable and its arguments.
        package var executable = "/proc/self/exe"
        package var arguments: [String] = []
        package var environment: [String] = []

        package init(config: String) {
            self.config = config
        }
    }

    private let options: Options
    private let reader: SettingsReader

    package init(_ options: Options, environment: @escaping EnvironmentLookup) {
        self.options = options
        self.reader = SettingsReader(environment: environment)
    }

    /// Serves until a signal ends it; returns the exit status.
    package func run() -> Int32 {
        let signals = ProcessSignals()
        let server: GatewayServer
        let drainTimeout: Duration
        do {
            _ = ResourceLimits.raiseOpenFiles()
            let settings = try readSettings(isFirst: true)
            var serverOptions = options.server
            serverOptions.host = options.host ?? settings.host ?? serverOptions.host
            serverOptions.port = options.port ?? settings.port ?? serverOptions.port
            drainTimeout = .nanoseconds(settings.limits.drainTimeout)
            server = try GatewayServer(settings, options: serverOptions)
            ProcessWords.say(
                "listening on http://\(serverOptions.host):\(server.port) with \(settings.policy.deployments.count) deployments"
            )
        } catch {
            ProcessWords.report(error)
            return 2
        }
        if let problem = server.operatorProblem { ProcessWords.report(problem) }
        server.onReload { [weak server] in if let server { try apply(to: server) } }
        // Closed when this process accepts no more, which its successor waits for.
        var gate: OwnedDescriptor?
        while true {
            switch signals.next() {
            case .reload: reload(server)
            case .replace: gate = startSuccessor(of: server)
            case .end:
                ProcessWords.say("draining")
                let isDone = server.drain(within: drainTimeout) { _ = gate.take() }
                ProcessWords.say(isDone ? "stopped" : "stopped; some requests did not finish in time")
                return 0
            }
        }
    }

    /// A connection that is accepted must also be able to call somebody: both take a descriptor.
    private func readSettings(isFirst: Bool = false) throws -> GatewaySettings {
        var settings = try reader.read(options.config)
        ProcessWords.report(settings.findings)
        let bound = GatewayLimits.connections(withOpenFiles: ResourceLimits.openFileCount)
        if settings.limits.connections > bound {
            settings.limits.connections = bound
            if isFirst {
                ProcessWords.say(
                    "at most \(bound) connections: the system allows \(ResourceLimits.openFileCount) open files")
            }
        }
        return settings
    }

    private func reload(_ server: GatewayServer) {
        do {
            try apply(to: server)
        } catch {
            ProcessWords.report(error)
            ProcessWords.say("the configuration stays as it was")
        }
    }

    private func apply(to server: GatewayServer) throws {
        let settings = try readSettings()
        try server.reload(settings)
        ProcessWords.say("reloaded \(options.config), generation \(server.generation)")
    }

    /// Starts the executable anew on the same socket. When the new one is ready it ends this one.
    private func startSuccessor(of server: GatewayServer) -> OwnedDescriptor? {
        var spec = ProcessSpec(
            executable: options.executable, arguments: Succession.arguments(options.arguments, socket: 3),
            environment: options.environment)
        spec.newSession = false
        do {
            var gate = try DescriptorPair.pipe()
            let input = gate.takeReadEnd()
            let started = try ChildProcess.spawn(
                spec, input: input.rawValue, output: 1, error: 2, extraDescriptor: server.listeningDescriptor)
            ProcessWords.say("started the successor \(started.pid)")
            return gate.takeWriteEnd()
        } catch {
            ProcessWords.report(error)
            ProcessWords.say("no successor; this process goes on")
            return nil
        }
    }
}
