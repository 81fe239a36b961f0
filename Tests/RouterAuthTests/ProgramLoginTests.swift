// SPDX-License-Identifier: MIT

import Diagnostics
import RouterAuth
import Synchronization
import SystemIO
import TestSupport
import Testing

/// Logins through a flag of the server's own program.
@Suite struct ProgramLoginTests {
    private func run(
        _ server: PlayedServer, _ provider: LoginProvider, _ console: PlayedOperator,
        timeout: Duration = .seconds(20), isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) throws -> LoginOutcome {
        try PrivateDirectory.create(server.folder)
        let program = Program.built("stand-in-cliproxy").path
        let spec = ProcessSpec(
            executable: program, arguments: [program, "-config", server.configPath],
            environment: server.environment.map { "\($0.key)=\($0.value)" }, directory: server.scratch.path)
        let login = ProgramLogin(provider: provider, spec: spec, folder: server.folder, timeout: timeout)
        return login.run(console: console, launcher: PlainLauncher(), isInterrupted: isInterrupted)
    }

    @Test func `a codex device login shows page and code`() throws {
        let server = try PlayedServer("current", ["STANDIN_OAUTH_DELAY": "0.2"])
        let console = PlayedOperator()
        let outcome = try run(server, .codex, console)
        guard case .success(let entry?) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(console.value(named: "login_url") == "https://auth.openai.com/codex/device")
        #expect(console.value(named: "user_code") == "ABCD-12345")
        let status = try #require(try FileSystem.status(server.folder + "/" + entry.name))
        #expect(status.mode == 0o600)
    }

    @Test func `a program without the flag is unsuitable`() throws {
        let outcome = try run(try PlayedServer("legacy"), .codex, PlayedOperator())
        #expect(outcome == .programUnsuitable(program: "stand-in-cliproxy", flag: "-codex-device-login"))
        #expect(outcome.word == "unsupported")
    }

    @Test func `a copilot login through the program`() throws {
        let server = try PlayedServer("legacy", ["STANDIN_OAUTH_DELAY": "0.1"])
        let console = PlayedOperator()
        #expect(try run(server, .copilot, console).isSuccess)
        #expect(console.value(named: "login_url") == "https://github.com/login/device")
        #expect(console.value(named: "user_code") == "WDJB-MJHT")
    }

    @Test(arguments: [("denied", "denied"), ("expired", "expired"), ("timeout", "expired"), ("save-failed", "failed")])
    func `the program's failures have their words although it exits with 0`(fault: String, word: String) throws {
        let server = try PlayedServer("current", ["STANDIN_OAUTH": fault, "STANDIN_OAUTH_DELAY": "0.05"])
        let outcome = try run(server, .codex, PlayedOperator())
        #expect(outcome.word == word, "\(outcome)")
    }

    @Test func `a program that says successful and writes nothing is unconfirmed`() throws {
        let server = try PlayedServer("current", ["STANDIN_OAUTH": "false-success", "STANDIN_OAUTH_DELAY": "0.05"])
        #expect(try run(server, .codex, PlayedOperator()) == .unconfirmed)
    }

    @Test func `a program that takes too long is ended`() throws {
        let server = try PlayedServer("current", ["STANDIN_OAUTH_DELAY": "600"])
        let outcome = try run(server, .codex, PlayedOperator(), timeout: .milliseconds(400))
        #expect(outcome == .timedOut(after: .milliseconds(400)))
    }

    @Test func `an interruption ends the program`() throws {
        let server = try PlayedServer("current", ["STANDIN_OAUTH_DELAY": "600"])
        let isInterrupted = Mutex(false)
        let console = PlayedOperator { _, _ in isInterrupted.withLock { $0 = true } }
        let outcome = try run(server, .codex, console, isInterrupted: { isInterrupted.withLock { $0 } })
        #expect(outcome == .interrupted)
    }

    @Test func `a program that is not there is said as such`() throws {
        let scratch = try ScratchFolder()
        let spec = ProcessSpec(executable: scratch.path("none"), arguments: ["none"], environment: [])
        let login = ProgramLogin(provider: .codex, spec: spec, folder: scratch.path, timeout: .seconds(5))
        let outcome = login.run(console: PlayedOperator(), launcher: PlainLauncher())
        #expect(outcome.word == "no-program")
    }
}
