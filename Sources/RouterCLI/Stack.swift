// SPDX-License-Identifier: MIT

package import Diagnostics
package import RouterConfig
package import RouterEvents
package import SystemIO

/// The stack that a configuration file describes, as commands see it.
package struct Stack: Sendable {
    package let context: AppContext
    package let configuration: Configuration

    package var paths: PathsSection { configuration.paths }

    /// Loads the configuration; warnings and notes are told at once, errors are thrown together.
    package static func load(_ context: AppContext) throws(DiagnosticList) -> Stack {
        let loaded = try ConfigLoader.load(
            path: context.configPath, name: context.configName, home: context[.home])
        CommandLog.use(loaded.configuration.paths.logFile)
        context.console.report(loaded.remarks)
        return Stack(context: context, configuration: loaded.configuration)
    }

    /// Records an event; a full disk or a missing folder never stops the command that reports it.
    package func record(
        _ name: Event.Name, service: String? = nil, profile: String? = nil, provider: String? = nil,
        result: Event.Result, detail: String? = nil
    ) {
        let event = Event(
            name, at: context.now(), service: service, profile: profile, provider: provider, result: result,
            detail: detail)
        EventLog(path: paths.eventsFile).record(event)
    }

    /// Makes the private folders that everything generated goes to.
    package func prepareFolders() throws(SystemError) {
        let isOurs = paths.isPrivateDirectoryOurs || !FileSystem.exists(paths.privateDirectory)
        try PrivateDirectory.create(paths.privateDirectory)
        try PrivateDirectory.claim(paths.runtimeDirectory)
        let ignore = paths.privateDirectory + "/.gitignore"
        if isOurs, !FileSystem.exists(ignore) {
            _ = try AtomicFile.create(Array(ConfigTemplates.routerGitignore.utf8), at: ignore, mode: 0o600)
        }
    }

    /// The generated keys of the stack by name, as far as the file is there and readable.
    package func secrets() -> [String: Secret<String>] {
        let entries = (try? EnvironmentFile.read(paths.secretsFile)) ?? []
        return Dictionary(entries.map { ($0.name, $0.value) }) { _, last in last }
    }
}
