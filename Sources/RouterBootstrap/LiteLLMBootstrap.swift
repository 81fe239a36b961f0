// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import JSONSyntax
internal import SystemIO
internal import Transfer

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Installs a pinned LiteLLM with `uv` or pip into an environment of its own.
package struct LiteLLMBootstrap {
    static let fileName = "litellm"
    /// What of an installer's log goes into the error.
    private static let quotedLines = 12
    private static let logLimitBytes = 4 << 20
    private static let requirementsLimitBytes = 16 << 20

    private let request: InstallLiteLLMRequest
    private let environment: [String: String]
    private let channel: FetchChannel
    private let layout: RuntimeLayout

    /// - Parameter environment: for the installers: proxies, their own variables, HOME.
    package init(_ request: InstallLiteLLMRequest, environment: [String: String], channel: FetchChannel) {
        self.request = request
        self.environment = environment
        self.channel = channel
        layout = RuntimeLayout(root: request.runtimeDirectory)
    }

    private var log: String { layout.root + "/litellm-install.log" }

    package func run() throws(BootstrapError) -> InstalledArtifact {
        try Self.check(version: request.version)
        var installer = try Installer(layout, artifact: InstallLiteLLMRequest.artifact, channel: channel)
        removeUnfinished(installer.ledger)
        if let kept = try kept(&installer) { return kept }
        let built = try build(lock: installer.lockDescriptor)
        CrashPoint.reach()
        let version = try version(of: built)
        var ledger = installer.ledger
        ledger.add(
            version, to: InstallLiteLLMRequest.artifact, program: layout.relative(layout.program(Self.fileName)))
        try installer.store(ledger)
        try installer.activateEnvironment(version)
        return try report(version, installer, .installed)
    }

    /// A release number: digits and dots, with an optional suffix such as `rc1` or `.post1`.
    static func check(version: String) throws(BootstrapError) {
        guard FileNames.isSafe(version), version.first?.isNumber == true, version.contains(".") else {
            throw .badLiteLLMVersion(version)
        }
        if LiteLLMEnvironment.poisonedVersions.contains(version) { throw .poisonedLiteLLM(version: version) }
    }

    // MARK: What is already there

    private func kept(_ installer: inout Installer) throws(BootstrapError) -> InstalledArtifact? {
        guard request.repetition == .keep, let entry = installer.ledger[InstallLiteLLMRequest.artifact],
            let found = entry.versions.first(where: { $0.version == request.version }),
            LiteLLMEnvironment(folder: layout.absolute(found.stored)).problem(expected: request.version) == nil
        else { return nil }
        let isCurrent =
            entry.current == found.stored && Installer.isIntact(layout.absolute(entry.program), found)
            && FileSystem.isExecutable(layout.absolute(entry.program))
        if !isCurrent { try installer.activateEnvironment(found) }
        return try report(found, installer, isCurrent ? .unchanged : .installed)
    }

    private func report(
        _ version: Ledger.Version, _ installer: borrowing Installer, _ change: InstalledArtifact.Change
    ) throws(BootstrapError) -> InstalledArtifact {
        guard let entry = installer.ledger[InstallLiteLLMRequest.artifact] else {
            throw .nothingInstalled(name: InstallLiteLLMRequest.artifact)
        }
        return version.reported(entry, in: layout, change: change)
    }

    /// Removes environments that a killed bootstrap has left, and those that the ledger no longer names.
    private func removeUnfinished(_ ledger: Ledger) {
        let kept = Set(ledger[InstallLiteLLMRequest.artifact]?.versions.map(\.stored) ?? [])
        for name in (try? FileSystem.list(layout.root)) ?? []
        where name.hasPrefix(Self.folderPrefix) && !kept.contains(name) {
            let path = layout.absolute(name)
            guard (try? FileSystem.status(path, followingLinks: false))?.kind == .directory else { continue }
            try? FileSystem.removeTree(path)
        }
    }

    // MARK: Building

    private static let folderPrefix = "litellm-"

    /// Builds a whole environment in a folder of its own, where it stays.
    private func build(lock: Int32) throws(BootstrapError) -> LiteLLMEnvironment {
        let target = LiteLLMEnvironment(folder: freeFolder())
        try storing { () throws(SystemError) in
            try FileSystem.remove(log)
            try PrivateDirectory.create(layout.binaries)
        }
        CrashPoint.reach()
        let tools = try tools()
        try make(target, with: tools, lock: lock)
        CrashPoint.reach()
        try install(into: target, with: tools, lock: lock)
        CrashPoint.reach()
        // Checked without starting Python: the attack of the known bad versions runs at its start.
        if target.poisonedFile() != nil {
            try? FileSystem.removeTree(target.folder)
            throw .poisonedLiteLLM(version: request.version)
        }
        let found = target.installedVersion()
        guard found == request.version else {
            throw .wrongLiteLLM(expected: request.version, found: found ?? "of no version")
        }
        writeRequirements(target)
        CrashPoint.reach()
        try storing { () throws(SystemError) in try target.complete(version: request.version) }
        return target
    }

    /// The first name of its kind that is free: a service may be running from the one before.
    private func freeFolder() -> String {
        let first = layout.absolute(Self.folderPrefix + request.version)
        var folder = first
        var revision = 2
        while FileSystem.exists(folder) {
            folder = "\(first)-r\(revision)"
            revision += 1
        }
        return folder
    }

    /// The programs that build: `uv` brings its own installer and is ten times faster.
    private enum Tools {
        case uv(path: String, python: String?)
        case python(path: String)
    }

    private func tools() throws(BootstrapError) -> Tools {
        let python = ChildProcess.locate(request.python ?? "python3", searchPath: request.searchPath)
        if let uv = ChildProcess.locate("uv", searchPath: request.searchPath) {
            return .uv(path: uv, python: request.python)
        }
        guard let python else { throw .noPython }
        return .python(path: python)
    }

    private func make(
        _ target: LiteLLMEnvironment, with tools: Tools, lock: Int32
    ) throws(BootstrapError) {
        channel.progress(InstallLiteLLMRequest.artifact, "environment", target.folder)
        switch tools {
        case .uv(let path, let python):
            let choice = python.map { ["--python", $0] } ?? []
            try run([path, "venv", "--quiet"] + choice + [target.folder], "making an environment with uv", lock: lock)
        case .python(let path):
            try run([path, "-m", "venv", target.folder], "making an environment with `python3 -m venv`", lock: lock)
        }
    }

    private func install(
        into target: LiteLLMEnvironment, with tools: Tools, lock: Int32
    ) throws(BootstrapError) {
        // The callback `prometheus` needs the second one, which litellm[proxy] leaves out.
        var what = ["litellm[proxy]==\(request.version)", "prometheus_client"]
        if let file = try usableLock() { what = ["--no-deps", "--require-hashes", "-r", file] }
        channel.progress(InstallLiteLLMRequest.artifact, "install", "litellm[proxy] \(request.version)")
        switch tools {
        case .uv(let path, _):
            try run(
                [path, "pip", "install", "--python", target.python] + what, "installing LiteLLM with uv", lock: lock)
        case .python:
            let options = [
                "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--report", report(of: target),
            ]
            try run(
                [target.python, "-m", "pip", "install"] + options + what, "installing LiteLLM with pip", lock: lock)
        }
    }

    /// The file of hashes, if it is about the wanted version.
    private func usableLock() throws(BootstrapError) -> String? {
        guard let file = request.requirementsFile else { return nil }
        let bytes = try storing { () throws(SystemError) in
            try FileSystem.read(file, limit: Self.requirementsLimitBytes)
        }
        let pins = ["litellm==\(request.version)", "litellm[proxy]==\(request.version)"]
        let isPinned = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).contains { line in
            line.split(separator: " ").first.map { pins.contains(String($0)) } ?? false
        }
        if isPinned { return file }
        channel.send(
            .notice(
                Diagnostic(
                    "bootstrap/lock-of-another-version",
                    "`\(file)` does not pin LiteLLM \(request.version), so packages are not checked against it",
                    severity: .warning)))
        return nil
    }

    private func report(of target: LiteLLMEnvironment) -> String { target.folder + "/install-report.json" }

    /// Runs an installer with its output in the log; its last lines become the error.
    private func run(_ arguments: [String], _ step: String, lock: Int32) throws(BootstrapError) {
        let log = log
        let output = try storing { () throws(SystemError) in
            try OwnedDescriptor.open(log, [.writeOnly, .create, .append, .noFollow])
        }
        let nothing = try storing { () throws(SystemError) in try OwnedDescriptor.open("/dev/null", [.readOnly]) }
        let spec = ProcessSpec(
            executable: arguments[0], arguments: arguments,
            environment: Self.completed(environment).map { "\($0.key)=\($0.value)" }.sorted(), directory: layout.root)
        let status: ExitStatus
        do throws(FetchProtocolError) {
            let follower = InstallationWatch(path: log) { line in
                channel.progress(InstallLiteLLMRequest.artifact, "install", line)
            }
            defer { follower.stop() }
            status = try channel.run(
                spec, input: nothing.rawValue, output: output.rawValue, error: output.rawValue, extraDescriptor: lock)
        } catch {
            throw .helper(error)
        }
        guard status.isSuccess else {
            throw .installerFailed(step: step, log: log, lastLines: Self.lastLines(of: log))
        }
    }

    /// The environment with pip's settings in uv's words too, so that one configuration serves both.
    static func completed(_ environment: [String: String]) -> [String: String] {
        let words = [
            ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
            ("PIP_FIND_LINKS", "UV_FIND_LINKS"), ("PIP_CERT", "SSL_CERT_FILE"),
        ]
        var result = environment
        for (pip, uv) in words where environment[uv] == nil { result[uv] = environment[pip] }
        return result
    }

    static func lastLines(of log: String) -> [String] {
        let bytes = (try? FileSystem.read(log, limit: logLimitBytes)) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.suffix(quotedLines).map { String($0.prefix(400)) }
    }

    // MARK: The record

    /// Turns pip's report into requirements with hashes, so that `requirements_file` can pin every byte.
    private func writeRequirements(_ target: LiteLLMEnvironment) {
        guard let bytes = try? FileSystem.read(report(of: target), limit: 64 << 20),
            let installs = (try? JSONParser.parse(bytes))?["install"]?.arrayValue
        else { return }
        let lines = installs.compactMap { item -> String? in
            guard let name = item["metadata"]?["name"]?.stringValue,
                let version = item["metadata"]?["version"]?.stringValue,
                let hash = item["download_info"]?["archive_info"]?["hashes"]?["sha256"]?.stringValue
            else { return nil }
            return "\(name)==\(version) --hash=sha256:\(hash)"
        }
        let text = lines.sorted().joined(separator: "\n") + "\n"
        try? AtomicFile.write(Array(text.utf8), to: target.requirements, mode: 0o600)
        try? FileSystem.remove(report(of: target))
    }

    private func version(of target: LiteLLMEnvironment) throws(BootstrapError) -> Ledger.Version {
        let lock = try? Checksum.ofFile(target.requirements)
        return Ledger.Version(
            version: request.version, origin: "litellm[proxy]==\(request.version)", sha256: lock?.sha256,
            sizeBytes: Self.size(of: target.folder), installedAt: Timestamp.now().iso8601,
            stored: layout.relative(target.folder),
            programSHA256: Checksum.of(Array(target.runner(version: request.version).utf8)))
    }

    /// What the files of a folder take on disk.
    private static func size(of folder: String) -> Int {
        var total = 0
        for name in (try? FileSystem.list(folder)) ?? [] {
            let path = folder + "/" + name
            guard let found = try? FileSystem.status(path, followingLinks: false) else { continue }
            total += found.kind == .directory ? size(of: path) : found.sizeBytes
        }
        return total
    }
}

extension Installer {
    /// Makes an environment the one that services run, by replacing the runner script.
    mutating func activateEnvironment(_ version: Ledger.Version) throws(BootstrapError) {
        let environment = LiteLLMEnvironment(folder: layout.absolute(version.stored))
        let script = environment.runner(version: version.version)
        let path = layout.program(LiteLLMBootstrap.fileName)
        try storing { () throws(SystemError) in
            try AtomicFile.write(Array(script.utf8), to: path, mode: 0o755)
        }
        try recordActivation(of: version, InstallLiteLLMRequest.artifact)
    }
}
