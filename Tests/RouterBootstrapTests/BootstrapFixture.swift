// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import RouterBootstrap
import SystemIO
import TestSupport
import Transfer

/// A release host in a process of its own, and a runtime folder to install into.
final class BootstrapFixture {
    static let tag = "v6.8.16-0"

    let scratch: ScratchFolder
    let port: Int
    private let host: RunningProgram
    private let sink: OwnedDescriptor

    /// - Parameter options: further arguments of the stand-in.
    init(_ scenario: String = "ok", options: [String] = []) throws {
        scratch = try ScratchFolder()
        host = try Program.built("stand-in-release-host", ["--scenario", scenario] + options).start()
        let program = host
        let found = waitUntil(.seconds(60)) {
            program.output.contains("\n") ? program.output.split(separator: "\n").first : nil
        }
        guard let line = found, let port = Int(line.dropFirst("port=".count)) else {
            throw SystemError("start the release host: \(host.errors)", code: 1)
        }
        self.port = port
        sink = try OwnedDescriptor.open(scratch.path("messages"), [.writeOnly, .create, .append])
    }

    deinit {
        _ = try? host.kill9()
    }

    var api: String { "http://127.0.0.1:\(port)" }
    var runtime: String { scratch.path("runtime") }
    var program: String { runtime + "/bin/CLIProxyAPIPlus" }
    lazy var channel = FetchChannel(output: sink.rawValue)

    /// What the engine has said so far.
    func messages() throws -> [FetchMessage] {
        try scratch.read("messages").split(separator: "\n").map { try FetchLine.decode(Array($0.utf8)) }
    }

    /// Patience for tests: nothing here takes long unless it hangs.
    static var settings: TransferSettings {
        var settings = TransferSettings()
        settings.stallTimeout = .milliseconds(400)
        settings.retry = RetryPolicy(attempts: 3, firstDelay: .milliseconds(1), longestDelay: .milliseconds(5))
        return settings
    }

    func request(_ tag: String? = BootstrapFixture.tag, repository: String = "owner/CLIProxyAPIPlus")
        -> InstallBinaryRequest
    {
        let source = ReleaseSource(repository: repository, tag: tag)
        return InstallBinaryRequest(
            runtimeDirectory: runtime, origin: .release(api: api, sources: [source], token: nil))
    }

    @discardableResult
    func install(_ request: InstallBinaryRequest? = nil) throws -> InstalledArtifact {
        try BinaryBootstrap(request ?? self.request(), settings: Self.settings, channel: channel).run()
    }

    /// The stable code of the error that an installation ends with; nil when it succeeds.
    func failure(_ request: InstallBinaryRequest? = nil) -> Diagnostic? {
        do {
            try install(request)
            return nil
        } catch {
            return (error as? any DiagnosticConvertible)?.diagnostic ?? Diagnostic("other", "\(error)")
        }
    }

    /// Changes what the host does and forgets what it has seen.
    func play(_ scenario: String) throws {
        _ = try control("?scenario=" + scenario)
    }

    /// What the host has seen.
    func seen() throws -> JSONValue { try control("") }

    private func control(_ query: String) throws -> JSONValue {
        let request = TransferRequest(try TransferURL(api + "/_control" + query))
        return try JSONParser.parse(try HTTPExchange(settings: Self.settings).getJSON(request))
    }

    /// The version that the installed program prints; nil when it does not run.
    func installedVersion() throws -> String? {
        guard FileSystem.exists(program) else { return nil }
        let output = try Program(program).run().output
        return output.split(separator: " ").dropFirst(2).first.map { String($0.dropLast("-plus,".count)) }
    }

    /// All files below the runtime folder, without those that mean nothing.
    func files(below folder: String? = nil) throws -> [String] {
        let root = folder ?? runtime
        guard FileSystem.exists(root) else { return [] }
        return try FileSystem.list(root).flatMap { name -> [String] in
            let path = root + "/" + name
            if try FileSystem.status(path, followingLinks: false)?.kind == .directory { return try files(below: path) }
            return name == ".bootstrap.flock" ? [] : [String(path.dropFirst(runtime.utf8.count + 1))]
        }
    }
}
