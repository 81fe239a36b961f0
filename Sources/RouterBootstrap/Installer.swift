// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import SystemIO
internal import Transfer

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Puts verified programs in place, one version at a time, so that a kill at any point leaves the old or the new one.
///
/// Order of the steps: stored beside the others under its own version, recorded in the ledger, made current by one
/// rename, recorded as current, older versions removed. A repeat of the command finishes what a killed one began.
struct Installer: ~Copyable {
    let layout: RuntimeLayout
    let channel: FetchChannel
    private var file: LedgerFile

    /// Waits for other bootstraps of this runtime folder and repairs what a killed one has left.
    init(_ layout: RuntimeLayout, artifact: String, channel: FetchChannel) throws(BootstrapError) {
        self.layout = layout
        self.channel = channel
        file = try LedgerFile(layout) {
            channel.progress(artifact, "wait", "another bootstrap is at work")
        }
        if file.wasDamaged {
            channel.send(
                .notice(
                    Diagnostic(
                        "bootstrap/ledger-damaged", "`\(layout.ledger)` was unreadable and is written anew",
                        severity: .warning,
                        hints: ["`llm-router bootstrap download` records again what is installed"])))
        }
        for folder in [layout.root, layout.binaries, layout.versions(of: artifact), layout.downloads] {
            RuntimeLayout.removeLeftovers(in: folder)
        }
        if !file.wasDamaged { removeUnrecorded(artifact) }
    }

    /// Removes stored versions that the ledger does not name: not recorded yet, or not removed any more.
    private func removeUnrecorded(_ artifact: String) {
        let recorded = ledger[artifact]?.versions.map { PathName.parent(of: layout.absolute($0.stored)) } ?? []
        let folder = layout.versions(of: artifact)
        for name in (try? FileSystem.list(folder)) ?? [] where !recorded.contains(folder + "/" + name) {
            try? FileSystem.removeTree(folder + "/" + name)
        }
    }

    var ledger: Ledger { file.ledger }

    /// The descriptor of the lock; a child that holds it keeps the next bootstrap waiting while it runs.
    var lockDescriptor: Int32 { file.lock.rawDescriptor }

    mutating func store(_ ledger: Ledger) throws(BootstrapError) {
        CrashPoint.reach()
        try file.store(ledger)
        CrashPoint.reach()
    }

    // MARK: Programs

    /// A file beside the stored versions that no reader takes for one.
    func temporaryProgram(of artifact: String) throws(BootstrapError) -> String {
        let folder = layout.versions(of: artifact)
        try storing { () throws(SystemError) in try PrivateDirectory.create(folder) }
        CrashPoint.reach()
        return AtomicFile.temporaryPath(for: folder + "/program")
    }

    /// Takes the verified program at `temporary` in as a version and makes it the current one.
    mutating func install(
        _ temporary: String, as version: Ledger.Version, of artifact: String, fileName: String
    ) throws(BootstrapError) {
        let stored = layout.absolute(version.stored)
        try storing { () throws(SystemError) in
            try FileSystem.setMode(temporary, 0o755)
            try OwnedDescriptor.open(temporary, [.readOnly]).synchronize(path: temporary)
            CrashPoint.reach()
            try PrivateDirectory.create(PathName.parent(of: stored))
            CrashPoint.reach()
            try FileSystem.rename(temporary, to: stored)
            CrashPoint.reach()
            try FileSystem.synchronizeDirectory(PathName.parent(of: stored))
        }
        var ledger = ledger
        ledger.add(version, to: artifact, program: layout.relative(layout.program(fileName)))
        try store(ledger)
        try activate(version, of: artifact)
    }

    /// Makes a stored program the one that services run, and forgets versions that are no longer kept.
    mutating func activate(_ version: Ledger.Version, of artifact: String) throws(BootstrapError) {
        guard let entry = ledger[artifact] else { throw .nothingInstalled(name: artifact) }
        let program = layout.absolute(entry.program)
        let stored = layout.absolute(version.stored)
        try storing { () throws(SystemError) in
            let temporary = AtomicFile.temporaryPath(for: program)
            try Self.linkOrCopy(stored, to: temporary)
            CrashPoint.reach()
            // Renaming one of two names of the same file over the other does nothing, so the first has to go as well.
            try FileSystem.rename(temporary, to: program)
            CrashPoint.reach()
            try FileSystem.remove(temporary)
            try FileSystem.synchronizeDirectory(layout.binaries)
        }
        try recordActivation(of: version, artifact)
    }

    /// Writes down that `version` is current, then removes what is not kept.
    mutating func recordActivation(of version: Ledger.Version, _ artifact: String) throws(BootstrapError) {
        var ledger = ledger
        let dropped = ledger.activate(version.stored, of: artifact)
        try store(ledger)
        for old in dropped {
            CrashPoint.reach()
            let path = layout.absolute(old.stored)
            try storing { () throws(SystemError) in try FileSystem.removeTree(path) }
            // A version's own folder; for environments, this is the runtime folder and stays.
            rmdir(PathName.parent(of: path))
        }
    }

    /// A hard link costs nothing; file systems without them get a copy.
    private static func linkOrCopy(_ source: String, to target: String) throws(SystemError) {
        if link(source, target) == 0 { return }
        guard [EPERM, EOPNOTSUPP, EXDEV, EMLINK, ENOSYS].contains(errno) else {
            throw SystemError.current("link to \(target)", path: source)
        }
        let input = try OwnedDescriptor.open(source, [.readOnly])
        let output = try OwnedDescriptor.open(target, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o755)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while case let count = try input.read(into: buffer, path: source), count > 0 {
            try OwnedDescriptor.writeAll(
                UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: output.rawValue, path: target)
        }
        try FileSystem.setMode(target, 0o755)
        try output.synchronize(path: target)
    }

    // MARK: Questions

    /// Whether the file at `path` still is the program that was installed as `version`.
    static func isIntact(_ path: String, _ version: Ledger.Version) -> Bool {
        guard let expected = version.programSHA256, let found = try? Checksum.ofFile(path) else { return false }
        return found.sha256 == expected
    }
}

extension Ledger.Version {
    /// The version as the command reports it.
    func reported(
        _ entry: Ledger.Entry, in layout: RuntimeLayout, change: InstalledArtifact.Change
    ) -> InstalledArtifact {
        InstalledArtifact(
            name: entry.name, version: version, path: layout.absolute(entry.program), origin: origin, sha256: sha256,
            sizeBytes: sizeBytes, installedAt: installedAt, isCurrent: entry.current == stored, change: change)
    }
}
