// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import RouterAuth
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct AuthStatusTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func read(now: Timestamp = CodexFile.now) throws -> AuthStatusAnswer {
        var status = AuthStatus(store: CredentialStore(folder: scratch.path("auths")), client: nil)
        return try status.read(now: now)
    }

    private func codes(_ text: String, mode: UInt32 = 0o600, now: Timestamp = CodexFile.now) throws -> [String] {
        try scratch.write("auths/x.json", text, mode: mode)
        return try #require(try read(now: now).credentials.first).problems.map(\.code)
    }

    @Test func `an empty or missing folder has no credentials and no problems`() throws {
        let answer = try read()
        #expect(answer.credentials.isEmpty)
        #expect(!answer.needsOperator)
        #expect(answer.server == "not-asked")
    }

    @Test func `shows who it is, until when, and no secret`() throws {
        let source = try scratch.write("auth.json", CodexFile.text(CodexFile.object()))
        _ = try HeadlessImport(source: source, destination: scratch.path("auths")).run(now: CodexFile.now)
        let answer = try read()
        let credential = try #require(answer.credentials.first)
        #expect(credential.provider == "codex")
        #expect(credential.account == "ada@example.com")
        #expect(credential.plan == "plus")
        #expect(credential.expires == "2026-10-01T14:13:20Z")
        #expect(credential.lastRefresh == CodexFile.now.rfc3339)
        #expect(credential.mode == "0600")
        #expect(credential.problems.isEmpty)
        #expect(!answer.needsOperator)
        for secret in CodexFile.secrets { #expect(!JSONWriter.text(of: answer.json).contains(secret)) }
    }

    @Test func `each problem has its word`() throws {
        #expect(try codes("{") == ["auth/credential-malformed"])
        #expect(try codes("[1]") == ["auth/credential-malformed"])
        #expect(try codes("{\"access_token\":\"x\"}") == ["auth/credential-no-type"])
        #expect(try codes("{\"type\":\"codex\"}") == ["auth/credential-no-access-token"])
        #expect(try codes("{\"type\":\"kimi\",\"disabled\":true}") == ["auth/credential-disabled"])
        #expect(try codes("{\"type\":\"kimi\"}", mode: 0o644) == ["auth/credential-mode"])
        let ended = "\"type\":\"codex\",\"access_token\":\"x\",\"expired\":\"2026-01-01T00:00:00Z\""
        #expect(try codes("{\(ended)}") == ["auth/credential-expired"])
        #expect(try codes("{\(ended),\"refresh_token\":\"r\"}") == ["auth/credential-not-renewed"])
    }

    @Test func `what cannot be looked at hides nothing else`() throws {
        try scratch.write("auths/good.json", "{\"type\":\"kimi\"}", mode: 0o600)
        let folder = scratch.path("auths")
        #expect(symlink("loop.json", folder + "/loop.json") == 0)
        for number in 0..<12 { #expect(symlink(".", folder + "/again\(number)") == 0) }
        let answer = try read()
        #expect(answer.credentials.map(\.name) == ["good.json", "loop.json"])
        #expect(answer.credentials[1].problems.map(\.code) == ["auth/credential-unreadable"])
        #expect(answer.needsOperator)
    }

    @Test func `a folder of thousands is cut and said, and its answer fits the pipe`() throws {
        for number in 0..<(CredentialStore.countLimit + 10) { try scratch.write("auths/broken-\(number).json", "{") }
        let start = MonotonicTime.now()
        let answer = try read()
        #expect(answer.credentials.count == CredentialStore.countLimit)
        #expect(answer.problems.contains { $0.code == "auth/too-many-files" })
        #expect(FetchLine.encode(.result(answer.json)).count < FetchLine.limitBytes)
        // Broken files are looked at again together, not one after the other.
        #expect(MonotonicTime.now() - start < .seconds(20))
    }

    @Test func `only what needs the operator makes the command fail`() throws {
        try scratch.write("auths/x.json", "{\"type\":\"kimi\",\"disabled\":true}")
        #expect(try !read().needsOperator)
        try scratch.write("auths/y.json", "{\"type\":\"kimi\"}", mode: 0o640)
        #expect(try read().needsOperator)
    }

    @Test func `a folder that others can enter is a problem of its own`() throws {
        try scratch.write("auths/x.json", "{\"type\":\"kimi\"}")
        try FileSystem.setMode(scratch.path("auths"), 0o755)
        #expect(try read().problems.map(\.code) == ["auth/credential-folder-mode"])
    }

    @Test func `the answer crosses the pipe unchanged`() throws {
        try scratch.write("auths/x.json", "{\"type\":\"kimi\",\"disabled\":true}", mode: 0o644)
        try scratch.write("auths/sub/y.json", "nothing")
        let answer = try read()
        #expect(answer.credentials.map(\.name) == ["sub/y.json", "x.json"])
        #expect(try AuthStatusAnswer(json: answer.json) == answer)
    }

    @Test(arguments: LoginTests.releases)
    func `a running server has its say`(release: String) throws {
        let server = try PlayedServer(release, ["STANDIN_REFRESH": "reused"])
        try server.scratch.write(
            "auths/codex-a.json", "{\"type\":\"codex\",\"access_token\":\"a\",\"refresh_token\":\"r\"}")
        try server.scratch.write("auths/github-b.json", "{\"type\":\"github-copilot\",\"access_token\":\"b\"}")
        let process = try server.start()
        var answer = AuthStatusAnswer(credentials: [], server: "", problems: [])
        let isNoticed = try becomesTrue {
            var status = AuthStatus(store: CredentialStore(folder: server.folder), client: server.client())
            answer = try status.read(now: .now())
            return answer.credentials.first?.serverStatus == "error"
        }
        #expect(isNoticed)
        #expect(answer.server == "answered")
        #expect(
            answer.credentials.first?.problems.map(\.message) == [
                "the server reports `codex-a.json` as error: refresh_token_reused"
            ])
        #expect(answer.credentials.last?.serverStatus == "active")
        #expect(answer.needsOperator)
        try process.kill9()
    }

    @Test func `a refused key is a problem of the server, not of the credentials`() throws {
        let server = try PlayedServer()
        let process = try server.start()
        var status = AuthStatus(store: CredentialStore(folder: server.folder), client: server.client(key: "wrong"))
        let answer = try status.read(now: .now())
        #expect(answer.server == "wrong-key")
        #expect(answer.problems.map(\.code) == ["auth/wrong-key"])
        try process.kill9()
    }
}
