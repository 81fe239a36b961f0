// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import RouterConfig
internal import RouterDoctor
internal import RouterEvents

/// `llm-router auth`
package struct AuthCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "auth", abstract: "Credentials: log in, import, look at them.",
        subcommands: [CodexCommand.self, CopilotCommand.self, AuthStatusCommand.self])

    package init() {}
}

/// `llm-router auth codex`
package struct CodexCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "codex", abstract: "OpenAI Codex.",
        subcommands: [CodexLoginCommand.self, CodexImportCommand.self])

    package init() {}
}

/// `llm-router auth copilot`
package struct CopilotCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "copilot", abstract: "GitHub Copilot.", subcommands: [CopilotLoginCommand.self])

    package init() {}
}

/// How long a login may take and how it is done.
package struct LoginOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Give up after this long.", valueName: "seconds")) package var timeout: Double?
    @Option(help: ArgumentHelp("Time between two questions for the status.", valueName: "seconds"))
    package var pollInterval: Double?
    @Flag(help: "Print the address instead of opening a browser.") package var noBrowser = false

    package init() {}

    package func validate() throws {
        for (name, value) in [("--timeout", timeout), ("--poll-interval", pollInterval)] {
            if let value, !(value > 0 && value <= 86_400) {
                throw ValidationError("\(name) takes seconds between 0 and 86400")
            }
        }
    }
}

/// `llm-router auth codex login`
package struct CodexLoginCommand: RouterCommand {
    package static let changesStack = true
    package static let endsOnInterruption = true
    package static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Log in to Codex through the running CLIProxyAPI.")

    @OptionGroup package var global: GlobalOptions
    @OptionGroup package var options: LoginOptions
    @Flag(help: "Log in with a code on another device.") package var device = false

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try Login(stack: Stack.load(context), provider: "codex", options: options).run(
            method: device ? .device : .management)
    }
}

/// `llm-router auth copilot login`
package struct CopilotLoginCommand: RouterCommand {
    package static let changesStack = true
    package static let endsOnInterruption = true
    package static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Log in to GitHub Copilot with a code on GitHub's page.")

    @OptionGroup package var global: GlobalOptions
    @OptionGroup package var options: LoginOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        try Login(stack: Stack.load(context), provider: "copilot", options: options).run(method: .management)
    }
}

/// `llm-router auth codex import-headless`
package struct CodexImportCommand: RouterCommand {
    package static let changesStack = true
    package static let endsOnInterruption = true
    package static let configuration = CommandConfiguration(
        commandName: "import-headless", abstract: "Take over a login of the Codex CLI.",
        discussion: "The Codex CLI and CLIProxyAPI then share one refresh token; log in to only one of them for long.")

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("The Codex CLI's file.", valueName: "file")) package var source = "~/.codex/auth.json"
    @Option(help: ArgumentHelp("Where CLIProxyAPI looks; auths beside the runtime folder.", valueName: "folder"))
    package var destDir: String?

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        if source.hasPrefix("~"), context[.home] == nil {
            throw Diagnostic(
                "usage/no-home", "`HOME` is not set, so nobody knows where `\(source)` is",
                hints: ["give the whole path: `--source /home/NAME/.codex/auth.json`"])
        }
        let stack = try Stack.load(context)
        try stack.prepareFolders()
        let request = ImportLoginRequest(
            source: context.resolve(source), authDirectory: destDir.map(context.resolve) ?? stack.paths.authsDirectory)
        do {
            let answer = try FetchRunner(context).run(request)
            stack.record(.authImport, provider: "codex", result: .success, detail: answer.change)
            var json: JSONObject = ["saved_auth": .string(answer.path), "change": .string(answer.change)]
            json["account"] = JSONValue(answer.account)
            json["plan"] = JSONValue(answer.plan)
            json["expires"] = .string(answer.expires)
            context.console.show(Report(lines: ["saved_auth=\(answer.path)"], json: json))
            return .success
        } catch FetchProtocolError.interrupted {
            stack.record(.authImport, provider: "codex", result: .cancelled)
            throw FetchProtocolError.interrupted
        } catch let error as any DiagnosticConvertible {
            stack.record(.authImport, provider: "codex", result: .failed, detail: error.diagnostic.message)
            throw error
        }
    }
}

/// `llm-router auth status`
package struct AuthStatusCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show each credential; exit 1 when one needs the operator.")

    @OptionGroup package var global: GlobalOptions

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let answer = try CredentialServer(stack: Stack.load(context), provider: "codex").credentials()
        for problem in answer.problems + answer.credentials.flatMap(\.problems) { context.console.report(problem) }
        var json = answer.json.objectValue ?? [:]
        json["needs_operator"] = .bool(answer.needsOperator)
        context.console.show(Report(lines: answer.credentials.map(Self.line), json: json))
        return answer.needsOperator ? .failure : .success
    }

    private static func line(_ credential: AuthStatusAnswer.Credential) -> String {
        let problems = credential.problems.map(\.code)
        let fields = [
            ("credential", credential.name), ("provider", credential.provider), ("account", credential.account),
            ("plan", credential.plan), ("expires", credential.expires), ("last_refresh", credential.lastRefresh),
            ("mode", credential.mode), ("server", credential.serverStatus ?? "not-asked"),
            ("problems", problems.isEmpty ? "none" : problems.joined(separator: ",")),
        ]
        return fields.map { "\($0.0)=\(Check.quoted($0.1 ?? "unknown"))" }.joined(separator: " ")
    }
}
