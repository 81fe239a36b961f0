// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import FetchProtocol
internal import GatewayConfig
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
