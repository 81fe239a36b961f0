// SPDX-License-Identifier: MIT

package import Diagnostics
internal import RouterConfig
package import RouterControl
package import RouterServices
internal import RouterSupervisor
internal import SystemIO

extension Stack {
    /// Where the supervisor of this stack keeps its files.
    package var layout: RuntimeLayout { RuntimeLayout(runtimeDirectory: paths.runtimeDirectory) }

    /// The services, resolved for the surroundings of this command.
    package func plan(only wanted: Set<String>? = nil) -> ServicePlan {
        ServicePlan(
            configuration,
            in: ServicePlan.Surroundings(
                environment: context.environment, workingDirectory: context.workingDirectory,
                executablePath: context.executablePath),
            only: wanted)
    }

    /// The services for a command that starts or changes them: warnings are told, errors thrown together.
    package func checkedServices() throws(DiagnosticList) -> [ServiceSpec] { try checkedPlan().services }

    /// The same with what may run besides.
    package func checkedPlan(only wanted: Set<String>? = nil) throws(DiagnosticList) -> ServicePlan {
        let plan = plan(only: wanted)
        _ = try plan.checked()
        context.console.report(plan.problems)
        return plan
    }

    /// The variables that every service sees: the caller's, and over them those of `secrets.env`.
    package func planEnvironment() -> [String: String] {
        context.environment.merging(secrets().mapValues { $0.reveal() }) { _, secret in secret }
    }

    /// The variables that `service` sees, its `env_file` and `env` included; those of every service where there is none.
    func environment(of service: ServiceSpec?) -> [String: String] {
        guard let command = service?.command else { return planEnvironment() }
        let lines = command.inheritedEnvironment.reveal() + command.environment.reveal()
        let pairs = lines.compactMap { line in
            line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }
        return Dictionary(pairs) { _, last in last }
    }

    /// The variables of the service that reads the rendered profile.
    package func profileEnvironment() -> [String: String] { environment(of: plan().profileReader) }

    /// The front of a service; nil when it holds its port itself.
    func front(of service: String) -> ServiceFront? {
        configuration.services.first { $0.name == service }.flatMap(front)
    }

    private func front(of service: Named<ServiceSection>) -> ServiceFront? {
        ServiceFront(service, runtimeDirectory: paths.runtimeDirectory)
    }

    /// The fronts of all services that have one.
    var fronts: [ServiceFront] { configuration.services.compactMap(front) }

    /// Everything that the configuration wants to run, in written order; behind a front only the slot in use.
    package var serviceNames: [String] {
        configuration.services.flatMap { service in
            front(of: service).map { [service.name, $0.running($0.active).name] } ?? [service.name]
        }
    }

    /// The services that a stop of `name` means: those of the configuration and those that still run without being in it.
    package func stoppableServices(named name: String) throws -> [String] {
        let running = try StackView.read(self, detail: .outline).services.filter { $0.pid != nil }.map(\.name)
        if name == "all" {
            let configured = serviceNames
            let isConfigured = Set(configured)
            return configured + running.filter { !isConfigured.contains($0) }
        }
        return running.contains(name) && front(of: name) == nil ? [name] : try services(named: name)
    }

    /// The configured services that `names` mean, and all that these depend on; nil when that is every one.
    func needed(for names: [String]) -> Set<String>? {
        let sections = Dictionary(configuration.services.map { ($0.name, $0) }) { first, _ in first }
        let slots = fronts.flatMap { front in FrontSlot.allCases.map { (front.running($0).name, front.service) } }
        let owners = Dictionary(slots) { first, _ in first }
        var wanted: Set<String> = []
        var open = names.map { owners[$0] ?? $0 }
        while let name = open.popLast() {
            guard let section = sections[name], wanted.insert(name).inserted else { continue }
            open += section.value.dependencies.map(\.name)
        }
        return wanted.count == sections.count ? nil : wanted
    }

    /// The services that `name` means: one with what stands behind it, or all of them.
    package func services(named name: String) throws(Diagnostic) -> [String] {
        let known = configuration.services.map(\.name)
        if name == "all" { return serviceNames }
        if let front = front(of: name) { return [name, front.running(front.active).name] }
        if serviceNames.contains(name) { return [name] }
        let guess = Suggestion.closest(to: name, among: known + ["all"]).map { ["did you mean `\($0)`?"] } ?? []
        throw Diagnostic(
            "usage/unknown-service", "no service is called `\(name)`",
            hints: guess + ["services: \(known.sorted().joined(separator: ", "))"])
    }

    /// Talks to the supervisor, starting one first where none runs; it adopts what an earlier one left.
    ///
    /// Should the supervisor die in the middle, `body` runs again with the next one.
    package func withSupervisor<Answer>(_ body: (inout ControlClient) throws(ControlError) -> Answer) throws -> Answer {
        try prepareFolders()
        let spec = ProcessSpec(
            executable: context.executablePath,
            arguments: ["llm-router", "supervisor", "serve", "--runtime", paths.runtimeDirectory],
            environment: context.environment.map { "\($0.key)=\($0.value)" }.sorted(), directory: "/")
        return try SupervisorLauncher.withClient(layout, command: spec, timeout: .seconds(15), body)
    }
}
