// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import RouterConfig
internal import RouterControl
internal import RouterDoctor
internal import RouterServices
internal import RouterSupervisor
internal import SystemIO

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
        checks += credentials()
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
        if let remark = plan.problems.sorted.first {
            return Check("config", .warn, facts + [("reason", remark.message)], suggestion: remark.hints.first)
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
        let lookup = stack.variableLookup()
        let references = VariableReference.all(in: stack.configuration)
        let missing = Set(references.filter { lookup($0) == nil }.map(\.name))
        return MachineChecks.environment(referenced: Set(references.map(\.name)).sorted()) { !missing.contains($0) }
    }

    /// Each credential of the server that keeps them, as `auth status` sees it; nothing for a stack without one.
    private func credentials() -> [Check] {
        let server = CredentialServer(stack: stack, provider: "codex")
        guard server.service != nil else { return [] }
        do {
            let answer = try server.credentials()
            let ofServer = answer.problems.map { problem in
                Check(
                    "credentials", problem.severity == .error ? .fail : .warn, [("reason", problem.message)],
                    suggestion: problem.hints.first)
            }
            if answer.credentials.isEmpty {
                let facts = [("credentials", "0")]
                return ofServer + [Check("credentials", .warn, facts, suggestion: "llm-router auth codex login")]
            }
            return ofServer + answer.credentials.map(check)
        } catch {
            let words = (error as? any DiagnosticConvertible)?.diagnostic.message ?? "unreadable"
            return [Check("credentials", .fail, [("reason", words)], suggestion: "llm-router auth status")]
        }
    }

    private func check(_ credential: AuthStatusAnswer.Credential) -> Check {
        var facts = [
            ("name", credential.name), ("provider", credential.provider ?? "unknown"),
            ("expires", credential.expires ?? "unknown"), ("server", credential.serverStatus ?? "not-asked"),
        ]
        guard let problem = credential.problems.first(where: { $0.severity == .error }) ?? credential.problems.first
        else { return Check("credentials", .pass, facts) }
        facts.append(("reason", problem.message))
        return Check(
            "credentials", credential.needsOperator ? .fail : .warn, facts, suggestion: problem.hints.first)
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
