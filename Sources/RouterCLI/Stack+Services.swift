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
    package func plan() -> ServicePlan {
        ServicePlan(
            configuration,
            in: ServicePlan.Surroundings(
                environment: context.environment, workingDirectory: context.workingDirectory,
                executablePath: context.executablePath))
    }

    /// The services for a command that starts or changes them: warnings are told, errors thrown together.
    package func checkedServices() throws(DiagnosticList) -> [ServiceSpec] {
        let plan = plan()
        let services = try plan.checked()
        context.console.report(plan.problems)
        return services
    }

    /// The variables that services will see: the caller's, and over them the stack's generated keys.
    package func planEnvironment() -> [String: String] {
        var variables = context.environment
        for (name, value) in secrets() where variables[name] == nil { variables[name] = value.reveal() }
        return variables
    }

    /// The services that `name` means: one, or all of them.
    package func services(named name: String) throws(Diagnostic) -> [String] {
        let known = configuration.services.map(\.name)
        if name == "all" { return known }
        if known.contains(name) { return [name] }
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
