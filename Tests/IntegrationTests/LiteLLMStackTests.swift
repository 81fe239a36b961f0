// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// The shipped LiteLLM sample from download to stop: real LiteLLM from PyPI, with stand-ins for the release host and
/// CLIProxyAPIPlus, which a test machine cannot have.
@Suite struct LiteLLMStackTests {
    @Test func `a newcomer's stack installs, starts, answers, switches and stops`() throws {
        let stack = try SampleStack()
        try stack.startReleaseHost()
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

        try useCredentials(of: stack)
        try switchBehindFront(stack)
        let stop = try stack.run("service", "stop", "all")
        #expect(
            stop.lines.sorted() == ["cliproxyapi_plus:stopped", "litellm-b:stopped", "litellm:stopped"], "\(stop)")
        for pid in [proxy] { #expect(ProcessIdentity.of(pid: pid) == nil) }
        try stack.expectNoSecretAnywhere()
    }

    /// With the gateway in front, clients go on while LiteLLM is replaced.
    private func switchBehindFront(_ stack: SampleStack) throws {
        let stop = try stack.run("service", "stop", "litellm")
        #expect(stop.lines == ["litellm:stopped"], "\(stop)")
        let text = try stack.fixture.scratch.read("config/routertool.yaml")
        try stack.fixture.scratch.write(
            "config/routertool.yaml",
            text.replacing("  litellm:\n    host:", with: "  litellm:\n    front: embedded\n    host:"))
        let start = try stack.run("service", "start", "litellm", "--wait", "--timeout", "180")
        try #require(start.code == 0, "\(start)")
        let load = try stack.load(streams: 1, callers: 1)
        let set = try stack.run("profile", "set", "reliability")
        #expect(set.code == 0 && set.lines.last?.hasPrefix("litellm:restarted pid=") == true, "\(set)")
        try stack.fixture.scratch.write("stop", "")
        let result = try load.finish(limit: .seconds(120))
        #expect(result.code == 0, "\(result)")
        #expect(result.lines.last?.hasPrefix("streams=0") == false, "\(result)")
    }

    private func useCredentials(of stack: SampleStack) throws {
        let login = try stack.start("auth", "codex", "login", "--no-browser")
        try stack.agree(to: try stack.loginURL(of: login))
        let ended = try login.finish()
        stack.listen(ended)
        #expect(ended.lines.last == "oauth_status=success", "\(ended)")
        let source = try stack.writeCodexLogin()
        #expect(try stack.run("auth", "codex", "import-headless", "--source", source).code == 0)
        #expect(try stack.run("auth", "status").lines.count == 2)
        for command in [["events"], ["logs", "all", "--tail", "200"], ["status", "--output", "json"], ["doctor"]] {
            stack.listen(try stack.run(command))
        }
    }
}
