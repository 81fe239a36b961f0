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
        /// The process that this one takes over from; it is ended when this one answers.
        package var replacesParent = false
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
        // Blocked before any thread exists, so that all inherit it and only sigwait sees them.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR2] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
        Self.raiseDescriptorLimit()
        let server: GatewayServer
        let drainTimeout: Duration
        do {
            let settings = try reader.read(options.config)
            report(settings.findings)
            var serverOptions = options.server
            serverOptions.host = options.host ?? settings.host ?? serverOptions.host
            serverOptions.port = options.port ?? settings.port ?? serverOptions.port
            drainTimeout = .nanoseconds(settings.limits.drainTimeout)
            server = try GatewayServer(settings, options: serverOptions)
            say(
                "listening on http://\(serverOptions.host):\(server.port) with \(settings.policy.deployments.count) deployments"
            )
        } catch {
            report(error)
            return 2
        }
        if options.replacesParent { kill(getppid(), SIGTERM) }
        while true {
            var number: Int32 = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            switch number {
            case SIGHUP: reload(server)
            case SIGUSR2: startSuccessor(of: server)
            default:
                say("draining")
                let isDone = server.drain(within: drainTimeout)
                say(isDone ? "stopped" : "stopped; some requests did not finish in time")
                return 0
            }
        }
    }

    private func reload(_ server: GatewayServer) {
        do {
            try apply(to: server)
        } catch {
            report(error)
            say("the configuration stays as it was")
        }
    }

    private func apply(to server: GatewayServer) throws {
        let settings = try reader.read(options.config)
        report(settings.findings)
        server.reload(settings)
        say("reloaded \(options.config), generation \(server.generation)")
    }

    /// Starts the executable anew on the same socket. Both accept until the new one answers and ends this one.
    private func startSuccessor(of server: GatewayServer) {
        let inherited = ["--inherit-socket", "3"]
        let isSuccessor = options.arguments.suffix(2).elementsEqual(inherited)
        let arguments = isSuccessor ? options.arguments : options.arguments + inherited
        var spec = ProcessSpec(executable: options.executable, arguments: arguments, environment: options.environment)
        spec.newSession = false
        do {
            let started = try ChildProcess.spawn(
                spec, input: 0, output: 1, error: 2, extraDescriptor: server.listeningDescriptor)
            say("started the successor \(started.pid)")
        } catch {
            report(error)
            say("no successor; this process goes on")
        }
    }

    private func report(_ error: any Error) {
        let renderer = DiagnosticRenderer(usesColor: false)
        switch error {
        case let list as DiagnosticList:
            Self.write(renderer.render(DiagnosticList(list.diagnostics.filter { $0.severity != .note })))
        case let error as any DiagnosticConvertible: Self.write(renderer.render(error.diagnostic))
        default: Self.write("error: \(error)\n")
        }
    }

    private func say(_ words: String) {
        Self.write("llm-router-gateway: \(words)\n")
    }

    private static func write(_ text: String) {
        try? OwnedDescriptor.writeAll(Array(text.utf8), to: 2)
    }

    /// Ten thousand streams need twenty thousand descriptors; the soft limit is often 1,024.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 1 << 18)
        setrlimit(resource, &limit)
    }
}
