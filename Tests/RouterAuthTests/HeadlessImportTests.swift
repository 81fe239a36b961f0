// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import SystemIO
import TestSupport
import Testing
import Transfer

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct HeadlessImportTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private var folder: String { scratch.path("auths") }

    private func run(_ object: JSONObject, now: Timestamp = CodexFile.now) throws -> HeadlessImport.Outcome {
        try run(text: CodexFile.text(object), now: now)
    }

    private func run(text: String, now: Timestamp = CodexFile.now) throws -> HeadlessImport.Outcome {
        let source = try scratch.write("auth.json", text)
        return try HeadlessImport(source: source, destination: folder).run(now: now)
    }

    private func saved(_ path: String) throws -> JSONObject {
        try #require(try JSONParser.parse(try FileSystem.read(path, limit: 1 << 20)).objectValue)
    }

    private func failure(_ text: String) throws -> AuthError {
        let error = #expect(throws: AuthError.self) { try run(text: text) }
        let names = FileSystem.exists(folder) ? try FileSystem.list(folder) : []
        #expect(!names.contains { $0.hasSuffix(".json") })
        return try #require(error)
    }

    @Test func `has what the loader needs, with the access token's end`() throws {
        let outcome = try run(CodexFile.object())
        #expect(outcome.path == folder + "/codex-ada@example.com-plus.json")
        #expect(outcome.change == .created)
        let object = try saved(outcome.path)
        #expect(object["type"] == "codex")
        #expect(object["account_id"] == "acct-1234")
        #expect(object["email"] == "ada@example.com")
        #expect(object["refresh_token"] == .string(CodexFile.secrets[0]))
        #expect(object["last_refresh"] == .string(CodexFile.now.rfc3339))
        let end = Timestamp(nanoseconds: CodexFile.now.nanoseconds + 864_000 * 1_000_000_000)
        #expect(object["expired"] == .string(end.rfc3339))
        #expect(try FileSystem.status(outcome.path)?.mode == 0o600)
        #expect(try FileSystem.status(folder)?.mode == 0o700)
        #expect(try FileSystem.list(folder).filter { !$0.hasPrefix(".") }.count == 1)
        #expect(outcome.warnings.map(\.code) == ["auth/shared-login"])
    }

    @Test func `somebody else's login in the same workspace stays`() throws {
        let earlier = Timestamp(nanoseconds: CodexFile.now.nanoseconds - 86_400 * 1_000_000_000)
        let bob = try run(CodexFile.object(email: "bob@example.com", plan: "team", lastRefresh: earlier))
        let before = try FileSystem.read(bob.path, limit: 1 << 20)
        let ada = try run(CodexFile.object(email: "ada@example.com", plan: "team"))
        #expect(ada.change == .created && ada.path != bob.path)
        #expect(try FileSystem.read(bob.path, limit: 1 << 20) == before)
        // The same person is known again, however the address is written.
        let again = try run(CodexFile.object(email: "Ada@Example.com", plan: "team"))
        #expect(again.path == ada.path && again.change == .updated)
    }

    @Test(arguments: ["2026-09-21 14:13:20", "17"])
    func `a login whose date cannot be read is as new as its token says`(date: String) throws {
        let later = Timestamp(nanoseconds: CodexFile.now.nanoseconds + 86_400 * 1_000_000_000)
        let first = try run(CodexFile.object(issued: later, lastRefresh: later))
        var object = try saved(first.path)
        object["last_refresh"] = Int(date).map { .integer($0) } ?? .string(date)
        object["account_id"] = nil
        try FileSystem.remove(first.path)
        try AtomicFile.write(JSONWriter.bytes(of: .object(object)), to: first.path, mode: 0o600)
        let error = #expect(throws: AuthError.self) { try run(CodexFile.object()) }
        guard case .newerCredential? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["\r\nX-Evil: 1", "\u{0}", " \u{e9}", " "])
    func `a token that no header can carry is refused`(tail: String) throws {
        for name in ["access_token", "refresh_token", "account_id", "id_token"] {
            var object = CodexFile.object()
            var tokens = try #require(object["tokens"]?.objectValue)
            tokens[name] = .string((tokens[name]?.stringValue ?? "") + tail)
            object["tokens"] = .object(tokens)
            guard case .sourceMalformed = try failure(CodexFile.text(object)) else {
                Issue.record("\(name) with \(tail.debugDescription)")
                continue
            }
        }
    }

    @Test func `a lock that somebody keeps ends the import, and nothing is written`() throws {
        try PrivateDirectory.create(folder)
        let lock = try FileLock.acquire(folder + "/.llm-router.lock")
        defer { withExtendedLifetime(lock) {} }
        guard case .destinationBusy(let path, _) = try failure(CodexFile.text(CodexFile.object())) else {
            Issue.record("the lock was ignored")
            return
        }
        #expect(path == folder + "/.llm-router.lock")
    }

    @Test func `a linked folder keeps its mode, and others who can write there are said`() throws {
        let target = scratch.path("shared")
        try PrivateDirectory.create(target)
        try FileSystem.setMode(target, 0o777)
        #expect(symlink(target, folder) == 0)
        let outcome = try run(CodexFile.object())
        #expect(outcome.warnings.contains { $0.code == "auth/shared-folder" })
        #expect(try FileSystem.status(target)?.mode == 0o777)
    }

    @Test func `names a team's file with the account's hash`() throws {
        let outcome = try run(CodexFile.object(plan: "Team"))
        #expect(PathName.last(of: outcome.path).hasSuffix("-ada@example.com-team.json"))
        #expect(PathName.last(of: outcome.path).count == "codex-01234567-ada@example.com-team.json".count)
    }

    @Test func `two accounts of one address get two files`() throws {
        let first = try run(CodexFile.object())
        let second = try run(CodexFile.object(account: "acct-other"))
        #expect(first.path != second.path)
        #expect(try saved(first.path)["account_id"] == "acct-1234")
        #expect(try saved(second.path)["account_id"] == "acct-other")
    }

    @Test func `a hostile address cannot leave the folder`() throws {
        let outcome = try run(CodexFile.object(email: "../../etc/\u{1B}[31m\u{202E}x"))
        #expect(PathName.parent(of: outcome.path) == folder)
        #expect(PathName.last(of: outcome.path).utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    }

    @Test func `an older login of the account is updated where it is, with what was added to it`() throws {
        let old = Timestamp(nanoseconds: CodexFile.now.nanoseconds - 86_400 * 1_000_000_000)
        try scratch.write(
            "auths/mine.json",
            CodexFile.text([
                "type": "codex", "account_id": "acct-1234", "access_token": "old", "refresh_token": "old",
                "last_refresh": .string(old.rfc3339), "priority": 7, "proxy_url": "http://127.0.0.1:3128",
            ]))
        let outcome = try run(CodexFile.object())
        #expect(outcome.path == folder + "/mine.json")
        #expect(outcome.change == .updated)
        let object = try saved(outcome.path)
        #expect(object["priority"] == 7)
        #expect(object["proxy_url"] == "http://127.0.0.1:3128")
        #expect(object["refresh_token"] == .string(CodexFile.secrets[0]))
    }

    @Test func `a newer login of the account is never overwritten`() throws {
        let newer = Timestamp(nanoseconds: CodexFile.now.nanoseconds + 60 * 1_000_000_000)
        let text = CodexFile.text([
            "type": "codex", "account_id": "acct-1234", "access_token": "new", "refresh_token": "new",
            "last_refresh": .string(newer.rfc3339),
        ])
        let path = try scratch.write("auths/codex-x.json", text)
        let error = #expect(throws: AuthError.self) { try run(CodexFile.object()) }
        #expect(error == .newerCredential(path: path, theirs: newer, ours: CodexFile.now))
        #expect(try scratch.read("auths/codex-x.json") == text)
    }

    @Test func `the same login twice changes nothing`() throws {
        let first = try run(CodexFile.object())
        let before = try FileSystem.status(first.path)
        let second = try run(CodexFile.object())
        #expect(second.change == .unchanged)
        #expect(try FileSystem.status(first.path) == before)
    }

    @Test func `a file that is no credential is not overwritten`() throws {
        try scratch.write("auths/codex-ada@example.com-plus.json", "{\"half\":")
        let outcome = try run(CodexFile.object())
        #expect(PathName.last(of: outcome.path) != "codex-ada@example.com-plus.json")
        #expect(try scratch.read("auths/codex-ada@example.com-plus.json") == "{\"half\":")
    }

    @Test func `a token that the server would renew at once is warned about`() throws {
        let later = Timestamp(nanoseconds: CodexFile.now.nanoseconds + 6 * 86_400 * 1_000_000_000)
        let outcome = try run(CodexFile.object(), now: later)
        #expect(outcome.warnings.map(\.code) == ["auth/shared-login", "auth/renewal-due"])
    }

    @Test func `the account comes from a claim where the file does not name it`() throws {
        var object = CodexFile.object()
        var tokens = try #require(object["tokens"]?.objectValue)
        tokens["account_id"] = .null
        object["tokens"] = .object(tokens)
        #expect(try saved(try run(object).path)["account_id"] == "acct-1234")
    }

    @Test func `without last_refresh the token's issue counts`() throws {
        let outcome = try run(CodexFile.object(lastRefresh: nil))
        #expect(try saved(outcome.path)["last_refresh"] == .string(CodexFile.now.rfc3339))
    }

    @Test func `refusals say exactly why`() throws {
        let apiKey = try failure("{\"OPENAI_API_KEY\": \"sk-planted\", \"tokens\": null}")
        #expect(apiKey == .sourceHasOnlyAPIKey(path: scratch.path("auth.json")))
        #expect(!"\(apiKey) \(apiKey.diagnostic)".contains("sk-planted"))
        #expect(try failure("{\"OPENAI_API_KEY\": null}") == .sourceNotLoggedIn(path: scratch.path("auth.json")))
        #expect(try failure("{").diagnostic.message.contains("the text ends too early"))
        #expect(try failure("[]").diagnostic.message.contains("no JSON object"))
        #expect(try failure("{\"tokens\": 1}").diagnostic.message.contains("`tokens` is no object"))
        #expect(try failure("{\"tokens\": {}}").diagnostic.message.contains("`tokens.access_token` is missing"))
        let error = #expect(throws: AuthError.self) {
            try HeadlessImport(source: scratch.path("none.json"), destination: folder).run(now: CodexFile.now)
        }
        #expect(error == .sourceMissing(path: scratch.path("none.json")))
    }

    @Test(arguments: [
        ("access_token", JSONValue.string("opaque"), "is no JWT"), ("access_token", 7, "is no string"),
        ("access_token", .string(CodexFile.token(["sub": "x"])), "no valid `exp`"),
        ("access_token", .string(CodexFile.token(["exp": 1e300])), "no valid `exp`"),
        ("id_token", "a.b.c", "`tokens.id_token` is no JWT"),
        ("refresh_token", "", "`tokens.refresh_token` is missing"),
    ])
    func `a damaged token is named`(name: String, value: JSONValue, words: String) throws {
        var object = CodexFile.object()
        var tokens = try #require(object["tokens"]?.objectValue)
        tokens[name] = value
        object["tokens"] = .object(tokens)
        #expect(try failure(CodexFile.text(object)).diagnostic.message.contains(words))
    }

    @Test func `the files of imports that were killed are cleared away`() throws {
        try scratch.write("auths/.codex-x.json.abc.partial", "half")
        _ = try run(CodexFile.object())
        #expect(!FileSystem.exists(folder + "/.codex-x.json.abc.partial"))
    }

    @Test(arguments: LoginTests.releases)
    func `the server lists the import as active and does not renew it`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let source = try server.scratch.write(
            "auth.json", CodexFile.text(CodexFile.object(issued: .now(), lastRefresh: .now())))
        let outcome = try HeadlessImport(source: source, destination: server.folder).run(now: .now())
        let before = try FileSystem.read(outcome.path, limit: 1 << 20)
        let models = becomesTrue { (try? server.json("/v1/models", key: PlayedServer.apiKey))?["data"] != [] }
        #expect(models)
        let file = try #require(try server.json("/v0/management/auth-files")["files"]?.arrayValue?.first)
        #expect(file["status"] == "active")
        #expect(file["email"] == "ada@example.com")
        #expect(try FileSystem.read(outcome.path, limit: 1 << 20) == before)
        try process.kill9()
    }

    /// The stand-in renews at its start what is due: this proves that the test above would notice.
    @Test func `the server renews what has neither an end nor a last renewal`() throws {
        let server = try PlayedServer()
        let text = "{\"type\":\"codex\",\"access_token\":\"a\",\"refresh_token\":\"r\",\"email\":\"ada@example.com\"}"
        try server.scratch.write("auths/codex-a.json", text)
        let process = try server.start()
        let isRenewed = try becomesTrue { try server.scratch.read("auths/codex-a.json") != text }
        #expect(isRenewed)
        try process.kill9()
    }
}
