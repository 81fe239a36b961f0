// SPDX-License-Identifier: MIT

package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Checks of the machine: programs, the clock, variables.
package enum MachineChecks {
    /// LiteLLM releases that carried a credential stealer, which runs on any start of that Python.
    package static let maliciousLiteLLMVersions: Set<String> = ["1.82.7", "1.82.8"]

    /// Release sources that are gone; the configured alternatives are tried instead.
    package static let deletedRepositories: Set<String> = ["router-for-me/CLIProxyAPIPlus"]

    /// Before this moment no release of the command existed: 2026-01-01T00:00:00Z.
    private static let earliestNanoseconds: Int64 = 1_767_225_600_000_000_000

    /// A clock that is far behind breaks TLS, token expiry and event order.
    package static func clock(_ now: Timestamp) -> Check {
        let isPlausible = now.nanoseconds > earliestNanoseconds
        return Check(
            "clock", isPlausible ? .pass : .fail, [("now", now.iso8601)],
            suggestion: isPlausible ? nil : "timedatectl set-ntp true")
    }

    /// Whose files must be ours.
    package static var userID: UInt32 { geteuid() }

    /// The program of a service is there and may be run.
    ///
    /// - Parameter downloads: the folder that `bootstrap download` fills; a program that is missing elsewhere is not ours
    ///   to install.
    package static func binary(service: String, executable: String, downloads: String) -> Check {
        let facts = [("service", service), ("path", executable)]
        if FileSystem.isExecutable(executable) { return Check("runtime_binaries", .pass, facts) }
        guard !FileSystem.exists(executable) else {
            return Check(
                "runtime_binaries", .fail, facts + [("reason", "not-executable")], suggestion: "chmod +x \(executable)")
        }
        let isDownloaded = executable.hasPrefix(downloads + "/")
        return Check(
            "runtime_binaries", .fail, facts + [("reason", "missing")],
            suggestion: isDownloaded ? "llm-router bootstrap download" : nil)
    }

    /// Variables that the config refers to and that are not set.
    package static func environment(referenced names: [String], isSet: (String) -> Bool) -> [Check] {
        let missing = names.filter { !isSet($0) }
        guard !missing.isEmpty else { return [Check("environment", .pass, [("variables", String(names.count))])] }
        return missing.map { name in
            Check("environment", .warn, [("variable", name), ("reason", "not-set")], suggestion: "export \(name)=…")
        }
    }

    /// LiteLLM's own program starts far enough to say its version, which imports the whole package.
    ///
    /// - Parameter problem: what the bootstrap knows against the installation; then nothing of it is started, since a
    ///   poisoned release runs its code on any start of its Python.
    package static func liteLLM(runner: String, problem: String?, environment: [String]) -> Check {
        let name = "runtime_dependency"
        let install = "llm-router bootstrap download --only litellm"
        guard FileSystem.isExecutable(runner) else {
            return Check(name, .fail, [("package", "litellm"), ("reason", "not-installed")], suggestion: install)
        }
        if let problem {
            return Check(
                name, .fail, [("package", "litellm"), ("reason", problem)], suggestion: install + " --force")
        }
        let spec = ProcessSpec(executable: runner, arguments: [runner, "--version"], environment: environment)
        let result = try? ChildProcess.capture(spec, timeout: .seconds(60))
        guard let result, result.isSuccess, let version = versionNumber(in: result.output) else {
            return Check(
                name, .fail, [("package", "litellm"), ("reason", "not-importable")], suggestion: install + " --force")
        }
        let facts = [("package", "litellm"), ("version", version)]
        guard !maliciousLiteLLMVersions.contains(version) else {
            return Check(name, .fail, facts + [("reason", "known-malware")], suggestion: install + " --force")
        }
        return Check(name, .pass, facts)
    }

    /// The first word that looks like `1.106.2`.
    private static func versionNumber(in text: String) -> String? {
        text.split { $0 == " " || $0 == "\n" || $0 == "=" }.map(String.init).first { word in
            word.split(separator: ".").count >= 3 && word.first?.isNumber == true
        }
    }
}
