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

/// The played server's process, config and signal contract: what the other tests stand on.
@Suite struct StandInProcessTests {
    private func run(
        _ server: PlayedServer, _ arguments: [String], config: String? = nil, environment: [String: String] = [:]
    ) throws -> ProgramResult {
        if let config { try server.scratch.write("config.yaml", config) }
        var program = Program.built("stand-in-cliproxy", arguments, environment: server.environment)
        for (name, value) in environment { program.environment[name] = value }
        program.directory = server.scratch.path
        return try program.run(limit: .seconds(20))
    }

    @Test(arguments: LoginTests.releases)
    func `the first line is the version, also for help`(release: String) throws {
        let result = try run(try PlayedServer(release), ["-h"])
        #expect(result.code == 0)
        #expect(result.lines.first?.hasPrefix("CLIProxyAPI Version: ") == true)
        #expect(result.errors.contains("-codex-login"))
        #expect(!result.errors.contains("-password"))
        #expect(result.errors.contains("-github-copilot-login") == (release == "legacy"))
        #expect(result.errors.contains("-codex-device-login") == (release == "current"))
    }

    @Test(arguments: ["--version", "-nonsense"])
    func `an unknown flag ends with 2`(flag: String) throws {
        let result = try run(try PlayedServer(), [flag])
        #expect(result.code == 2)
        #expect(result.errors.hasPrefix("flag provided but not defined: -"))
    }

    @Test func `failures of the config end with 0`() throws {
        let server = try PlayedServer()
        let missing = try run(server, ["-config", server.scratch.path("none.yaml")])
        #expect(missing.code == 0)
        #expect(missing.output.contains("failed to load config: "))
        let broken = try run(server, [], config: "port: [\n")
        #expect(broken.code == 0)
        #expect(broken.output.contains("failed to load config: "))
        let homeless = try run(server, [], config: "port: 1\n")
        #expect(homeless.code == 0)
        #expect(homeless.output.contains("failed to create auth directory : mkdir : no such file or directory"))
    }

    @Test(arguments: LoginTests.releases)
    func `a taken port is announced as a success first, and ends with 0`(release: String) throws {
        let server = try PlayedServer(release)
        let first = try server.start()
        let second = try run(server, [])
        #expect(second.code == 0)
        let lines = second.lines
        #expect(lines.dropLast().last?.contains("API server started successfully on: ") == true)
        #expect(lines.last?.contains("bind: address already in use") == true)
        try first.kill9()
    }

    @Test func `signals end it as they end the real one`() throws {
        let server = try PlayedServer()
        for (signal, status) in [(SIGTERM, ExitStatus.code(0)), (SIGINT, .code(0))] {
            let process = try server.start()
            process.signal(signal)
            #expect(try process.finish().status == status)
        }
        let process = try server.start()
        process.signal(SIGHUP)
        #expect(try process.finish().status == .signal(SIGHUP, dumpedCore: false))
    }

    @Test func `faults of the process can be had`() throws {
        let stubborn = try PlayedServer("legacy", ["STANDIN_IGNORE_SIGTERM": "1"])
        let process = try stubborn.start()
        process.signal(SIGTERM)
        #expect(try stubborn.get("/", key: nil).head.status == 200)
        #expect(try process.kill9().status == .signal(SIGKILL, dumpedCore: false))
        #expect(try run(PlayedServer(), [], environment: ["STANDIN_CRASH": "2"]).code == 2)
        #expect(try run(PlayedServer(), [], environment: ["STANDIN_EXIT_AFTER": "0.1"]).code == 0)
    }

    @Test func `a stray variable turns it into something else`() throws {
        let result = try run(PlayedServer(), [], environment: ["PGSTORE_DSN": "postgres://x"])
        #expect(result.code == 0)
        #expect(!result.output.contains("API server started"))
    }

    @Test func `with a password it wants to be called every ten seconds`() throws {
        let server = try PlayedServer("legacy", ["STANDIN_CLOCK_RATE": "40"])
        let result = try run(server, ["-password", "p"])
        #expect(result.code == 0)
        #expect(result.output.contains("keep-alive endpoint idle"))
    }

    // MARK: - Config

    @Test func `a plain management key is hashed in place, a hash stays`() throws {
        let server = try PlayedServer()
        let before = try FileSystem.status(server.configPath)
        let first = try server.start()
        let hashed = try server.scratch.read("config.yaml")
        #expect(hashed.contains("secret-key: $2a$10$"))
        #expect(!hashed.contains(PlayedServer.key))
        #expect(try FileSystem.status(server.configPath)?.inode == before?.inode)
        try first.kill9()
        let second = try server.start()
        #expect(try server.scratch.read("config.yaml") == hashed)
        #expect(try server.get("/v0/management/config").head.status == 200)
        try second.kill9()
    }

    @Test func `the auth folder may be below the home folder and is made`() throws {
        let server = try PlayedServer("legacy", ["HOME": "/nonexistent"])
        try server.scratch.write(
            "config.yaml", "host: 127.0.0.1\nport: \(server.port)\nauth-dir: ~/deep/auths\nodd: 1\n")
        let program = Program.built(
            "stand-in-cliproxy", environment: server.environment.merging(["HOME": server.scratch.path]) { $1 },
            directory: server.scratch.path)
        let process = try program.start()
        #expect(becomesTrue { FileSystem.exists(server.scratch.path("deep/auths")) })
        try process.kill9()
    }

    @Test(arguments: LoginTests.releases)
    func `a change in place is seen, a file renamed over it never`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let text = try server.scratch.read("config.yaml")
        func answers(to key: String) -> Bool {
            (try? server.get("/v1/models", key: key).head.status) == 200
        }
        let inPlace = text.replacing(PlayedServer.apiKey, with: "second-key")
        let descriptor = try OwnedDescriptor.open(server.configPath, [.writeOnly, .truncate])
        try descriptor.writeAll(Array(inPlace.utf8))
        #expect(becomesTrue { answers(to: "second-key") })
        // An atomic replacement makes a new inode, which nobody follows; neither do later writes count.
        try server.scratch.write("config.yaml", text.replacing(PlayedServer.apiKey, with: "third-key"))
        #expect(!becomesTrue(within: .milliseconds(400)) { answers(to: "third-key") })
        #expect(answers(to: "second-key"))
        try process.kill9()
    }

    // MARK: - Logins of the program

    @Test func `the callback login writes its file and ends with 0, a busy port ends with 13`() throws {
        let server = try PlayedServer()
        let program = Program.built(
            "stand-in-cliproxy", ["-codex-login", "--no-browser"], environment: server.environment,
            directory: server.scratch.path)
        let process = try program.start()
        #expect(becomesTrue { process.output.contains("Waiting for Codex authentication callback") })
        #expect(!process.output.contains("Opening browser"))
        let busy = try run(server, ["-codex-login"])
        #expect(busy.code == 13)
        let url = try #require(process.output.split(separator: "\n").first { $0.hasPrefix("https://auth.openai.com/") })
        let state = try #require(Web.state(of: String(url)))
        _ = try Web.send("GET", "http://127.0.0.1:\(server.callbackPort)/auth/callback?code=c&state=\(state)")
        let result = try process.finish(limit: .seconds(20))
        #expect(result.code == 0)
        #expect(result.output.contains("Codex authentication successful!"))
        #expect(try FileSystem.list(server.folder) == ["codex-ada@example.com-plus.json"])
    }
}
