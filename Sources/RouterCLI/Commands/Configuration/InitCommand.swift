// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import JSONSyntax
package import RouterConfig
internal import SystemIO

extension ConfigTemplates.Engine: ExpressibleByArgument {}

/// `llm-router init`
package struct InitCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a runnable configuration and a private folder for what is generated.")

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("Project folder; the current one when omitted.", valueName: "folder"))
    package var dir: String?
    @Option(help: "Who serves requests: the embedded gateway, or LiteLLM with CLIProxyAPI.")
    package var engine: ConfigTemplates.Engine = .embedded
    @Flag(help: "Overwrite existing configuration files. Generated keys are kept.") package var force = false

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let root = dir.map(context.resolve) ?? context.workingDirectory
        let secretsPath = root + "/.router/secrets.env"
        let existing = (try? EnvironmentFile.read(secretsPath)) ?? []
        let keys = GeneratedKeys(
            ConfigTemplates.secrets(engine: engine),
            keeping: Dictionary(existing.map { ($0.name, $0.value) }) { _, last in last })
        let files = ConfigTemplates.files(engine: engine, keys: keys)
        let configs = files.filter { $0.path.hasPrefix("config/") && $0.mode == 0o600 }
        try refuseToOverwrite(configs.map { root + "/" + $0.path })

        try PrivateDirectory.create(root + "/.router")
        try PrivateDirectory.claim(root + "/.router/runtime")
        var written: [String] = []
        for file in files {
            let path = root + "/" + file.path
            // The secrets file may hold keys of the operator's own: only what is missing is added to it.
            if path == secretsPath, FileSystem.exists(path) {
                for name in keys.names {
                    _ = try SecretsFile.addIfMissing(name, to: path) { keys[name]?.reveal() ?? "" }
                }
                continue
            }
            try create(folder: PathName.parent(of: path))
            try AtomicFile.write(Array(file.text.reveal().utf8), to: path, mode: file.mode)
            written.append(path)
        }
        written += try writeCompanions(root)
        context.console.show(
            Report(
                lines: written.map { "wrote=\($0)" } + ["next=llm-router up"],
                json: ["engine": .string(engine.rawValue), "written": .array(written.map(JSONValue.string))]))
        return .success
    }

    private func refuseToOverwrite(_ paths: [String]) throws {
        let present = paths.filter(FileSystem.exists)
        guard !present.isEmpty, !force else { return }
        throw Diagnostic(
            "usage/exists", "`\(present[0])` is already there, and nothing was written",
            notes: present.dropFirst().map { "also there: `\($0)`" },
            hints: ["keep it and run `llm-router up`", "or write it anew: llm-router init --force"])
    }

    /// The ignore file that keeps everything generated out of git, and the schema that editors complete from.
    private func writeCompanions(_ root: String) throws -> [String] {
        let ignore = root + "/.router/.gitignore"
        try AtomicFile.write(Array(ConfigTemplates.routerGitignore.utf8), to: ignore, mode: 0o600)
        let schema = root + "/config/schema/routertool.schema.json"
        guard !FileSystem.exists(schema) else { return [ignore] }
        try create(folder: PathName.parent(of: schema))
        try AtomicFile.write(Array(ConfigSchema.text().utf8), to: schema, mode: 0o644)
        return [ignore, schema]
    }

    /// Folders that hold no secrets are made with the usual mode.
    private func create(folder: String) throws {
        guard try FileSystem.status(folder) == nil else { return }
        try PrivateDirectory.create(folder)
        if !folder.contains("/.router") { try FileSystem.setMode(folder, 0o755) }
    }
}
