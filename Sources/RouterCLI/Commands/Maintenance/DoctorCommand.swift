// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import LLMRouting
internal import RouterConfig
internal import RouterControl
internal import RouterDoctor
internal import RouterServices
internal import RouterSupervisor
internal import SystemIO
internal import YAMLSyntax

/// `llm-router doctor`
package struct DoctorCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check everything that the stack needs; each failure names the mend.")

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("Check this role configuration (llm.yaml) instead of the stack.", valueName: "file"))
    package var llmConfig: String?
    @Option(help: ArgumentHelp("With --llm-config: a role that must exist.", valueName: "name")) package var role:
        String?

    package init() {}

    package func validate() throws {
        if role != nil, llmConfig == nil { throw ValidationError("--role goes with --llm-config") }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        if let llmConfig { return checkRoles(llmConfig, context) }
        let stack: Stack
        do {
            stack = try Stack.load(context)
        } catch {
            context.console.report(error)
            let check = Check(
                "config", .fail, [("path", context.configPath), ("errors", String(error.diagnostics.count))],
                suggestion: FileSystem.exists(context.configPath) ? "$EDITOR \(context.configPath)" : "llm-router init")
            CheckReport(prefix: "doctor", checks: [check]).show(on: context.console)
            return .usage
        }
        let checks = DoctorChecks(stack: stack).all()
        let report = CheckReport(prefix: "doctor", checks: checks)
        report.show(on: context.console)
        return report.status
    }
}

extension DoctorCommand {
    private func checkRoles(_ file: String, _ context: AppContext) -> ExitStatus {
        let searchPath = context[.path] ?? "/usr/local/bin:/usr/bin:/bin"
        let doctor = RoleDoctor(
            environment: { context.environment[$0] },
            hasCommand: { ChildProcess.locate($0, searchPath: searchPath) != nil })
        let findings = RoleFile.check(path: context.resolve(file), name: file, role: role, with: doctor)
        let report = RoleDoctor.report(findings, path: file)
        context.console.show(
            Report(
                lines: report.output,
                json: [
                    "config": .string(file), "errors": .array(findings.errors.map(JSONValue.string)),
                    "warnings": .array(findings.warnings.map(JSONValue.string)),
                ]))
        for line in report.errorOutput { context.console.complain(line) }
        return report.exitStatus == 0 ? .success : .failure
    }
}

/// Checks as lines, as a table, as JSON.
struct CheckReport {
    let prefix: String
    let checks: [Check]

    var status: ExitStatus { checks.contains { $0.outcome == .fail } ? .failure : .success }

    func show(on console: Console) {
        console.show(
            Report(
                lines: checks.map { $0.line(prefix: prefix) },
                json: [
                    "checks": .array(checks.map(\.json)), "failed": .integer(checks.count { $0.outcome == .fail }),
                ]))
    }
}

/// Decides which checks apply to a stack.
struct DoctorChecks {
    let stack: Stack

    func all() -> [Check] {
        let plan = stack.plan()
        let view = try? StackView.read(stack, detail: [])
        var checks = [config(plan)]
        checks.append(FileChecks.runtimeDirectory(stack.paths.runtimeDirectory, userID: MachineChecks.userID))
        checks += plan.services.map { spec in
            MachineChecks.binary(
                service: spec.name, executable: spec.command.executable, downloads: stack.paths.binariesDirectory)
        }
        let (installed, failure) = verify()
        checks += checksums(installed, failure: failure)
        checks += FileChecks.secretPermissions(stack.secretFiles)
        checks.append(dependency(installed))
        checks += ports(plan.services, view: view)
        checks += environment()
        checks.append(FileChecks.diskSpace(at: stack.paths.runtimeDirectory))
        checks.append(MachineChecks.clock(stack.context.now()))
        checks += releaseSource()
        checks.append(supervisor(view))
        return checks
    }

    private func config(_ plan: ServicePlan) -> Check {
        let facts = [("path", stack.context.configPath), ("services", String(plan.services.count))]
        if let problem = plan.problems.sorted.first(where: { $0.severity == .error }) {
            return Check("config", .fail, facts + [("reason", problem.message)], suggestion: problem.hints.first)
        }
        return Check("config", .pass, facts)
    }

    /// Installed programs against the lock file, where anything was installed.
    private func checksums(_ installed: [ArtifactVerification.Item], failure: Diagnostic?) -> [Check] {
        if let failure {
            return [Check("checksums", .fail, [("reason", failure.message)], suggestion: "llm-router bootstrap verify")]
        }
        return installed.map { item in
            let facts = [("name", item.name), ("version", item.version)]
            guard let problem = item.problem else { return Check("checksums", .pass, facts) }
            return Check(
                "checksums", .fail, facts + [("reason", problem.message)],
                suggestion: "llm-router bootstrap download --only \(item.name) --force")
        }
    }

    private func verify() -> (items: [ArtifactVerification.Item], failure: Diagnostic?) {
        guard FileSystem.exists(stack.paths.bootstrapLockFile) else { return ([], nil) }
        do {
            let request = VerifyArtifactsRequest(runtimeDirectory: stack.paths.runtimeDirectory)
            return (try FetchRunner(stack.context).run(request).items, nil)
        } catch {
            let words = (error as? any DiagnosticConvertible)?.diagnostic
            return ([], words ?? Diagnostic("bootstrap/unreadable", "what is installed cannot be verified"))
        }
    }

    /// What the engine of the stack depends on: LiteLLM's Python environment, or the gateway beside this command.
    private func dependency(_ installed: [ArtifactVerification.Item]) -> Check {
        if stack.runsLiteLLM {
            let runner = stack.paths.binariesDirectory + "/" + InstallLiteLLMRequest.artifact
            let problem = installed.first { $0.name == InstallLiteLLMRequest.artifact }?.problem?.message
            let environment = stack.context.environment.map { "\($0.key)=\($0.value)" }
            return MachineChecks.liteLLM(runner: runner, problem: problem, environment: environment)
        }
        let gateway = stack.context.helper("llm-router-gateway")
        return FileSystem.isExecutable(gateway)
            ? Check("runtime_dependency", .pass, [("program", gateway)])
            : Check(
                "runtime_dependency", .fail, [("program", gateway), ("reason", "missing")],
                suggestion: "swift build -c release")
    }

    /// Ports of services that do not run must be free.
    private func ports(_ specs: [ServiceSpec], view: StackView?) -> [Check] {
        let running = Set((view?.services ?? []).filter { $0.pid != nil }.map(\.name))
        let wanted = specs.compactMap { spec in spec.listen.map { (spec.name, $0) } }
        let busy = wanted.compactMap { name, address -> Check? in
            let sockets = ListeningSockets.inodes(port: address.port)
            guard !running.contains(name), !sockets.isEmpty else { return nil }
            let owner = PortOwnership.owner(of: sockets) ?? "another user's process"
            return Check(
                "ports", .fail, [("service", name), ("port", String(address.port)), ("owner", owner)],
                suggestion: "ss -ltnp 'sport = :\(address.port)'")
        }
        return busy.isEmpty ? [Check("ports", .pass, [("checked", String(wanted.count))])] : busy
    }

    private func environment() -> [Check] {
        let variables = stack.planEnvironment()
        let names = EnvironmentReferences.names(in: stack.configuration)
        return MachineChecks.environment(referenced: names) { !(variables[$0] ?? "").isEmpty }
    }

    /// The default release source was deleted upstream; what is tried instead is said.
    private func releaseSource() -> [Check] {
        let bootstrap = Bootstrap(stack)
        guard bootstrap.neededArtifacts.contains(InstallBinaryRequest.defaultArtifact) else { return [] }
        let settings = stack.configuration.bootstrap.cliproxy
        let isDead = MachineChecks.deletedRepositories.contains(settings.repository)
        guard isDead, !bootstrap.missingArtifacts.isEmpty else {
            return [Check("release_source", .pass, [("repository", settings.repository)])]
        }
        return [
            Check(
                "release_source", .warn,
                [
                    ("repository", settings.repository), ("reason", "deleted-upstream"),
                    ("tried_next", settings.sources.joined(separator: ",")),
                ],
                suggestion: "llm-router bootstrap download")
        ]
    }

    private func supervisor(_ view: StackView?) -> Check {
        guard let view else { return Check("supervisor", .fail, [("reason", "unreadable")]) }
        if let status = view.supervisor {
            let facts = [("pid", String(status.pid))]
            guard let first = status.degraded.first else { return Check("supervisor", .pass, facts) }
            return Check("supervisor", .warn, facts + [("degraded", first)])
        }
        let orphans = view.services.filter { $0.pid != nil }
        guard orphans.isEmpty else {
            return Check(
                "supervisor", .warn, [("running", "no"), ("services", String(orphans.count))],
                suggestion: "llm-router service start all")
        }
        return Check("supervisor", .pass, [("running", "no"), ("services", "0")])
    }
}
