// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import StandInHTTP
import Synchronization
import SystemIO
import TestSupport
import Testing
import Transfer

/// Logins against the stand-in, old and new, through the management API.
@Suite struct LoginTests {
    static let releases = ["legacy", "current"]

    private func plan(_ server: PlayedServer, _ provider: LoginProvider = .codex) -> LoginPlan {
        var plan = LoginPlan(provider: provider, usesCallback: provider == .codex)
        plan.pollInterval = .milliseconds(60)
        plan.timeout = .seconds(20)
        plan.proofLimit = .milliseconds(400)
        plan.outageLimit = .seconds(5)
        plan.callbackPort = server.callbackPort
        return plan
    }

    private func run(
        _ server: PlayedServer, _ console: PlayedOperator, key: String? = PlayedServer.key,
        provider: LoginProvider = .codex, change: (inout LoginPlan) -> Void = { _ in },
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) -> LoginOutcome {
        var plan = plan(server, provider)
        change(&plan)
        return Login(
            plan: plan, endpoints: .cliProxy(provider), client: server.client(key: key), folder: server.folder,
            console: console, isInterrupted: isInterrupted
        ).run()
    }

    @Test(arguments: releases)
    func `a login through the browser ends when its credential is there`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let console = PlayedOperator.returning("code=abc&state={state}", to: server.callbackPort)
        let outcome = run(server, console)
        guard case .success(let entry?) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(FileSystem.exists(server.folder + "/" + entry.name))
        #expect(console.value(named: "login_url")?.hasPrefix("https://auth.openai.com/oauth/authorize?") == true)
        // The port is free again.
        #expect(throws: Never.self) { _ = try CallbackListener.open(port: server.callbackPort) }
        try process.kill9()
    }

    @Test(arguments: releases)
    func `a second login of the same account counts because its file changed`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        for _ in 0..<2 {
            let console = PlayedOperator.returning("code=abc&state={state}", to: server.callbackPort)
            #expect(run(server, console).isSuccess)
        }
        try process.kill9()
    }

    @Test(arguments: releases)
    func `a second login that somebody else brings back counts by what its tokens tell`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let console = PlayedOperator.returning("code=abc&state={state}", to: server.callbackPort)
        guard case .success(let entry?) = run(server, console) else { return #expect(Bool(false)) }
        // As if that had been long ago.
        let path = server.folder + "/" + entry.name
        var object = try #require(JSONParser.parse(try FileSystem.read(path, limit: 1 << 20)).objectValue)
        object["id_token"] = .string(CodexFile.token(["auth_time": 1_700_000_000]))
        try AtomicFile.write(JSONWriter.bytes(of: .object(object)), to: path, mode: 0o600)
        let elsewhere = PlayedOperator { url, _ in
            let query = "code=abc&state=" + (Web.state(of: url) ?? "none")
            try? BackgroundThread.start { _ = try? server.get("/codex/callback?" + query, key: nil) }
        }
        let outcome = run(server, elsewhere)
        #expect(outcome.isSuccess, "\(outcome)")
        try process.kill9()
    }

    @Test func `a server that is restarted unseen and renews an old token has not logged in`() throws {
        let server = try PlayedServer("legacy")
        let running = Mutex<RunningProgram?>(try server.start())
        let due: JSONObject = [
            "type": "codex", "access_token": "old", "refresh_token": "old", "email": "ada@example.com",
            "expired": "2020-01-01T00:00:00Z", "last_refresh": "2019-12-01T00:00:00Z",
        ]
        let console = PlayedOperator { _, _ in
            _ = try? running.withLock { $0 }?.kill9()
            let path = server.folder + "/codex-ada@example.com-plus.json"
            try? AtomicFile.write(JSONWriter.bytes(of: .object(due)), to: path, mode: 0o600)
            let next = try? server.start()
            running.withLock { $0 = next }
            _ = becomesTrue { (try? FileSystem.read(path, limit: 1 << 20)) != JSONWriter.bytes(of: .object(due)) }
        }
        try PrivateDirectory.create(server.folder)
        try AtomicFile.write(
            JSONWriter.bytes(of: .object(due)), to: server.folder + "/codex-ada@example.com-plus.json", mode: 0o600)
        let outcome = run(server, console)
        #expect(outcome == .unconfirmed, "\(outcome)")
        _ = try? running.withLock { $0 }?.kill9()
    }

    @Test(arguments: releases)
    func `the callback URL can be pasted, also after rubbish and after another attempt's URL`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let console = PlayedOperator { url, console in
            console.type("what?")
            console.type("http://localhost:1455/auth/callback?code=abc&state=0000")
            console.type("")
            console.type("  http://localhost:1455/auth/callback?code=a%20b&state=\(Web.state(of: url) ?? "")  ")
        }
        let outcome = run(server, console) { $0.canPaste = true }
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(console.prompts.count == 1)
        #expect(console.notices.map(\.code) == ["auth/not-a-callback", "auth/other-attempt"])
        try process.kill9()
    }

    @Test(arguments: releases)
    func `a refusal in the browser is denied`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let console = PlayedOperator.returning("error=access_denied&state={state}", to: server.callbackPort)
        let outcome = run(server, console)
        #expect(outcome == .denied)
        #expect(outcome.word == "denied")
        #expect(outcome.diagnostic(provider: .codex)?.hints.isEmpty == false)
        try process.kill9()
    }

    @Test(arguments: releases)
    func `the server's own time-out is expired`(release: String) throws {
        let server = try PlayedServer(release, ["STANDIN_OAUTH": "timeout", "STANDIN_CLOCK_RATE": "10"])
        let process = try server.start()
        #expect(run(server, PlayedOperator()) == .expired)
        try process.kill9()
    }

    @Test(arguments: releases)
    func `our time-out is timeout and closes the port`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let outcome = run(server, PlayedOperator()) { $0.timeout = .milliseconds(300) }
        #expect(outcome == .timedOut(after: .milliseconds(300)))
        #expect(throws: Never.self) { _ = try CallbackListener.open(port: server.callbackPort) }
        try process.kill9()
    }

    @Test(arguments: releases)
    func `a busy port is port-busy before the server is asked for anything`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let other = try CallbackListener.open(port: server.callbackPort)
        let console = PlayedOperator()
        #expect(run(server, console) == .portBusy(port: server.callbackPort))
        #expect(console.values.isEmpty)
        #expect(!process.output.contains("codex-auth-url"))
        withExtendedLifetime(other.port) {}
        try process.kill9()
    }

    @Test(arguments: releases)
    func `with a busy port the URL can still be pasted`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let other = try CallbackListener.open(port: server.callbackPort)
        let console = PlayedOperator { url, console in
            console.type("http://localhost:1455/auth/callback?code=abc&state=\(Web.state(of: url) ?? "")")
        }
        let outcome = run(server, console) { $0.canPaste = true }
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(console.notices.first?.code == "auth/port-busy-paste")
        withExtendedLifetime(other.port) {}
        try process.kill9()
    }

    @Test(arguments: releases)
    func `a wrong key ends the login after one request`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let outcome = run(server, PlayedOperator(), key: "wrong")
        #expect(outcome == .serverFailed(.wrongKey))
        #expect(outcome.word == "wrong-key")
        #expect(process.output.components(of: "/v0/management") == 1)
        #expect(try server.get("/v0/management/auth-files").head.status == 200)
        try process.kill9()
    }

    @Test func `a ban is said as such`() throws {
        let server = try PlayedServer("current")
        let process = try server.start()
        for _ in 0..<5 { _ = try server.get("/v0/management/config", key: "wrong") }
        #expect(run(server, PlayedOperator()).word == "banned")
        try process.kill9()
    }

    @Test func `without a key nothing is sent`() throws {
        let server = try PlayedServer()
        let process = try server.start()
        #expect(run(server, PlayedOperator(), key: nil).word == "no-key")
        #expect(!process.output.contains("/v0/management"))
        try process.kill9()
    }

    @Test(arguments: releases)
    func `a management API that is off is said as such`(release: String) throws {
        let server = try PlayedServer(release, secret: "")
        let process = try server.start()
        #expect(run(server, PlayedOperator()).word == "management-off")
        try process.kill9()
    }

    @Test func `a server that does not run is unreachable`() throws {
        #expect(run(try PlayedServer(), PlayedOperator()).word == "unreachable")
    }

    @Test(arguments: releases)
    func `a server restarted in the middle has forgotten the login`(release: String) throws {
        let server = try PlayedServer(release)
        let running = Mutex<RunningProgram?>(try server.start())
        let console = PlayedOperator { _, _ in
            try? BackgroundThread.start {
                _ = try? running.withLock { $0 }?.kill9()
                // Long enough for a poll to find nobody there.
                _ = becomesTrue(within: .milliseconds(400)) { false }
                let next = try? server.start()
                running.withLock { $0 = next }
            }
        }
        let outcome = run(server, console)
        #expect(outcome == .serverRestarted, "\(outcome)")
        #expect(console.notices.map(\.code) == ["auth/server-away"])
        _ = try? running.withLock { $0 }?.kill9()
    }

    @Test(arguments: releases)
    func `a session that the server has lost is no success`(release: String) throws {
        // At this rate the server forgets a login after well under a second.
        let server = try PlayedServer(release, ["STANDIN_CLOCK_RATE": "3000"])
        let process = try server.start()
        let outcome = run(server, PlayedOperator()) { $0.pollInterval = .milliseconds(1500) }
        // The old server says "ok" of what it does not know, the new one says so.
        #expect(outcome == (release == "legacy" ? .unconfirmed : .lostSession), "\(outcome)")
        try process.kill9()
    }

    @Test(arguments: releases)
    func `an ok without a credential is never a success`(release: String) throws {
        let server = try PlayedServer(release, ["STANDIN_OAUTH": "false-success"])
        let process = try server.start()
        let console = PlayedOperator.returning("code=abc&state={state}", to: server.callbackPort)
        #expect(run(server, console) == .unconfirmed)
        try process.kill9()
    }

    @Test(arguments: releases, ["exchange-failed", "save-failed"])
    func `the server's failures are passed on`(release: String, fault: String) throws {
        let server = try PlayedServer(release, ["STANDIN_OAUTH": fault])
        let process = try server.start()
        let console = PlayedOperator.returning("code=abc&state={state}", to: server.callbackPort)
        let outcome = run(server, console)
        guard case .failed(let message) = outcome else { return #expect(Bool(false), "\(outcome)") }
        #expect(message.hasPrefix("Failed to"))
        try process.kill9()
    }

    @Test func `an interruption ends at once and frees the port`() throws {
        let server = try PlayedServer()
        let process = try server.start()
        let isInterrupted = Mutex(false)
        let console = PlayedOperator { _, _ in isInterrupted.withLock { $0 = true } }
        #expect(run(server, console, isInterrupted: { isInterrupted.withLock { $0 } }) == .interrupted)
        #expect(throws: Never.self) { _ = try CallbackListener.open(port: server.callbackPort) }
        try process.kill9()
    }

    // MARK: - Copilot

    @Test func `a copilot login shows a code and ends with its credential`() throws {
        let server = try PlayedServer("legacy", ["STANDIN_OAUTH_DELAY": "0.3"])
        let process = try server.start()
        let console = PlayedOperator()
        let outcome = run(server, console, provider: .copilot)
        #expect(outcome.isSuccess, "\(outcome)")
        #expect(console.value(named: "user_code") == "WDJB-MJHT")
        #expect(FileSystem.exists(server.folder + "/github-ada.json"))
        try process.kill9()
    }

    @Test func `a copilot login that is refused is denied`() throws {
        let server = try PlayedServer("legacy", ["STANDIN_OAUTH": "denied", "STANDIN_OAUTH_DELAY": "0.1"])
        let process = try server.start()
        #expect(run(server, PlayedOperator(), provider: .copilot) == .denied)
        try process.kill9()
    }

    @Test func `a server without copilot says so`() throws {
        let server = try PlayedServer("current")
        let process = try server.start()
        #expect(run(server, PlayedOperator(), provider: .copilot).word == "unsupported")
        try process.kill9()
    }
}

extension String {
    /// How often `part` occurs.
    func components(of part: String) -> Int { ranges(of: part).count }
}
