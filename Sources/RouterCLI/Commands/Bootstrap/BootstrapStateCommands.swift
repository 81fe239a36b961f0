// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import FetchProtocol
internal import JSONSyntax
internal import RouterConfig
internal import RouterEvents

/// `llm-router bootstrap list`
package struct BootstrapListCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show what is installed, and what rollback would go back to.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let list = try FetchRunner(context).run(ListArtifactsRequest(runtimeDirectory: stack.paths.runtimeDirectory))
        let rows = list.artifacts.map { artifact in
            [
                artifact.name, artifact.version, artifact.isCurrent ? "current" : "kept", artifact.installedAt,
                artifact.path,
            ]
        }
        context.console.show(
            Report(
                lines: list.artifacts.map { artifact in
                    "\(artifact.name) version=\(artifact.version) current=\(artifact.isCurrent ? "yes" : "no")"
                        + " installed_at=\(artifact.installedAt) sha256=\(artifact.sha256 ?? "n/a") path=\(artifact.path)"
                },
                json: ["artifacts": .array(list.artifacts.map(\.json))],
                table: Table(header: ["NAME", "VERSION", "STATE", "INSTALLED", "PATH"], rows: rows)))
        return .success
    }
}

/// `llm-router bootstrap verify`
package struct BootstrapVerifyCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare what is installed with what was installed.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let answer = try FetchRunner(context).run(
            VerifyArtifactsRequest(runtimeDirectory: stack.paths.runtimeDirectory))
        for item in answer.items {
            if let problem = item.problem { context.console.report(problem) }
        }
        context.console.show(
            Report(
                lines: answer.items.map {
                    "\($0.name) version=\($0.version) verified=\($0.problem == nil ? "yes" : "no")"
                },
                json: ["items": answer.json["items"] ?? .array([])]))
        return answer.items.contains { $0.problem != nil } ? .failure : .success
    }
}

/// `llm-router bootstrap rollback`
package struct BootstrapRollbackCommand: RouterCommand {
    package static let changesStack = true
    package static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Go back to the version before the current one.",
        discussion: "A running service keeps the program it has until it is restarted.")

    @OptionGroup package var global: GlobalOptions
    @Argument(help: "cliproxyapi_plus or litellm.") package var name: String

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let result = try FetchRunner(context).run(
            RollbackRequest(runtimeDirectory: stack.paths.runtimeDirectory, artifact: name))
        stack.record(.bootstrapRollback, service: result.name, result: .success, detail: result.version)
        context.console.show(
            Report(
                lines: ["\(result.name)=\(result.path)", "version=\(result.version)"], json: ["artifact": result.json]))
        return .success
    }
}
