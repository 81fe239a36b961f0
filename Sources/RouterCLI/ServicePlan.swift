// SPDX-License-Identifier: MIT

package import Diagnostics
package import RouterConfig
package import RouterServices
internal import SystemIO

/// The services that a config describes, ready to run: the only place where configuration becomes `ServiceSpec`s.
package struct ServicePlan: Sendable {
    /// In written order.
    package private(set) var services: [ServiceSpec] = []
    /// What may run besides: the slots behind fronts that requests do not go to.
    package private(set) var standby: [ServiceSpec] = []
    /// Unreadable environment files and what else keeps the plan from being true; reading commands may go on.
    package private(set) var problems = DiagnosticList()

    private let configuration: Configuration
    private let surroundings: Surroundings

    /// What surrounds the caller.
    package struct Surroundings: Sendable {
        package var environment: [String: String]
        package var workingDirectory: String
        /// The running command, which is what a bare `llm-router` in a service's command means.
        package var executablePath: String

        package init(environment: [String: String], workingDirectory: String, executablePath: String) {
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.executablePath = executablePath
        }
    }

    /// Looks up programs, environment files and variables; the config itself is valid already.
    ///
    /// - Parameter wanted: the services of the config to plan; nil for all of them.
    package init(_ configuration: Configuration, in surroundings: Surroundings, only wanted: Set<String>? = nil) {
        self.configuration = configuration
        self.surroundings = surroundings
        let secrets = stackSecrets()
        let gateway = PathName.parent(of: surroundings.executablePath) + "/llm-router-gateway"
        for service in configuration.services where wanted?.contains(service.name) ?? true {
            guard let front = ServiceFront(service, runtimeDirectory: configuration.paths.runtimeDirectory) else {
                services.append(spec(of: service, secrets: secrets))
                continue
            }
            services.append(spec(of: front.holder(gateway: gateway), secrets: secrets))
            services.append(spec(of: front.running(front.active), from: service.name, secrets: secrets))
            standby.append(spec(of: front.running(front.active.other), from: service.name, secrets: secrets))
        }
    }

    /// The service that reads the rendered profile; the first of several.
    package var profileReader: ServiceSpec? { services.first { readsProfile($0.command) } }

    /// The services, where every file could be read.
    package func checked() throws(DiagnosticList) -> [ServiceSpec] {
        if problems.hasErrors { throw problems }
        return services
    }

    /// The generated keys of the stack; none before `init` or the first start.
    private mutating func stackSecrets() -> ServiceEnvironment.Variables {
        let file = configuration.paths.secretsFile
        return FileSystem.exists(file) ? variables(in: file, namedBy: nil) : []
    }

    private mutating func variables(in file: String, namedBy key: String?) -> ServiceEnvironment.Variables {
        do {
            return try EnvironmentFile.read(file)
        } catch {
            for problem in error.diagnostics {
                problems.append(key.map { problem.adding(note: "`\($0)` names this file") } ?? problem)
            }
            return []
        }
    }

    /// CLIProxyAPI also reads `.env` where it runs; what there would change its very mode is kept from it, and said.
    private mutating func strayVariables(in directory: String, of service: String) -> [String] {
        let path = directory + "/.env"
        guard let bytes = try? FileSystem.read(path, limit: EnvironmentFile.sizeLimit) else { return [] }
        let names = CLIProxyEnvironment.strayNames(inDotEnv: String(decoding: bytes, as: UTF8.self))
        if !names.isEmpty {
            problems.append(
                Diagnostic(
                    "config/stray-env-file",
                    "`\(path)` sets \(names.joined(separator: ", ")), which would change what \(service) is",
                    severity: .warning,
                    hints: ["it is started without; move the file, or set the variables in services.\(service).env"]))
        }
        return names
    }

    /// - Parameter origin: what the configuration calls the service, where that is not the name that it runs by.
    private mutating func spec(
        of service: Named<ServiceSection>, from origin: String? = nil, secrets: ServiceEnvironment.Variables
    ) -> ServiceSpec {
        let section = service.value
        let origin = origin ?? service.name
        let file = section.environmentFile.map { variables(in: $0, namedBy: "services.\(origin).env_file") }
        let directory = section.command.directory ?? surroundings.workingDirectory
        let kind = ServiceKind(name: service.name, program: section.command.arguments[0])
        let environment = ServiceEnvironment(
            kind: kind, inherited: surroundings.environment, secrets: secrets, file: file ?? [],
            own: section.environment.map { ($0.name, $0.value) },
            blanked: kind == .cliproxy ? strayVariables(in: directory, of: origin) : [],
            stopTimeout: section.stop.timeout)
        let programs = ProgramSearch(
            searchPath: environment["PATH"], directory: directory, ownExecutable: surroundings.executablePath)
        let limits = section.log ?? configuration.supervisor.log
        var log = LogPolicy(path: "\(configuration.paths.processLogsDirectory)/\(service.name).log")
        log.maximumBytes = limits.maximumBytes
        log.keptFiles = limits.keptFiles

        let command = ServiceCommand(
            executable: programs.path(of: section.command.arguments[0]), arguments: section.command.arguments,
            directory: directory, environment: environment.configured, inheritedEnvironment: environment.inherited)
        var spec = ServiceSpec(name: service.name, command: command, log: log)
        spec.origin = origin
        let probes = ProbePlan(name: service.name, service: section, environment: environment, programs: programs)
        spec.listen = section.port.map { ListenAddress(host: section.host ?? "127.0.0.1", port: $0) }
        spec.dependencies = section.dependencies.map { ServiceDependency(service: $0.name, condition: $0.value) }
        spec.restart = section.restart
        spec.stop = section.stop
        spec.readiness = probes.readiness
        spec.liveness = probes.liveness
        spec.onProfileSwitch = section.onProfileSwitch ?? defaultSwitchAction(service, command)
        spec.isEssential = section.isEssential
        return spec
    }

    /// Only a service that reads the rendered profile has anything to do when it changes.
    private func defaultSwitchAction(_ service: Named<ServiceSection>, _ command: ServiceCommand) -> ProfileSwitchAction
    {
        guard readsProfile(command) else { return .none }
        let isGateway = command.executable == surroundings.executablePath && command.arguments.contains("gateway")
        return isGateway ? .reload : .restart
    }

    private func readsProfile(_ command: ServiceCommand) -> Bool {
        command.arguments.dropFirst().contains { argument in
            let path = argument.split(separator: "=", maxSplits: 1).last.map(String.init) ?? argument
            return PathName.resolve(path, against: command.directory) == configuration.paths.activeConfig
        }
    }
}

/// What a service is known as, where that changes its surroundings.
enum ServiceKind: Equatable {
    case litellm, cliproxy, other

    init(_ spec: ServiceSpec) {
        self.init(name: spec.name, program: spec.command.executable)
    }

    init(name: String, program: String) {
        let file = PathName.last(of: program).lowercased()
        if name == "litellm" || file == "litellm" {
            self = .litellm
        } else if name == "cliproxyapi_plus" || file.hasPrefix("cliproxyapi") || file.hasPrefix("cli-proxy-api") {
            self = .cliproxy
        } else {
            self = .other
        }
    }
}

/// Finds programs as a service's own shell would.
struct ProgramSearch {
    let searchPath: String?
    let directory: String
    let ownExecutable: String

    /// With a slash below the folder, `llm-router` is this command, else through PATH; as it is when found nowhere.
    func path(of program: String) -> String {
        if program.contains("/") { return PathName.resolve(program, against: directory) }
        if program == "llm-router" { return ownExecutable }
        for folder in (searchPath ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
            let candidate = PathName.resolve(folder + "/" + program, against: directory)
            if FileSystem.isExecutable(candidate) { return candidate }
        }
        return program
    }
}
