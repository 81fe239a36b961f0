// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import SystemIO
package import Transfer

/// Fetches, verifies and installs a program from a release or from a local archive.
package struct BinaryBootstrap {
    private let request: InstallBinaryRequest
    private let settings: TransferSettings
    private let channel: FetchChannel
    private let platform: HostPlatform
    private let layout: RuntimeLayout

    package init(
        _ request: InstallBinaryRequest, settings: TransferSettings, channel: FetchChannel,
        platform: HostPlatform = .current
    ) {
        self.request = request
        self.settings = settings
        self.channel = channel
        self.platform = platform
        layout = RuntimeLayout(root: request.runtimeDirectory)
    }

    /// Does it; the old program stays in place and working unless the new one is whole and verified.
    package func run() throws(BootstrapError) -> InstalledArtifact {
        for name in [request.artifact, request.fileName] where !FileNames.isSafe(name) { throw .unsafeName(name) }
        var installer = try Installer(layout, artifact: request.artifact, channel: channel)
        switch request.origin {
        case .archive(let path):
            return try install(LocalArchive(path: path), &installer)
        case .release(let api, let sources, let token):
            let catalog = ReleaseCatalog(
                api: api, token: token, platform: platform, settings: settings, channel: channel,
                artifact: request.artifact)
            if let pinned = try kept(sources, &installer) { return pinned }
            let file = try catalog.find(in: sources, verification: request.verification)
            if let same = try kept(version: file.version, sha256: file.sha256, &installer) { return same }
            return try download(file, catalog, &installer)
        }
    }

    // MARK: What is already there

    /// A pinned version that is installed and intact needs no network at all.
    private func kept(
        _ sources: [ReleaseSource], _ installer: inout Installer
    ) throws(BootstrapError) -> InstalledArtifact? {
        guard let tag = sources.first?.tag else { return nil }
        return try kept(version: Release(tag: tag, assets: []).version, sha256: nil, &installer)
    }

    private func kept(
        version: String, sha256: String?, _ installer: inout Installer
    ) throws(BootstrapError) -> InstalledArtifact? {
        guard request.repetition == .keep, let entry = installer.ledger[request.artifact],
            let found = entry.versions.first(where: { $0.version == version }),
            sha256 == nil || found.sha256 == sha256,
            Installer.isIntact(layout.absolute(found.stored), found)
        else { return nil }
        let isCurrent =
            entry.current == found.stored && Installer.isIntact(layout.absolute(entry.program), found)
            && FileSystem.isExecutable(layout.absolute(entry.program))
        if !isCurrent { try installer.activate(found, of: request.artifact) }
        ArtifactDownload.removeAll(in: layout.downloads, artifact: request.artifact)
        return try report(found, installer, isCurrent ? .unchanged : .installed)
    }

    private func report(
        _ version: Ledger.Version, _ installer: borrowing Installer, _ change: InstalledArtifact.Change
    ) throws(BootstrapError) -> InstalledArtifact {
        guard let entry = installer.ledger[request.artifact] else { throw .nothingInstalled(name: request.artifact) }
        return version.reported(entry, in: layout, change: change)
    }

    // MARK: From a release

    private func download(
        _ file: ReleaseFile, _ catalog: ReleaseCatalog, _ installer: inout Installer
    ) throws(BootstrapError) -> InstalledArtifact {
        var mayRestart = true
        while true {
            let download = try ArtifactDownload(
                file, in: layout.downloads, artifact: request.artifact, catalog: catalog, report: reporter())
            CrashPoint.reach()
            do throws(BootstrapError) {
                return try install(download, of: file, &installer)
            } catch {
                guard error.condemnsBytes else { throw error }
                try download.discard()
                // What an earlier run left may have been of another file; then the whole file is worth one try.
                guard mayRestart, download.isResumed || error.isChange else { throw error }
                mayRestart = false
                channel.progress(request.artifact, "restart", error.diagnostic.message)
            }
        }
    }

    private func install(
        _ download: ArtifactDownload, of file: ReleaseFile, _ installer: inout Installer
    ) throws(BootstrapError) -> InstalledArtifact {
        let program = try extract(
            name: file.name, to: try installer.temporaryProgram(of: request.artifact), source: download.read,
            readBytes: { download.readBytes })
        let digest = try download.digest()
        if let expected = file.sha256, expected != digest {
            try? FileSystem.remove(program.path)
            throw .checksumMismatch(artifact: file.name, expected: expected, actual: digest)
        }
        CrashPoint.reach()
        let version = version(
            file.version, origin: file.url, sha256: digest, sizeBytes: download.readBytes, program)
        try installer.install(program.path, as: version, of: request.artifact, fileName: request.fileName)
        CrashPoint.reach()
        try download.discard()
        CrashPoint.reach()
        ArtifactDownload.removeAll(in: layout.downloads, artifact: request.artifact)
        return try report(version, installer, .installed)
    }

    // MARK: From a local archive

    private func install(
        _ archive: LocalArchive, _ installer: inout Installer
    ) throws(BootstrapError) -> InstalledArtifact {
        let expected = try archive.expectedDigests()
        let reading = try archive.open(report: reporter())
        let program = try extract(
            name: archive.name, to: try installer.temporaryProgram(of: request.artifact), source: reading.read,
            readBytes: { reading.readBytes })
        let digest = reading.digest()
        for (origin, value) in expected where value != digest {
            try? FileSystem.remove(program.path)
            throw .checksumMismatch(artifact: "\(archive.name) (by \(origin))", expected: value, actual: digest)
        }
        channel.send(.value(name: "sha256", text: digest))
        let version = version(
            archive.version(sha256: digest), origin: archive.path, sha256: digest, sizeBytes: reading.readBytes, program
        )
        CrashPoint.reach()
        try installer.install(program.path, as: version, of: request.artifact, fileName: request.fileName)
        return try report(version, installer, .installed)
    }

    // MARK: Steps of both

    private struct ExtractedProgram {
        let path: String
        let sha256: String
    }

    /// Unpacks the program to `path` while the archive is read, and reads the archive to its very end.
    private func extract(
        name: String, to path: String, source: @escaping ByteSource, readBytes: @escaping () -> Int
    ) throws(BootstrapError) -> ExtractedProgram {
        do throws(BootstrapError) {
            let output = try storing { () throws(SystemError) in
                try OwnedDescriptor.open(path, [.readWrite, .create, .exclusive, .noFollow], mode: 0o600)
            }
            CrashPoint.reach()
            var extractor = ProgramExtractor(
                archiveName: name, wanted: request.members, platform: platform, compressedBytes: readBytes)
            let sha256 = try extractor.extract(from: source, to: output, path: path)
            // What follows the archive's end belongs to the file, and to its checksum.
            while case let bytes = try source(), !bytes.isEmpty {}
            return ExtractedProgram(path: path, sha256: sha256)
        } catch {
            try? FileSystem.remove(path)
            throw error
        }
    }

    private func version(
        _ version: String, origin: String, sha256: String, sizeBytes: Int, _ program: ExtractedProgram
    ) -> Ledger.Version {
        let stored = layout.versions(of: request.artifact) + "/\(version)/\(request.fileName)"
        return Ledger.Version(
            version: version, origin: origin, sha256: sha256, sizeBytes: sizeBytes,
            installedAt: Timestamp.now().iso8601, stored: layout.relative(stored), programSHA256: program.sha256)
    }

    /// Tells the command how far it is, a few times a second.
    private func reporter() -> (Int, Int?) -> Void {
        var last = MonotonicTime(nanoseconds: 0)
        var lastDone = -1
        return { done, total in
            let now = MonotonicTime.now()
            guard done != lastDone, now - last >= .milliseconds(200) || done == total else { return }
            (last, lastDone) = (now, done)
            channel.progress(request.artifact, "download", doneBytes: done, totalBytes: total)
        }
    }
}

extension BootstrapError {
    /// Whether the bytes that were fetched are wrong, rather than the way to them.
    fileprivate var condemnsBytes: Bool {
        switch self {
        case .checksumMismatch, .archive: true
        case .transfer(.changed), .transfer(.wrongRange), .transfer(.tooLarge): true
        default: false
        }
    }

    /// Whether the file at the source is another one than a moment ago.
    fileprivate var isChange: Bool {
        if case .transfer(.changed) = self { true } else { false }
    }
}
