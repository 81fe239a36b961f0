// SPDX-License-Identifier: MIT

package import SystemIO

/// Checks of the machine: programs, the clock, variables.
package enum MachineChecks {
    /// LiteLLM releases that carried a credential stealer, which runs on any start of that Python.
    package static let maliciousLiteLLMVersions: Set<String> = ["1.82.7", "1.82.8"]

    /// Before this moment no release of the command existed: 2026-01-01T00:00:00Z.
    private static let earliestNanoseconds: Int64 = 1_767_225_600_000_000_000

    /// A clock that is far behind breaks TLS, token expiry and event order.
    package static func clock(_ now: Timestamp) -> Check {
        let isPlausible = now.nanoseconds > earliestNanoseconds
        return Check(
            "clock", isPlausible ? .pass : .fail, [("now", now.iso8601)],
            suggestion: isPlausible ? nil : "timedatectl set-ntp true")
    }

    /// The program of each service is there and may be run.
    package static func binary(service: String, executable: String) -> Check {
        let facts = [("service", service), ("path", executable)]
        if FileSystem.isExecutable(executable) { return Check("runtime_binaries", .pass, facts) }
        let exists = FileSystem.exists(executable)
        return Check(
            "runtime_binaries", .fail, facts + [("reason", exists ? "not-executable" : "missing")],
            suggestion: exists ? "chmod +x \(executable)" : "llm-router bootstrap download")
    }

    /// Variables that the config refers to and that are not set.
    package static func environment(referenced names: [String], isSet: (String) -> Bool) -> [Check] {
        let missing = names.filter { !isSet($0) }
        guard !missing.isEmpty else { return [Check("environment", .pass, [("variables", String(names.count))])] }
        return missing.map { name in
            Check("environment", .warn, [("variable", name), ("reason", "not-set")], suggestion: "export \(name)=…")
        }
    }

    /// The Python environment of LiteLLM answers, and is not one of the releases that steal credentials.
    package static func liteLLM(python: String) -> Check {
        let name = "runtime_dependency"
        let install = "llm-router bootstrap download --only litellm"
        guard FileSystem.isExecutable(python) else {
            return Check(name, .fail, [("package", "litellm"), ("reason", "not-installed")], suggestion: install)
        }
        // Metadata only: importing the package takes seconds and runs its code.
        let program = """
            import importlib.metadata as m, importlib.util as u, sys
            sys.stdout.write(m.version("litellm") + " " + str(bool(u.find_spec("litellm.proxy"))))
            """
        let spec = ProcessSpec(
            executable: python, arguments: [python, "-I", "-c", program], environment: ["LC_ALL=C.UTF-8"])
        let words: [Substring]
        do {
            let result = try ChildProcess.capture(spec, timeout: .seconds(20))
            words = result.isSuccess ? result.output.split { $0 == " " || $0 == "\n" } : []
        } catch {
            words = []
        }
        guard let version = words.first.map(String.init) else {
            return Check(
                name, .fail, [("package", "litellm"), ("reason", "not-importable")], suggestion: install + " --force")
        }
        let facts = [("package", "litellm"), ("version", version)]
        if maliciousLiteLLMVersions.contains(version) {
            return Check(name, .fail, facts + [("reason", "known-malware")], suggestion: install + " --force")
        }
        guard words.last == "True" else {
            return Check(name, .fail, facts + [("reason", "no-proxy-extra")], suggestion: install + " --force")
        }
        return Check(name, .pass, facts)
    }
}
