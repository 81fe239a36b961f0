// SPDX-License-Identifier: MIT

package import Diagnostics
package import RouterServices
internal import YAMLSyntax

/// One entry of `services`, as written: paths are absolute, variables are not looked up yet.
package struct ServiceSection: Sendable {
    package var host: String?
    package var port: Int?
    package var readinessPath: String?
    package var healthPath: String?
    package var command = CommandSection()
    package var environment: [Named<Secret<String>>] = []
    package var environmentFile: String?
    package var dependencies: [Named<ServiceDependency.Condition>] = []
    package var restart = RestartPolicy()
    package var stop = StopPolicy()
    package var readiness: ProbeSection?
    package var liveness: ProbeSection?
    package var onProfileSwitch: ProfileSwitchAction?
    package var log: LogSection?
    package var isEssential = false
    package var front: FrontEngine?

    /// What is asked for readiness when nothing else is said.
    package static let defaultReadinessPath = "/v1/models"
    /// A name for nothing else, since it stands for every service on the command line.
    static let reservedNames: Set<String> = ["all"]
    static let nameLengthLimit = 64

    static let definition = SectionDefinition<ServiceSection>(
        "One program of the stack. Its name is free; the LiteLLM stack uses `litellm` and `cliproxyapi_plus`, the embedded one `gateway`.",
        [
            .key(
                "command", \.command, .section(CommandSection.definition) { CommandSection() }, isRequired: true,
                "What runs."),
            .optional(
                "host", \.host, .host, default: "`127.0.0.1` for probes", "Where the service listens; probes ask there."
            ),
            .optional(
                "port", \.port, .port, default: "none",
                "Where the service listens; it must be free before a start, and the default readiness probe asks it."),
            .optional(
                "readiness_path", \.readinessPath, .urlPath, default: "`health_path`, else `/v1/models`",
                "Path of the readiness probe."),
            .optional(
                "health_path", \.healthPath, .urlPath, "Older name of `readiness_path`, used when that is absent."),
            .key(
                "env", \.environment,
                .mapping(nameWords: "variable names", of: .variableValue, checkingName: checkVariableName),
                default: "{}", "Variables of the service; they win over `env_file` and over inherited ones."),
            .optional(
                "env_file", \.environmentFile, .path, default: "none",
                "`KEY=value` lines, mode 0600; its values are secrets."),
            .key(
                "depends_on", \.dependencies, .dependencies, default: "{}",
                "Services that must be `started` or `ready` before this one starts; a list means `ready`."),
            .key(
                "restart", \.restart, .restartPolicy, defaultOf: ServiceSection(),
                "What follows when the process ends by itself: a word or a mapping."),
            .key("stop", \.stop, .section(.stopPolicy) { StopPolicy() }, "How the service is asked to end."),
            .optional(
                "readiness", \.readiness, .section(ProbeSection.definition) { ProbeSection() },
                default: "HTTP on `port`", "Decides when the service may be used."),
            .optional(
                "liveness", \.liveness, .section(ProbeSection.definition) { ProbeSection() }, default: "none",
                "Decides when a hung service is restarted."),
            .optional(
                "on_profile_switch", \.onProfileSwitch, .word(),
                default:
                    "`restart` when the command names `paths.active_config` (`reload` for the embedded gateway), else `none`",
                "What `profile set` does to the running service."),
            .optional(
                "log", \.log, .section(LogSection.definition) { LogSection() }, default: "`supervisor.log`",
                "Bounds of the service's log."),
            .key(
                "essential", \.isEssential, .bool, defaultOf: ServiceSection(),
                "Whether `run` ends with an error when this service is given up."),
            .optional(
                "front", \.front, .word(), default: "none",
                "`embedded`: the gateway holds the port, the service runs on one of the next two, and a successor takes over unseen."
            ),
        ])

    private static func checkVariableName(_ key: YAMLNode, _ decoder: inout ConfigDecoder) -> Bool {
        let name = key.scalar?.text ?? ""
        if EnvironmentFile.isName(name) { return true }
        decoder.report(
            .invalidValue(key: "a key of \(decoder.place)", expected: EnvironmentFile.nameWords, found: name),
            at: key.span)
        return false
    }

    /// Reports a name that would not do as a file name, a label or a command line argument.
    static func checkName(_ key: YAMLNode, _ decoder: inout ConfigDecoder) -> Bool {
        let name = key.scalar?.text ?? ""
        let reason: String? =
            if reservedNames.contains(name) {
                "the word stands for all services"
            } else if name.utf8.count > nameLengthLimit {
                "it is longer than \(nameLengthLimit) characters"
            } else if let first = name.utf8.first {
                !isAlphanumeric(first) || !name.utf8.allSatisfy({ isAlphanumeric($0) || "_-.".utf8.contains($0) })
                    ? "it has other characters than letters, digits, `_`, `-`, `.`, or begins with one of these" : nil
            } else {
                "it is empty"
            }
        guard let reason else { return true }
        decoder.report(.serviceName(name, reason: reason), at: key.span)
        return false
    }
}

/// What a service executes.
package struct CommandSection: Sendable {
    /// nil is the caller's working folder.
    package var directory: String?
    package var arguments: [String] = []

    static let definition = SectionDefinition<CommandSection>(
        "What a service executes.",
        [
            .optional(
                "cwd", \.directory, .path, default: "the caller's working folder", "Working folder of the service."),
            .key(
                "args", \.arguments, .list(of: .argument, minimumCount: 1), isRequired: true,
                "Program and arguments. A program with a slash is below `cwd`, one without is looked up in `PATH`."),
        ])
}

/// Bounds of a service's log.
package struct LogSection: Equatable, Sendable {
    package var maximumBytes = LogPolicy(path: "").maximumBytes
    package var keptFiles = LogPolicy(path: "").keptFiles

    static let definition = SectionDefinition<LogSection>(
        "Bounds of a log.",
        [
            .key(
                "max_size", \.maximumBytes, .byteSize(4096...(1 << 40)), defaultOf: LogSection(),
                "Size at which a log is cut and kept aside."),
            .key(
                "keep", \.keptFiles, .integer(0...1000), defaultOf: LogSection(),
                "How many older, compressed files stay."),
        ])
}

/// What stands in front of a service.
package enum FrontEngine: String, Sendable, CaseIterable {
    case embedded
}
