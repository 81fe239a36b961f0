// SPDX-License-Identifier: MIT

import JSONSyntax
import Synchronization
import SystemIO
import TestSupport
import Testing

/// The sample of `init --engine litellm` on free ports, and everything that its commands have said.
final class SampleStack {
    static let plantedKeys = ["sk-planted-custom-key", "planted-code-51"] + CodexFile.secrets

    let fixture: StackFixture
    let callbackPort: Int
    private let port: Int
    private let archive: String
    private let said = Mutex("")
    private let commandLines = Mutex("")
    private var variables: [String: String]
    private var releaseHost: RunningProgram?

    /// - Parameters:
    ///   - release: which generation of CLIProxyAPI is played.
    ///   - ownerHesitatesSeconds: how long the account's owner takes to agree to a device flow.
    init(release: String = "legacy", ownerHesitatesSeconds: Int = 1) throws {
        fixture = try StackFixture()
        port = Int.random(in: 10_000..<30_000)
        callbackPort = try FreePort.find()
        let proxyPort = try FreePort.find()
        archive = try Self.archive(in: fixture.scratch)
        variables = [
            "STANDIN_MODELS": "router-default", "STANDIN_CALLBACK_PORT": String(callbackPort),
            "STANDIN_PROFILE": release, "STANDIN_OAUTH_DELAY": String(ownerHesitatesSeconds),
            "CUSTOM_API_KEY": "sk-planted-custom-key",
        ]
        try #require(try run("init", "--engine", "litellm").code == 0)
        for file in ["config/routertool.yaml", "config/cliproxyapi.yaml"] {
            let text = try fixture.scratch.read(file).replacing("4000", with: String(port)).replacing(
                "8317", with: String(proxyPort))
            try fixture.scratch.write(file, text)
        }
        let text = try fixture.scratch.read("config/routertool.yaml")
        try fixture.scratch.write(
            "config/routertool.yaml",
            text + "\noauth:\n  codex: {callback_port: \(callbackPort), poll_interval: 1s}\n")
    }

    /// Serves the release from a host of its own on loopback.
    func startReleaseHost() throws {
        let host = try Program.built("stand-in-release-host", ["--file", archive]).start()
        releaseHost = host
        let line = waitUntil(.seconds(20)) {
            host.output.split(separator: "\n").first { $0.hasPrefix("port=") }.map(String.init)
        }
        variables["LLM_ROUTER_RELEASE_API"] = "http://127.0.0.1:\(try #require(line).dropFirst("port=".count))"
    }

    /// Installs the stand-in from the archive and starts it.
    func startProxy() throws {
        let install = try run("bootstrap", "download", "--archive", archive, "--allow-unverified")
        try #require(install.code == 0, "\(install)")
        let start = try run("service", "start", "cliproxyapi_plus", "--wait", "--timeout", "30")
        try #require(start.code == 0, "\(start)")
    }

    /// A release archive whose program is the stand-in.
    private static func archive(in scratch: ScratchFolder) throws -> String {
        let program = try FileSystem.read(Program.built("stand-in-cliproxy").path, limit: 1 << 30)
        try scratch.write("release/cli-proxy-api-plus", program, mode: 0o755)
        let path = scratch.path("release.tar.gz")
        let tar = try Program("/bin/tar", ["czf", path, "-C", scratch.path("release"), "cli-proxy-api-plus"]).run()
        #expect(tar.code == 0, "\(tar)")
        return path
    }

    // MARK: Use

    @discardableResult
    func run(_ arguments: String...) throws -> ProgramResult { try run(arguments) }

    @discardableResult
    func run(_ arguments: [String]) throws -> ProgramResult {
        let result = try fixture.program(arguments, environment: variables).run(limit: .seconds(600))
        listen(result)
        return result
    }

    /// A command that goes on while the test does something else.
    func start(_ arguments: String...) throws -> RunningProgram { try start(arguments) }

    func start(_ arguments: [String]) throws -> RunningProgram {
        try fixture.program(arguments, environment: variables).start()
    }

    /// Keeps what a command has said for the search at the end.
    func listen(_ result: ProgramResult) {
        said.withLock { $0 += result.output + result.errors }
        let running = ProcessRecord.all().map { record in
            let bytes = (try? FileSystem.readStream("/proc/\(record.pid)/cmdline", limit: 1 << 20)) ?? []
            return String(decoding: bytes, as: UTF8.self)
        }
        commandLines.withLock { $0 += running.joined(separator: "\n") }
    }

    /// The `login_url` that a running login has printed.
    func loginURL(of login: RunningProgram) throws -> String {
        let line = waitUntil(.seconds(20)) {
            login.output.split(separator: "\n").first { $0.hasPrefix("login_url=") }.map(String.init)
        }
        return String(try #require(line, "\(login.output)\n\(login.errors)").dropFirst("login_url=".count))
    }

    /// Agrees to a login as its owner does in a browser.
    func agree(to url: String) throws {
        let state = try #require(url.split { "?&".contains($0) }.first { $0.hasPrefix("state=") })
        let answer = try Program(
            "/usr/bin/curl",
            [
                "--silent", "--show-error", "--max-time", "20",
                "http://127.0.0.1:\(callbackPort)/auth/callback?code=planted-code-51&\(state)",
            ]
        ).run()
        #expect(answer.code == 0, "\(answer)")
    }

    /// A login of the Codex CLI in the project folder.
    func writeCodexLogin(account: String = "acct-9", lastRefresh: Timestamp = .now()) throws -> String {
        try fixture.scratch.write(
            "codex/auth.json",
            CodexFile.text(CodexFile.object(account: account, issued: .now(), lastRefresh: lastRefresh)))
    }

    /// The real client library against the endpoint; the key goes through its environment.
    func chatThroughOpenAIPackage() throws -> ProgramResult {
        var variables = Program.inherited
        variables["OPENAI_BASE_URL"] = "http://127.0.0.1:\(port)/v1"
        variables["OPENAI_API_KEY"] = try fixture.secret("LITELLM_MASTER_KEY")
        let script = Golden.repository + "/Tests/IntegrationTests/Fixtures/openai_chat.py"
        return try Program(try PythonEnvironment.withClientLibraries(), [script], environment: variables).run()
    }

    /// Clients that go on until the file `stop` is written; the program prints each failure.
    func load(streams: Int, callers: Int) throws -> RunningProgram {
        var variables = Program.inherited
        variables["API_KEY"] = try fixture.secret("LITELLM_MASTER_KEY")
        let script = Golden.repository + "/Tests/IntegrationTests/Fixtures/front_load.py"
        let arguments = [script, String(port), "router-default", String(streams), String(callers)]
        return try Program(
            "/usr/bin/python3", arguments + [fixture.scratch.path("stop")], environment: variables
        ).start()
    }

    func modelNames() throws -> [String] {
        let arguments = [
            "--silent", "--show-error", "--no-buffer", "--max-time", "60", "--config", "-",
            "http://127.0.0.1:\(port)/v1/models",
        ]
        let header = "header = \"Authorization: Bearer \(try fixture.secret("LITELLM_MASTER_KEY"))\"\n"
        let result = try Program("/usr/bin/curl", arguments, input: header).run()
        #expect(result.code == 0, "\(result)")
        let models = try JSONParser.parse(result.output)
        return (models["data"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
    }

    // MARK: Secrets

    /// Neither generated nor planted secrets nor tokens are in anything that was said, written or given as an argument.
    func expectNoSecretAnywhere() throws {
        var planted = Self.plantedKeys + (try fixture.secrets().map(\.value))
        let holders = [".router/secrets.env", "config/cliproxyapi.yaml", "codex/auth.json"].map(fixture.scratch.path)
        for path in try files(below: fixture.scratch.path(".router/auths")) where path.hasSuffix(".json") {
            let object = try JSONParser.parse(try FileSystem.read(path, limit: 1 << 20))
            planted += ["access_token", "refresh_token", "id_token"].compactMap { object[$0]?.stringValue }
        }
        #expect(planted.count > 6)
        var texts = [("what commands said", said.withLock { $0 }), ("command lines", commandLines.withLock { $0 })]
        for folder in [".router", "config"] {
            for path in try files(below: fixture.scratch.path(folder)) where !holders.contains(path) {
                let bytes = try FileSystem.read(path, limit: 16 << 20)
                texts.append((path, String(decoding: bytes, as: UTF8.self)))
            }
        }
        for secret in planted {
            for (name, text) in texts where text.contains(secret) {
                Issue.record("a secret that begins with \(secret.prefix(8)) is in \(name)")
            }
        }
    }

    /// Every file that the command wrote below a folder; programs and environments that it installed are not its words.
    private func files(below folder: String) throws -> [String] {
        guard FileSystem.exists(folder) else { return [] }
        return try FileSystem.list(folder).flatMap { name -> [String] in
            let path = folder + "/" + name
            let isInstalled = ["bin", "downloads"].contains(name) || name.hasPrefix("litellm-1")
            switch try FileSystem.status(path, followingLinks: false)?.kind {
            case .directory?:
                return isInstalled || name == "auths" && folder.hasSuffix("/.router") ? [] : try files(below: path)
            case .regular?: return [path]
            default: return []
            }
        }
    }
}
