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
