// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterConfig
internal import RouterControl
internal import RouterEvents
internal import RouterProfiles
internal import RouterServices
internal import SystemIO

/// The two halves of a profile switch: the files, and the services that read them.
///
/// A marker file says that the second half is still to come, so that `up`, `run` and `supervisor reload` finish what was
/// killed or failed between the two.
struct ProfileSwitching {
    let stack: Stack

    /// The profile that is set where none is: the first of these that the configuration has, else its first.
    private static let preferred = ["balanced", "reliability"]

    private var pendingFile: String { stack.paths.runtimeDirectory + "/profile-switch.pending" }

    private var files: ProfileSwitch {
        ProfileSwitch(
            activeConfig: stack.paths.activeConfig, stateFile: stack.paths.stateFile,
            secretsFile: stack.paths.secretsFile)
    }

    // MARK: The files

    /// Renders and writes `name`; warnings are told, errors keep the files as they are.
    ///
    /// - Returns: whether running services may not have what the files say now.
    func set(_ name: String) throws -> Bool {
        let rendered = try stack.profiles.rendered(name)
        let problems = stack.lint(rendered)
        if problems.hasErrors {
            stack.record(.profileSwitch, profile: name, result: .failed, detail: "the profile has errors")
            throw problems
        }
        // Notes tell what the renderer puts right; they belong to `profile check`.
        stack.context.console.report(DiagnosticList(problems.diagnostics.filter { $0.severity != .note }))
        do {
            try stack.prepareFolders()
            let wasPending = FileSystem.exists(pendingFile)
            if !wasPending { try AtomicFile.write([], to: pendingFile, mode: 0o600) }
            let outcome = try files.perform(rendered, now: stack.context.now())
            stack.record(.profileSwitch, profile: name, result: .success)
            if !outcome.isChanged, !wasPending { try FileSystem.remove(pendingFile) }
            return outcome.isChanged || wasPending
        } catch {
            stack.record(.profileSwitch, profile: name, result: .failed, detail: error.diagnostic.message)
            throw error
        }
    }

    /// Renders the current profile anew, so that an edited configuration counts; sets one where none is set.
    func setCurrentOrFirst() throws -> (name: String, isNew: Bool) {
        let name = try currentOrFirst()
        return (name, try set(name))
    }

    /// Whether `setCurrentOrFirst` would give running services something new.
    func isNewProfileDue() throws -> Bool {
        let rendered = try stack.profiles.rendered(try currentOrFirst())
        return !files.holds(rendered) || FileSystem.exists(pendingFile)
    }

    private func currentOrFirst() throws -> String {
        let names = stack.profiles.names
        var name = Self.preferred.first(where: names.contains) ?? names.first
        if case .known(let current, _) = stack.currentProfile, names.contains(current) { name = current }
        guard let name else {
            throw Diagnostic(
                "config/no-profiles", "the configuration has no profile", hints: ["add one below `profiles`"])
        }
        return name
    }

    // MARK: The services

    func hasRunningServices() throws -> Bool {
        try StackView.read(stack, detail: .outline).services.contains { $0.pid != nil }
    }

    /// Restarts or reloads each running service as its `on_profile_switch` says, but for those that have just started.
    func applyToServices(except started: Set<String> = []) throws -> [ServiceOutcome] {
        // A supervisor that died is replaced: its services run on, and are concerned all the same.
        guard try hasRunningServices() else {
            finish()
            return []
        }
        let specs = try stack.checkedServices()
        let wanted = try stack.withSupervisor { client throws(ControlError) in
            try client.status(detail: .outline).services.filter { $0.wanted == .running && !started.contains($0.name) }
                .map(\.name)
        }
        let affected = { (action: ProfileSwitchAction) in
            specs.filter { $0.onProfileSwitch == action && wanted.contains($0.name) }.map(\.name)
        }
        let timeout = stack.configuration.supervisor.startTimeout
        let reloaded = affected(.reload)
        // A slot is restarted by the name of its front.
        let restarted = affected(.restart).map { name in
            stack.configuration.services.map(\.name).first { service in
                stack.front(of: service).map { $0.running($0.active).name == name } ?? false
            } ?? name
        }
        var outcomes: [ServiceOutcome] = []
        if !reloaded.isEmpty {
            outcomes += try stack.withSupervisor { client throws(ControlError) in
                try client.reload(reloaded, timeout: timeout)
            }
        }
        if !restarted.isEmpty {
            let all = try restarted.flatMap { try stack.services(named: $0) }
            outcomes += try ServiceOperations(stack).restart(all, wait: false, timeout: timeout)
        }
        if outcomes.allSatisfy(\.result.isSuccess) { finish() }
        return outcomes.filter { reloaded.contains($0.service) || restarted.contains($0.service) }
    }

    /// The services have what the files say.
    func finish() {
        try? FileSystem.remove(pendingFile)
    }
}
