// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// `profile` and what every command says of a configuration that is wrong.
@Suite struct ProfileCommandTests {
    private static let services = "  alpha: {command: {args: [sleep, \"1000\"]}, readiness: {exec: [\"true\"]}}"

    @Test func `set prints where things are and status repeats it`() throws {
        let stack = try StackFixture(services: Self.services)
        let set = try stack.run("profile", "set", "balanced")
        #expect(set.code == 0, "\(set)")
        #expect(
            set.lines == [
                "profile=balanced", "active_config=\(stack.runtime)/litellm.active.yaml",
                "state_file=\(stack.runtime)/state.json",
            ])
        #expect(try stack.run("status").lines.first == "current_profile=balanced")
        let mode = try #require(try FileSystem.status("\(stack.runtime)/litellm.active.yaml")).mode
        #expect(mode == 0o600)
        #expect(try #require(try FileSystem.status(stack.scratch.path(".router"))).mode == 0o700)
        #expect(try stack.run("profile", "list").lines == ["reliability", "balanced current", "cost"])
        #expect(try stack.run("profile", "diff", "balanced", "cost").output.contains("num_retries"))
        #expect(try stack.run("profile", "show").output.contains("num_retries: 2"))
    }

    @Test func `killed at any step, the old or the new profile is there, whole`() throws {
        let stack = try StackFixture(services: Self.services)
        #expect(try stack.run("profile", "set", "reliability").code == 0)
        let active = stack.runtime + "/litellm.active.yaml"
        let read = { String(decoding: try FileSystem.read(active, limit: 1 << 20), as: UTF8.self) }
        let old = try read()
        #expect(try stack.run("profile", "set", "cost").code == 0)
        let new = try read()
        #expect(old != new)

        var steps = 0
        for step in 1...200 {
            #expect(try stack.run("profile", "set", "reliability").code == 0)
            let killed = try stack.run("profile", "set", "cost", environment: ["LLM_ROUTER_CRASH_AT": String(step)])
            let now = try read()
            #expect(now == old || now == new, "step \(step)")
            let state = try JSONParser.parse(try FileSystem.read(stack.runtime + "/state.json", limit: 4096))
            #expect(["reliability", "cost"].contains(state["current_profile"]?.stringValue ?? ""), "step \(step)")
            if killed.code == 0 { break }
            #expect(killed.status == .signal(9, dumpedCore: false), "step \(step): \(killed)")
            steps += 1
        }
        #expect(steps >= 8, "the steps are marked")
        #expect(try stack.run("profile", "set", "cost").code == 0)
        let left = try FileSystem.list(stack.runtime).filter { $0.hasSuffix(AtomicFile.temporarySuffix) }
        #expect(left.count <= steps)
    }

    @Test func `an unknown profile is a usage error with a suggestion`() throws {
        let result = try StackFixture(services: Self.services).run("profile", "set", "balancd")
        #expect(result.code == 2)
        #expect(result.errors.contains("balanced"))
    }

    @Test func `all problems of a configuration are told at once, with places`() throws {
        let stack = try StackFixture(services: Self.services, extra: "servces: {}\nconfig_versoin: 3")
        let result = try stack.run("status")
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("config/routertool.yaml:"))
        #expect(result.errors.contains("did you mean `services`?"))
        #expect(result.errors.contains("^"))
    }

    @Test func `init overwrites nothing without --force, and the generated keys never`() throws {
        let stack = try StackFixture()
        #expect(try stack.run("init", "--engine", "litellm").code == 0)
        let secrets = try stack.scratch.read(".router/secrets.env")
        let files = [
            "config/routertool.yaml", "config/cliproxyapi.yaml", "config/env.example", ".router/.gitignore",
            "config/schema/routertool.schema.json",
        ]
        let written = try files.map(stack.scratch.read)
        for changed in files {
            for file in files { try FileSystem.remove(stack.scratch.path(file)) }
            try stack.scratch.write(changed, "mine")
            let result = try stack.run("init", "--engine", "litellm")
            #expect(result.code != 0, "\(changed)")
            #expect(result.errors.contains(changed))
            #expect(try stack.scratch.read(changed) == "mine")
            #expect(files.filter { FileSystem.exists(stack.scratch.path($0)) } == [changed])
            #expect(try stack.run("init", "--engine", "litellm", "--force").code == 0)
            #expect(try files.map(stack.scratch.read) == written)
        }
        #expect(try stack.scratch.read(".router/secrets.env") == secrets)
    }

    @Test func `gateway check reads the stack's active file unless --config names another`() throws {
        let stack = try StackFixture(services: Self.services)
        #expect(try stack.run("profile", "set", "balanced").code == 0)
        let active = try stack.run("gateway", "check", "--config", ".router/runtime/litellm.active.yaml")
        let plain = try stack.run("gateway", "check")
        #expect(plain.code == 0, "\(plain)")
        #expect(plain.output == active.output)
    }

    @Test func `a missing configuration says what to run`() throws {
        let result = try StackFixture().run("status")
        #expect(result.code == 2)
        #expect(result.errors.contains("llm-router init"))
    }

    @Test func `the command's log tells what was run and never a secret`() throws {
        let stack = try StackFixture(services: Self.services)
        #expect(try stack.run("profile", "set", "balanced", environment: ["OPENAI_API_KEY": "sk-planted-1"]).code == 0)
        #expect(try stack.run("profile", "set", "nonsense").code == 2)
        #expect(try stack.run("route", "explain", "--model", "nonsense", "--message", "my prompt").code != 0)
        let log = try stack.scratch.read(".router/logs/routerctl.log")
        #expect(!log.contains("my prompt"))
        #expect(log.contains("command=\"route explain --model ... --message ...\""))
        #expect(log.contains("command=\"profile set balanced\" exit=0"))
        #expect(log.contains("exit=2"))
        #expect(!log.contains("sk-planted-1"))
    }
}
