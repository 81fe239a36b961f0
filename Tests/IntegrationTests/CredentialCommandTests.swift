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
        // Keys pass through the command and its helper, which leave no core file; a service may.
        for pid in [login.pid] + descendants(of: login.pid).map(\.pid) { #expect(coreLimit(pid) == "0") }
        let service = try #require(try stack.fixture.pid(of: "cliproxyapi_plus"))
        #expect(coreLimit(service) == coreLimit(getpid()))
        login.signal(SIGINT)
        let ended = try login.finish(limit: .seconds(20))
        #expect(ended.code == 130, "\(ended)")
        let event = try #require(try stack.fixture.events().last { $0["event"]?.stringValue == "oauth_login" })
        #expect(event["result"]?.stringValue == "cancelled")
        #expect(try FileSystem.list(stack.fixture.scratch.path(".router/auths")).isEmpty)
    }

    /// The first moment is the one from which the command watches for the signal; before that it has done nothing.
    @Test(arguments: [
        ["codex", "login", "--no-browser"], ["codex", "login", "--device"], ["copilot", "login", "--no-browser"],
        ["codex", "import-headless"],
    ])
    func `Ctrl-C at any moment leaves an event, and no listener or half file`(command: [String]) throws {
        // Only the newer generation knows codex by device, only the older one Copilot.
        let stack = try SampleStack(
            release: command.contains("--device") ? "current" : "legacy", ownerHesitatesSeconds: 60)
        try stack.startProxy()
        let isImport = command.last == "import-headless"
        let arguments = ["auth"] + command + (isImport ? ["--source", try stack.writeCodexLogin()] : [])
        var interrupted = 0
        for milliseconds in isImport ? Array(0..<40) : [0, 1, 3, 10, 20, 40, 80, 160, 320, 640] {
            let before = try results(of: stack)
            let running = try stack.start(arguments)
            try #require(becomesTrue { watchesInterruption(running.pid) })
            usleep(UInt32(milliseconds * 1000))
            let helpers = descendants(of: running.pid)
            running.signal(SIGINT)
            let ended = try running.finish(limit: .seconds(20))
            let isDone = isImport && ended.code == 0
            if !isDone { interrupted += 1 }
            #expect(isDone || ended.code == 130, "after \(milliseconds) ms: \(ended)")
            #expect(try results(of: stack) == before + [isDone ? "success" : "cancelled"], "after \(milliseconds) ms")
            let names = try FileSystem.list(stack.fixture.scratch.path(".router/auths")).filter { $0.first != "." }
            #expect(names == (isDone ? ["codex-ada@example.com-plus.json"] : []), "after \(milliseconds) ms")
            for name in names { try FileSystem.remove(stack.fixture.scratch.path(".router/auths/" + name)) }
            #expect(becomesTrue(within: .seconds(5)) { !helpers.contains { $0.isAlive } })
        }
        #expect(isImport || interrupted == 10)
    }

    private func descendants(of pid: Int32) -> [ProcessIdentity] {
        let children = ProcessRecord.all().filter { $0.parent == pid }.map(\.pid)
        return children.compactMap { ProcessIdentity.of(pid: $0) } + children.flatMap(descendants)
    }

    /// The soft limit of core files, as the kernel writes it.
    private func coreLimit(_ pid: Int32) -> String? {
        let bytes = (try? FileSystem.readStream("/proc/\(pid)/limits", limit: 1 << 16)) ?? []
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Max core file size")
        }
        return line?.dropFirst("Max core file size".count).split(separator: " ").first.map(String.init)
    }

    /// Whether the process has a handler for SIGINT.
    private func watchesInterruption(_ pid: Int32) -> Bool {
        let bytes = (try? FileSystem.readStream("/proc/\(pid)/status", limit: 1 << 16)) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let caught = lines.first { $0.hasPrefix("SigCgt:") }?.split { " \t".contains($0) }.last
        return caught.flatMap { UInt64($0, radix: 16) }.map { $0 & 1 << UInt64(SIGINT - 1) != 0 } ?? false
    }

    /// The results of all logins and imports so far.
    private func results(of stack: SampleStack) throws -> [String] {
        let events = try stack.fixture.events().filter {
            ["oauth_login", "auth_import"].contains($0["event"]?.stringValue)
        }
        return events.compactMap { $0["result"]?.stringValue }
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
