// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Credentials through the built command, with a running stand-in for CLIProxyAPIPlus.
@Suite struct CredentialCommandTests {
    @Test func `doctor says what auth status says`() throws {
        let stack = try SampleStack()
        try stack.startProxy()
        let empty = try stack.run("doctor")
        #expect(
            empty.output.contains("doctor:credentials=warn credentials=0 suggestion='llm-router auth codex login'"),
            "\(empty)")
        let source = try stack.writeCodexLogin()
        let imported = try stack.run("auth", "codex", "import-headless", "--source", source)
        #expect(imported.code == 0, "\(imported)")
        #expect(try becomesTrue { try stack.run("auth", "status").output.contains("server=active") })
        let whole = try stack.run("doctor")
        #expect(whole.output.contains("doctor:credentials=pass name=codex-"), "\(whole)")
        for name in try FileSystem.list(stack.fixture.scratch.path(".router/auths")) {
            try FileSystem.setMode(stack.fixture.scratch.path(".router/auths/" + name), 0o644)
        }
        let open = try stack.run("doctor")
        #expect(open.code == 1)
        #expect(open.output.contains("doctor:credentials=fail name=codex-"), "\(open)")
        #expect(try stack.run("auth", "status").code == 1)
    }

    @Test func `a login that is interrupted leaves nothing but its event`() throws {
        let stack = try SampleStack()
        try stack.startProxy()
        let login = try stack.start("auth", "codex", "login", "--no-browser")
        _ = try stack.loginURL(of: login)
        login.signal(SIGINT)
        let ended = try login.finish(limit: .seconds(20))
        #expect(ended.code == 130, "\(ended)")
        let event = try #require(try stack.fixture.events().last { $0["event"]?.stringValue == "oauth_login" })
        #expect(event["result"]?.stringValue == "cancelled")
        #expect(try FileSystem.list(stack.fixture.scratch.path(".router/auths")).isEmpty)
    }

    @Test func `Ctrl-C at any moment of a login leaves no listener and no half file`() throws {
        let stack = try SampleStack()
        try stack.startProxy()
        var interrupted = 0
        for milliseconds in [1, 3, 10, 20, 40, 80, 160, 320, 640, 1280] {
            let before = try logins(of: stack)
            let login = try stack.start("auth", "codex", "login", "--no-browser")
            usleep(UInt32(milliseconds * 1000))
            login.signal(SIGINT)
            let ended = try login.finish(limit: .seconds(20))
            // Before the command has begun its login, the signal just ends it.
            if ended.code == nil { continue }
            #expect(ended.code == 130, "after \(milliseconds) ms: \(ended)")
            interrupted += 1
            #expect(try logins(of: stack) == before + ["cancelled"])
            let folder = stack.fixture.scratch.path(".router/auths")
            #expect(try FileSystem.list(folder).isEmpty)
            let helpers = ProcessRecord.all().filter { $0.parent == login.pid }
            #expect(helpers.isEmpty)
        }
        #expect(interrupted > 4)
    }

    /// The results of all logins so far.
    private func logins(of stack: SampleStack) throws -> [String] {
        try stack.fixture.events().filter { $0["event"]?.stringValue == "oauth_login" }.compactMap {
            $0["result"]?.stringValue
        }
    }

    @Test func `an import that is killed at any step leaves a whole credential or none`() throws {
        let stack = try SampleStack()
        let source = try stack.writeCodexLogin()
        let folder = stack.fixture.scratch.path(".router/auths")
        var steps = 0
        while true {
            steps += 1
            try? FileSystem.removeTree(folder)
            let result = try stack.fixture.program(
                ["auth", "codex", "import-headless", "--source", source],
                environment: ["LLM_ROUTER_CRASH_AT": String(steps)]
            ).run()
            let names = FileSystem.exists(folder) ? try FileSystem.list(folder) : []
            for name in names where name.hasSuffix(".json") {
                let object = try JSONParser.parse(try FileSystem.read(folder + "/" + name, limit: 1 << 20))
                #expect(object["refresh_token"]?.stringValue == CodexFile.secrets[0])
            }
            if result.code == 0 { break }
            try #require(steps < 50)
        }
        #expect(steps > 2)
    }
}
