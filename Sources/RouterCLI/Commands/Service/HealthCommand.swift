// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
internal import RouterControl
internal import RouterServices
internal import RouterSupervisor

/// `llm-router health`
package struct HealthCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask every service whether it is live and ready; exit 1 when one is not.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus { try Self.show(in: context) }

    static func show(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let plan = stack.plan()
        context.console.report(plan.problems)
        let pids = try StackView.read(stack, detail: .outline).services.compactMap { service in
            service.pid.map { (service.name, $0) }
        }
        let helper = SupervisorProcess.probeHelper(context)
        let results = try HealthCheck.run(
            plan.services, running: Dictionary(pids) { first, _ in first }, helper: helper
        )
        .sorted { $0.service < $1.service }
        context.console.show(
            Report(lines: results.map(\.line), json: ["services": .array(results.map(\.report))]))
        for result in results {
            if let hint = hint(result) { context.console.report(hint) }
        }
        return results.allSatisfy { $0.isLive && $0.isReady } ? .success : .failure
    }

    /// What the word of an error leaves out.
    private static func hint(_ health: ServiceHealth) -> Diagnostic? {
        let reports = [health.readiness, health.liveness].compactMap { $0 }
        guard let name = reports.first(where: { $0.error == "missing-variable" })?.detail else { return nil }
        return Diagnostic(
            "health/missing-variable",
            "the probe of `\(health.service)` needs the variable `\(name)`, which is not set",
            severity: .warning, hints: ["export \(name)=…, or put it into the stack's secrets.env"])
    }
}
