// SPDX-License-Identifier: MIT

internal import SystemIO

/// Where everything lives that the command generates; all paths are absolute.
package struct PathsSection: Equatable, Sendable {
    package var runtimeDirectory = ""
    package var activeConfig = ""
    package var stateFile = ""
    package var logFile = ""

    static let definition = SectionDefinition<PathsSection>(
        "Files and folders that the command generates. Relative paths are below the folder of the config file.",
        [
            .key(
                "runtime_dir", \.runtimeDirectory, .path, isRequired: true,
                "Private folder for binaries, pids, logs and state."),
            .key(
                "active_config", \.activeConfig, .path, isRequired: true,
                "The rendered profile that LiteLLM or the gateway reads."),
            .key("state_file", \.stateFile, .path, isRequired: true, "Remembers the current profile."),
            .key(
                "log_file", \.logFile, .path, isRequired: true,
                "The command's own log: what was run, without the values of options, and what came of it."),
        ])
}

extension PathsSection {
    /// The folder above the runtime folder, `.router` by default, with credentials and secrets.
    package var privateDirectory: String { PathName.parent(of: runtimeDirectory) }
    /// Whether that folder is the stack's alone, and not one that others put their files into as well.
    package var isPrivateDirectoryOurs: Bool { PathName.last(of: privateDirectory) == PrivateDirectory.stackFolderName }
    package var authsDirectory: String { privateDirectory + "/auths" }
    /// Generated keys as `KEY=value` lines, mode 0600.
    package var secretsFile: String { privateDirectory + "/secrets.env" }
    package var binariesDirectory: String { runtimeDirectory + "/bin" }
    package var processLogsDirectory: String { runtimeDirectory + "/process-logs" }
    package var eventsFile: String { runtimeDirectory + "/events.log" }
    package var bootstrapLockFile: String { runtimeDirectory + "/bootstrap.lock.json" }
}
