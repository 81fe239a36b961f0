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
    @Flag(help: "Overwrite existing files. Generated keys are kept.") package var force = false

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let root = dir.map(context.resolve) ?? context.workingDirectory
        let secretsPath = root + "/.router/secrets.env"
        let existing = (try? EnvironmentFile.read(secretsPath)) ?? []
        let keys = GeneratedKeys(
            ConfigTemplates.secrets(engine: engine),
            keeping: Dictionary(existing.map { ($0.name, $0.value) }) { _, last in last })
        let files = ConfigTemplates.files(engine: engine, keys: keys) + companions
        // The secrets file may hold keys of the operator's own: only what is missing is added to it.
        let addsSecrets = FileSystem.exists(secretsPath)
        let replaced = files.filter { !(addsSecrets && root + "/" + $0.path == secretsPath) }
        try refuseToOverwrite(replaced, in: root)

        try PrivateDirectory.create(root + "/.router")
        try PrivateDirectory.claim(root + "/.router/runtime")
        if addsSecrets {
            for name in keys.names {
                _ = try SecretsFile.addIfMissing(name, to: secretsPath) { keys[name]?.reveal() ?? "" }
            }
        }
        var written: [String] = []
        for file in replaced {
            let path = root + "/" + file.path
            try create(folder: PathName.parent(of: path))
            try AtomicFile.write(Array(file.text.reveal().utf8), to: path, mode: file.mode)
            written.append(path)
        }
        context.console.show(
            Report(
                lines: written.map { "wrote=\($0)" } + ["next=llm-router up"],
                json: ["engine": .string(engine.rawValue), "written": .array(written.map(JSONValue.string))]))
        return .success
    }

    private func refuseToOverwrite(_ files: [ConfigTemplates.File], in root: String) throws {
        let present = files.filter { isInTheWay($0, at: root + "/" + $0.path) }.map { root + "/" + $0.path }
        guard !present.isEmpty, !force else { return }
        throw Diagnostic(
            "usage/exists", "`\(present[0])` is already there, and nothing was written",
            notes: present.dropFirst().map { "also there: `\($0)`" },
            hints: ["keep it and run `llm-router up`", "or write it anew: llm-router init --force"])
    }

    /// A configuration always is; what is the same for every stack, only when somebody changed it.
    private func isInTheWay(_ file: ConfigTemplates.File, at path: String) -> Bool {
        guard FileSystem.exists(path) else { return false }
        let isConfiguration = file.path.hasPrefix("config/") && file.mode == 0o600
        let text = Array(file.text.reveal().utf8)
        return isConfiguration || (try? FileSystem.read(path, limit: text.count)) != text
    }

    /// The ignore file that keeps everything generated out of git, and the schema that editors complete from.
    private var companions: [ConfigTemplates.File] {
        [
            ConfigTemplates.File(
                path: ".router/.gitignore", text: Secret(ConfigTemplates.routerGitignore), mode: 0o600),
            ConfigTemplates.File(
                path: "config/schema/routertool.schema.json", text: Secret(ConfigSchema.text()), mode: 0o644),
        ]
    }

    /// Folders that hold no secrets are made with the usual mode.
    private func create(folder: String) throws {
        guard try FileSystem.status(folder) == nil else { return }
        try PrivateDirectory.create(folder)
        if !folder.contains("/.router") { try FileSystem.setMode(folder, 0o755) }
    }
}
