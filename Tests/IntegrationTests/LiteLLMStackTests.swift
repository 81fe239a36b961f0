// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// The shipped LiteLLM sample from download to stop: real LiteLLM from PyPI, with stand-ins for the release host and
/// CLIProxyAPIPlus, which a test machine cannot have.
@Suite struct LiteLLMStackTests {
    @Test func `a newcomer's stack installs, starts, answers, switches and stops`() throws {
        let stack = try LiteLLMStack()
        let download = try stack.run("bootstrap", "download")
        #expect(
            download.lines == [
                "cliproxyapi_plus=\(stack.fixture.runtime)/bin/CLIProxyAPIPlus",
                "litellm=\(stack.fixture.runtime)/bin/litellm",
            ], "\(download)")
        try #require(download.code == 0)
        #expect(try stack.run("bootstrap", "verify").code == 0)
        #expect(try stack.run("profile", "set", "balanced").code == 0)

        let start = try stack.run("service", "start", "all", "--wait", "--timeout", "180")
        try #require(start.code == 0, "\(start)")
        let health = try stack.run("health")
        #expect(health.code == 0, "\(health)")
        #expect(
            health.lines.map { $0.prefix { $0 != " " } } == ["cliproxyapi_plus:liveness=ok", "litellm:liveness=ok"])
        #expect(try stack.run("status").lines.contains("litellm_running=yes"))

        let chat = try stack.chatThroughOpenAIPackage()
        #expect(chat.code == 0, "\(chat)")
        #expect(chat.lines.map { $0.prefix { $0 != " " } } == ["whole", "streamed"], "\(chat)")

        let before = try #require(try stack.fixture.pid(of: "litellm"))
        let proxy = try #require(try stack.fixture.pid(of: "cliproxyapi_plus"))
        let set = try stack.run("profile", "set", "cost")
        let after = try #require(try stack.fixture.pid(of: "litellm"))
        #expect(set.lines.last == "litellm:restarted pid=\(after)", "\(set)")
        #expect(before != after)
        #expect(try stack.fixture.pid(of: "cliproxyapi_plus") == proxy)
        #expect(try becomesTrue(within: .seconds(120)) { try stack.run("health").code == 0 })
        #expect(try stack.modelNames().contains("router-default"))

        let doctor = try stack.run("doctor")
        #expect(doctor.code == 0, "\(doctor)")
        #expect(doctor.output.contains("doctor:runtime_dependency=pass package=litellm version="))
        #expect(try stack.run("security", "check").code == 0)

        let stop = try stack.run("service", "stop", "all")
        #expect(stop.lines.sorted() == ["cliproxyapi_plus:stopped", "litellm:stopped"], "\(stop)")
        for pid in [after, proxy] { #expect(ProcessIdentity.of(pid: pid) == nil) }
        try stack.expectNoSecretInLogs()
    }
}

/// The sample of `init --engine litellm` on free ports.
private final class LiteLLMStack {
    let fixture: StackFixture
    private let port: Int
    private let releaseHost: RunningProgram
    private let environment: [String: String]

    init() throws {
        fixture = try StackFixture()
        port = try FreePort.find()
        let proxyPort = try FreePort.find()
        let archive = try Self.archive(in: fixture.scratch)
        releaseHost = try Program.built("stand-in-release-host", ["--file", archive]).start()
        let host = try Self.portPrinted(by: releaseHost)
        environment = [
            "LLM_ROUTER_RELEASE_API": "http://127.0.0.1:\(host)", "STANDIN_MODELS": "router-default",
            "CUSTOM_API_KEY": "sk-planted-custom-key",
        ]
        #expect(try fixture.run("init", "--engine", "litellm").code == 0)
        for file in ["config/routertool.yaml", "config/cliproxyapi.yaml"] {
            let text = try fixture.scratch.read(file).replacing("4000", with: String(port)).replacing(
                "8317", with: String(proxyPort))
            try fixture.scratch.write(file, text)
        }
    }

    private static func portPrinted(by program: RunningProgram) throws -> String {
        let line = waitUntil(.seconds(20)) {
            program.output.split(separator: "\n").first { $0.hasPrefix("port=") }.map(String.init)
        }
        return String(try #require(line).dropFirst("port=".count))
    }

    func run(_ arguments: String...) throws -> ProgramResult {
        try fixture.program(arguments, environment: environment).run(limit: .seconds(600))
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

    private func key() throws -> String {
        let lines = try fixture.scratch.read(".router/secrets.env").split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("LITELLM_MASTER_KEY=") })
        return String(line.dropFirst("LITELLM_MASTER_KEY=".count))
    }

    /// The real client library against the endpoint; the key goes through its environment.
    func chatThroughOpenAIPackage() throws -> ProgramResult {
        var variables = Program.inherited
        variables["OPENAI_BASE_URL"] = "http://127.0.0.1:\(port)/v1"
        variables["OPENAI_API_KEY"] = try key()
        let script = Golden.repository + "/Tests/IntegrationTests/Fixtures/openai_chat.py"
        return try Program(try PythonEnvironment.withClientLibraries(), [script], environment: variables).run()
    }

    func modelNames() throws -> [String] {
        let arguments = [
            "--silent", "--show-error", "--no-buffer", "--max-time", "60", "--config", "-",
            "http://127.0.0.1:\(port)/v1/models",
        ]
        let result = try Program("/usr/bin/curl", arguments, input: "header = \"Authorization: Bearer \(key())\"\n")
            .run()
        #expect(result.code == 0, "\(result)")
        let models = try JSONParser.parse(result.output)
        return (models["data"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
    }

    /// Neither generated nor planted keys are in anything that the command writes for people.
    func expectNoSecretInLogs() throws {
        let secrets = try fixture.scratch.read(".router/secrets.env").split(separator: "\n").compactMap { line in
            line.hasPrefix("#") ? nil : line.split(separator: "=", maxSplits: 1).dropFirst().first.map(String.init)
        }
        for file in [".router/runtime/events.log", ".router/logs/routerctl.log", ".router/runtime/supervisor.log"] {
            let text = try fixture.scratch.read(file)
            for secret in secrets + ["sk-planted-custom-key"] { #expect(!text.contains(secret), "a secret in \(file)") }
        }
    }
}
