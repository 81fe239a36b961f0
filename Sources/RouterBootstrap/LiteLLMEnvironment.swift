// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import SystemIO

/// A private Python environment that holds one version of LiteLLM, and the script that runs it.
///
/// Environments cannot be moved, so each is built where it stays and counts only once its marker is there.
struct LiteLLMEnvironment {
    /// Published by an attacker: they steal credentials whenever any Python starts in their environment.
    static let poisonedVersions = ["1.82.7", "1.82.8"]
    private static let poisonFile = "litellm_init.pth"

    let folder: String

    var python: String { folder + "/bin/python" }
    private var command: String { folder + "/bin/litellm" }
    private var marker: String { folder + "/.llm-router-complete" }
    /// The exact packages with their hashes, for a repeat that brings the same bytes.
    var requirements: String { folder + "/requirements.lock" }

    var isComplete: Bool { FileSystem.exists(marker) }

    /// Writes the marker, the last step of building.
    func complete(version: String) throws(SystemError) {
        try AtomicFile.write(Array((version + "\n").utf8), to: marker, mode: 0o600)
    }

    /// What keeps this environment from running `expected`; nil when nothing does. Starts no Python.
    func problem(expected: String) -> Diagnostic? {
        let hints = ["`llm-router bootstrap download --only litellm --force` installs it again"]
        guard isComplete, FileSystem.isExecutable(python), FileSystem.exists(command) else {
            return Diagnostic("bootstrap/environment-damaged", "`\(folder)` is not a whole environment", hints: hints)
        }
        if let file = poisonedFile() {
            return Diagnostic(
                "bootstrap/poisoned-environment", "`\(file)` belongs to a LiteLLM that steals credentials",
                notes: ["see OSV MAL-2026-2144"],
                hints: [
                    "remove `\(folder)` without starting Python in it, then change every key that this machine knows"
                ])
        }
        let found = installedVersion()
        guard found == expected else {
            return Diagnostic(
                "bootstrap/wrong-litellm",
                "`\(folder)` holds LiteLLM \(found ?? "of no version") instead of \(expected)",
                hints: hints)
        }
        return nil
    }

    /// The version that the package's metadata names.
    func installedVersion() -> String? {
        for packages in packageFolders() {
            for name in (try? FileSystem.list(packages)) ?? []
            where name.hasPrefix("litellm-") && name.hasSuffix(".dist-info") {
                return String(name.dropFirst("litellm-".count).dropLast(".dist-info".count))
            }
        }
        return nil
    }

    func poisonedFile() -> String? {
        packageFolders().map { $0 + "/" + Self.poisonFile }.first { FileSystem.exists($0) }
    }

    private func packageFolders() -> [String] {
        let library = folder + "/lib"
        let names = (try? FileSystem.list(library)) ?? []
        return names.filter { $0.hasPrefix("python") }.map { "\(library)/\($0)/site-packages" }
    }

    /// The script that services run: LiteLLM with defaults that keep it off the network, unless they are overridden.
    func runner(version: String) -> String {
        """
        #!/bin/sh
        # Runs LiteLLM \(version). Written by `llm-router bootstrap`, which replaces it with the next version.
        : "${LITELLM_LOCAL_MODEL_COST_MAP:=True}" "${LITELLM_MODE:=PRODUCTION}" "${PYTHONNOUSERSITE:=1}"
        export LITELLM_LOCAL_MODEL_COST_MAP LITELLM_MODE PYTHONNOUSERSITE
        for argument in "$@"; do
            case $argument in
            --telemetry | --telemetry=*) exec \(Self.quoted(python)) \(Self.quoted(command)) "$@" ;;
            esac
        done
        exec \(Self.quoted(python)) \(Self.quoted(command)) --telemetry False "$@"

        """
    }

    private static func quoted(_ path: String) -> String {
        "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
