// SPDX-License-Identifier: MIT

import RouterDoctor
import SystemIO
import TestSupport
import Testing

@Suite struct ChecksTests {
    @Test func `a check is one line with quoted values`() {
        let check = Check(
            "runtime_binaries", .fail, [("path", "/a b/c"), ("reason", "missing")],
            suggestion: "llm-router bootstrap download")
        #expect(
            check.line(prefix: "doctor")
                == "doctor:runtime_binaries=fail path='/a b/c' reason=missing suggestion='llm-router bootstrap download'"
        )
    }

    @Test func `an open runtime folder fails with the command that closes it`() throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path("runtime")
        try PrivateDirectory.create(folder)
        let uid = try #require(try FileSystem.status(folder)).owner
        #expect(FileChecks.runtimeDirectory(folder, userID: uid).outcome == .pass)
        try FileSystem.setMode(folder, 0o755)
        let open = FileChecks.runtimeDirectory(folder, userID: uid)
        #expect(open.outcome == .fail)
        #expect(open.suggestion == "chmod 700 \(folder)")
        #expect(FileChecks.runtimeDirectory(folder, userID: uid &+ 1).outcome == .fail)
        #expect(FileChecks.runtimeDirectory(folder + "/missing", userID: uid).outcome == .warn)
    }

    @Test func `secret files that others may read are counted`() throws {
        let scratch = try ScratchFolder()
        let good = try scratch.write("good.env", "A=1", mode: 0o600)
        let bad = try scratch.write("bad.env", "A=1", mode: 0o644)
        let issues = FileChecks.permissionIssues(of: [good, bad, scratch.path("missing")])
        #expect(issues.map(\.suggestion) == ["chmod 600 \(bad)"])
    }

    @Test(arguments: ["sk-1234", "change-me-now", "your-api-key-2", "SK-LOCAL-TEST"])
    func `keys that stand in examples are public`(key: String) {
        #expect(ExposureChecks.isPublicKey(key))
    }

    @Test func `a generated key is not public`() {
        #expect(!ExposureChecks.isPublicKey("sk-6fe0c2d1b7a94c55b1d9a2f60a0f9f11"))
    }

    @Test func `a name tells what holds a key`() {
        for name in ["api_key", "secret-key", "key", "MANAGEMENT_PASSWORD"] { #expect(ExposureChecks.isKeyName(name)) }
        for name in ["max_tokens", "monkey", "keys", "model"] { #expect(!ExposureChecks.isKeyName(name)) }
    }

    @Test func `a bind that others reach needs a key`() {
        #expect(ExposureChecks.bind(service: "a", host: "127.0.0.1", port: 1, hasKey: false, setting: "host") == nil)
        #expect(
            ExposureChecks.bind(service: "a", host: "0.0.0.0", port: 1, hasKey: false, setting: "host")?.outcome
                == .fail)
        #expect(ExposureChecks.bind(service: "a", host: "", port: 1, hasKey: true, setting: "host")?.outcome == .warn)
    }

    @Test func `a key in use is named and never shown`() {
        let checks = ExposureChecks.publicKeysInUse([("LITELLM_MASTER_KEY", "sk-1234"), ("OTHER", "sk-5f3c")])
        #expect(checks.count == 1)
        #expect(checks.first?.line(prefix: "security").contains("sk-1234") == false)
    }

    @Test func `a clock before the first release is wrong`() {
        #expect(MachineChecks.clock(Timestamp(nanoseconds: 0)).outcome == .fail)
        #expect(MachineChecks.clock(.now()).outcome == .pass)
    }

    @Test func `missing variables are named one by one`() {
        let checks = MachineChecks.environment(referenced: ["A", "B"]) { $0 == "A" }
        #expect(checks.map(\.outcome) == [.warn])
        #expect(checks.first?.facts.first?.value == "B")
    }

    @Test func `a program that is missing or not executable is said`() throws {
        let scratch = try ScratchFolder()
        let program = try scratch.write("program", "#!/bin/sh\n", mode: 0o600)
        let check = { (path: String) in MachineChecks.binary(service: "s", executable: path, downloads: scratch.path) }
        #expect(check(program).suggestion == "chmod +x \(program)")
        try FileSystem.setMode(program, 0o700)
        #expect(check(program).outcome == .pass)
        #expect(check(program + "2").suggestion == "llm-router bootstrap download")
        #expect(check("/nonesuch/program").outcome == .fail)
        #expect(check("/nonesuch/program").suggestion == nil)
    }

    @Test func `a release known for stealing credentials fails`() throws {
        let scratch = try ScratchFolder()
        for (version, outcome) in [("1.82.8", Check.Outcome.fail), ("1.90.0", .pass)] {
            let runner = try scratch.write(
                "litellm-\(version)", "#!/bin/sh\necho 'Version = \(version)'\n", mode: 0o700)
            #expect(MachineChecks.liteLLM(runner: runner, problem: nil, environment: []).outcome == outcome)
        }
        let broken = try scratch.write("litellm-broken", "#!/bin/sh\nexit 1\n", mode: 0o700)
        #expect(MachineChecks.liteLLM(runner: broken, problem: nil, environment: []).outcome == .fail)
    }

    @Test func `an installation with a problem is not started`() throws {
        let scratch = try ScratchFolder()
        let runner = try scratch.write("litellm", "#!/bin/sh\ntouch \(scratch.path("started"))\n", mode: 0o700)
        #expect(MachineChecks.liteLLM(runner: runner, problem: "poisoned", environment: []).outcome == .fail)
        #expect(!FileSystem.exists(scratch.path("started")))
    }

    @Test func `tracked secrets are found and examples are not`() throws {
        let scratch = try ScratchFolder()
        let git = try #require(ChildProcess.locate("git", searchPath: "/usr/local/bin:/usr/bin:/bin"))
        try scratch.write("config/routertool.yaml", "a: 1")
        try scratch.write("config/examples/routertool.yaml", "a: 1")
        try scratch.write(".router/secrets.env", "A=1")
        for arguments in [["init", "-q"], ["add", "-A", "-f"]] {
            #expect(try Program(git, ["-C", scratch.path] + arguments).run().code == 0)
        }
        let asked = RepositoryChecks.Git(executable: git, home: nil)
        let found = RepositoryChecks.trackedSensitiveFiles(in: scratch.path("config"), git: asked)
        #expect(found == .files([".router/secrets.env", "config/routertool.yaml"], top: scratch.path))
        let outside = try ScratchFolder()
        #expect(RepositoryChecks.trackedSensitiveFiles(in: outside.path, git: asked) == .noRepository)
        #expect(RepositoryChecks.trackedSensitiveFiles(in: outside.path, git: nil) == .noRepository)
        #expect(RepositoryChecks.trackedSensitiveFiles(in: scratch.path, git: nil) == .unknown(reason: "git-missing"))
    }

    @Test func `a git that fails is no proof that nothing is tracked`() throws {
        let scratch = try ScratchFolder()
        let git = try #require(ChildProcess.locate("git", searchPath: "/usr/local/bin:/usr/bin:/bin"))
        #expect(try Program(git, ["-C", scratch.path, "init", "-q"]).run().code == 0)
        try scratch.write(".git/config", "[broken")
        let check = try #require(
            RepositoryChecks.checks(
                configFolder: scratch.path, routerFolder: scratch.path(".router"),
                git: .init(executable: git, home: nil)
            ).first)
        #expect(check.outcome == .warn)
        #expect(check.facts.first?.value.contains("bad config") == true)
    }

    @Test func `keys in a shared folder must be ignored by its repository`() throws {
        let scratch = try ScratchFolder()
        let git = try #require(ChildProcess.locate("git", searchPath: "/usr/local/bin:/usr/bin:/bin"))
        try scratch.write("data/secrets.env", "A=1")
        let outcome = {
            RepositoryChecks.checks(
                configFolder: scratch.path, routerFolder: scratch.path("data"), git: .init(executable: git, home: nil)
            ).last?.outcome
        }
        #expect(outcome() == .pass)
        #expect(try Program(git, ["-C", scratch.path, "init", "-q"]).run().code == 0)
        #expect(outcome() == .fail)
        try scratch.write(".gitignore", "secrets.env\n")
        #expect(outcome() == .pass)
    }
}
