// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import SystemIO
internal import Transfer

/// Questions about what is installed, and the way back to the version before.
package struct Stock {
    private let layout: RuntimeLayout

    package init(runtimeDirectory: String) {
        layout = RuntimeLayout(root: runtimeDirectory)
    }

    /// All versions that are kept.
    package func list() throws(BootstrapError) -> ArtifactList {
        let layout = layout
        return ArtifactList(
            try ledger().entries.flatMap { entry in
                entry.versions.map { $0.reported(entry, in: layout, change: .listed) }
            })
    }

    /// Reads every current program again.
    package func verify() throws(BootstrapError) -> ArtifactVerification {
        ArtifactVerification(
            try ledger().entries.map { entry in
                let version = entry.currentVersion
                return .init(
                    name: entry.name, version: version?.version ?? "unknown", path: layout.absolute(entry.program),
                    problem: problem(entry, version))
            })
    }

    private func problem(_ entry: Ledger.Entry, _ version: Ledger.Version?) -> Diagnostic? {
        let path = layout.absolute(entry.program)
        let hints = ["`llm-router bootstrap download --only \(entry.name) --force` installs it again"]
        guard let version else {
            return Diagnostic(
                "bootstrap/half-installed", "`\(entry.name)` was being installed and is not in use yet", hints: hints)
        }
        guard let found = try? Checksum.ofFile(path) else {
            return Diagnostic("bootstrap/missing-file", "`\(path)` is missing or unreadable", hints: hints)
        }
        guard found.sha256 == version.programSHA256 else {
            return Diagnostic(
                "bootstrap/changed-file", "`\(path)` is not what was installed as \(entry.name) \(version.version)",
                notes: ["expected sha256: \(version.programSHA256 ?? "unknown")", "found: \(found.sha256)"],
                hints: hints)
        }
        guard FileSystem.isExecutable(path) else {
            return Diagnostic(
                "bootstrap/not-executable", "`\(path)` is not executable", hints: ["`chmod 755 \(path)`"])
        }
        if entry.name == InstallLiteLLMRequest.artifact {
            return LiteLLMEnvironment(folder: layout.absolute(version.stored)).problem(expected: version.version)
        }
        return nil
    }

    /// Makes the version before the current one current again.
    package func rollBack(_ artifact: String, channel: FetchChannel) throws(BootstrapError) -> InstalledArtifact {
        guard FileNames.isSafe(artifact) else { throw .unsafeName(artifact) }
        var installer = try Installer(layout, artifact: artifact, channel: channel)
        guard let entry = installer.ledger[artifact], let current = entry.currentVersion else {
            throw .nothingInstalled(name: artifact)
        }
        guard let previous = entry.previous else {
            throw .noOlderVersion(name: artifact, current: current.version)
        }
        if artifact == InstallLiteLLMRequest.artifact {
            let environment = LiteLLMEnvironment(folder: layout.absolute(previous.stored))
            if environment.problem(expected: previous.version) != nil {
                throw .damagedVersion(name: artifact, version: previous.version)
            }
            try installer.activateEnvironment(previous)
        } else {
            guard Installer.isIntact(layout.absolute(previous.stored), previous) else {
                throw .damagedVersion(name: artifact, version: previous.version)
            }
            try installer.activate(previous, of: artifact)
        }
        guard let after = installer.ledger[artifact] else { throw .nothingInstalled(name: artifact) }
        return previous.reported(after, in: layout, change: .rolledBack)
    }

    private func ledger() throws(BootstrapError) -> Ledger {
        do {
            return try LedgerFile.read(layout)
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            throw .damagedLedger(path: layout.ledger)
        }
    }
}
