// SPDX-License-Identifier: MIT

internal import LiteLLMConfig
package import SystemIO

/// Makes a rendered profile the active one.
///
/// Each file is replaced whole, in this order: secrets, active file, gateway policy, state. A process that dies
/// between two of them leaves old or new files, never a mix within one, and the next `profile set` completes the rest.
/// Concurrent switches wait for each other, so that in the end all files belong to the same profile.
package struct ProfileSwitch: Sendable {
    package let activeConfig: String
    package let stateFile: String
    package let secretsFile: String

    package init(activeConfig: String, stateFile: String, secretsFile: String) {
        self.activeConfig = activeConfig
        self.stateFile = stateFile
        self.secretsFile = secretsFile
    }

    package struct Outcome: Equatable, Sendable {
        /// Whether an engine that reads the files has something to reload.
        package let isChanged: Bool

        package init(isChanged: Bool) {
            self.isChanged = isChanged
        }
    }

    /// Writes the files of `rendered`; `now` is the time that the state file tells.
    package func perform(_ rendered: RenderedProfile, now: Timestamp) throws(SystemError) -> Outcome {
        try PrivateDirectory.create(PathName.parent(of: activeConfig))
        try PrivateDirectory.create(PathName.parent(of: stateFile))
        let lock = try FileLock.acquire(activeConfig + ".lock")
        defer { withExtendedLifetime(lock) {} }
        if rendered.needsMasterKey { _ = try StackSecrets.ensureMasterKey(in: secretsFile) }
        let policy = GatewayPolicyPath.besides(activeConfig)
        let isChanged = !holds(rendered)
        try replace(activeConfig, with: rendered.activeFile)
        try replace(policy, with: rendered.gatewayPolicy)
        try AtomicFile.write(
            ProfileState.bytes(profile: rendered.name, now: now), to: stateFile, mode: 0o600)
        return Outcome(isChanged: isChanged)
    }

    /// Whether the files are those of `rendered` already.
    package func holds(_ rendered: RenderedProfile) -> Bool {
        holds(rendered.activeFile, activeConfig)
            && holds(rendered.gatewayPolicy, GatewayPolicyPath.besides(activeConfig))
    }

    /// Leaves a file alone that has the bytes already, so that nobody who watches it is woken for nothing.
    private func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        CrashPoint.reach()
        guard !holds(bytes, path) else { return }
        try AtomicFile.write(bytes, to: path, mode: 0o600)
    }

    private func holds(_ bytes: [UInt8], _ path: String) -> Bool {
        (try? FileSystem.read(path, limit: bytes.count)) == bytes
    }
}
