// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import RouterConfig
internal import RouterEvents
internal import SystemIO

/// Installs what the services of a stack run; shared by `bootstrap download` and `up`.
package struct Bootstrap {
    /// What the operator may choose on the command line.
    package struct Choices {
        package var cliproxyVersion: String?
        package var cliproxyRepository: String?
        package var archive: String?
        package var only: String?
        package var repetition = InstallBinaryRequest.Repetition.keep
        package var verification = InstallBinaryRequest.Verification.required

        package init() {}
    }

    private let stack: Stack
    private let runner: FetchRunner

    package init(_ stack: Stack) {
        self.stack = stack
        runner = FetchRunner(stack.context)
    }

    /// The artifacts whose programs the services run, in the order of the contract's output.
    package var neededArtifacts: [String] {
        let programs = Set(
            stack.configuration.services.map { PathName.last(of: $0.value.command.arguments.first ?? "") })
        var needed: [String] = []
        if programs.contains(stack.configuration.bootstrap.cliproxy.binary) {
            needed.append(InstallBinaryRequest.defaultArtifact)
        }
        if programs.contains(InstallLiteLLMRequest.artifact) { needed.append(InstallLiteLLMRequest.artifact) }
        return needed
    }

    /// The needed artifacts whose program is not there.
    package var missingArtifacts: [String] {
        neededArtifacts.filter { !FileSystem.isExecutable(installedPath(of: $0)) }
    }

    private func installedPath(of artifact: String) -> String {
        let isBinary = artifact == InstallBinaryRequest.defaultArtifact
        let name = isBinary ? stack.configuration.bootstrap.cliproxy.binary : artifact
        return stack.paths.binariesDirectory + "/" + name
    }

    /// Installs `artifacts` one after the other; a failed one is told and does not keep the others back.
    package func install(_ artifacts: [String], _ choices: Choices) throws -> [InstalledArtifact] {
        try stack.prepareFolders()
        var installed: [InstalledArtifact] = []
        var failures = DiagnosticList()
        for artifact in artifacts {
            do {
                let result = try install(artifact, choices)
                stack.record(
                    .bootstrapDownload, service: artifact, result: .success,
                    detail: "\(result.version) \(result.change.rawValue) from \(result.origin)")
                installed.append(result)
            } catch let error as FetchProtocolError where error == .interrupted {
                stack.record(.bootstrapDownload, service: artifact, result: .cancelled)
                throw error
            } catch let error as any DiagnosticConvertible {
                stack.record(.bootstrapDownload, service: artifact, result: .failed, detail: error.diagnostic.message)
                failures.append(error.diagnostic)
            }
        }
        if failures.hasErrors {
            for artifact in installed { stack.context.console.note("installed \(artifact.name)=\(artifact.path)") }
            throw failures
        }
        return installed
    }

    private func install(_ artifact: String, _ choices: Choices) throws -> InstalledArtifact {
        let settings = stack.configuration.bootstrap
        if artifact == InstallLiteLLMRequest.artifact {
            var request = InstallLiteLLMRequest(
                runtimeDirectory: stack.paths.runtimeDirectory, version: settings.litellm.version,
                searchPath: stack.context[.path] ?? "/usr/local/bin:/usr/bin:/bin")
            request.python = settings.litellm.python
            request.requirementsFile = lockFile(version: settings.litellm.version)
            request.repetition = choices.repetition
            return try runner.run(request)
        }
        var request = InstallBinaryRequest(
            runtimeDirectory: stack.paths.runtimeDirectory, origin: origin(choices))
        request.fileName = settings.cliproxy.binary
        request.repetition = choices.repetition
        request.verification = choices.verification
        return try runner.run(request)
    }

    /// Every package of the pinned LiteLLM with its hash, where such a file lies beside the configuration and is for
    /// `version`.
    private func lockFile(version: String) -> String? {
        let path = stack.configuration.directory + "/litellm.lock"
        guard let bytes = try? FileSystem.read(path, limit: 16 << 20) else { return nil }
        let pinned = String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
            line.hasPrefix("litellm==\(version) ") || line.hasPrefix("litellm[proxy]==\(version) ")
        }
        return pinned ? path : nil
    }

    private func origin(_ choices: Choices) -> InstallBinaryRequest.Origin {
        if let archive = choices.archive { return .archive(path: stack.context.resolve(archive)) }
        let settings = stack.configuration.bootstrap
        let version = choices.cliproxyVersion ?? settings.cliproxy.version
        let tag = version == "latest" ? nil : version
        var sources = [ReleaseSource(repository: choices.cliproxyRepository ?? settings.cliproxy.repository, tag: tag)]
        // A repository that the operator names is meant; the list is for the default that is gone.
        if choices.cliproxyRepository == nil {
            sources += settings.cliproxy.sources.map { ReleaseSource(repository: $0, tag: nil) }
        }
        return .release(
            api: stack.context[.releaseAPI] ?? settings.releaseAPI, sources: sources,
            token: stack.context[.githubToken].map { Secret($0) })
    }
}
