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

/// What running services make of a new profile, whoever tells them, and after whatever was killed in between.
@Suite struct ProfileSwitchTests {
    /// A service that reads the profile, and one that does not.
    private static let services = """
          reader:
            command: {cwd: .., args: [sh, -c, "exec sleep 1000", .router/runtime/litellm.active.yaml]}
            readiness: {exec: ["true"]}
          other: {command: {args: [sleep, "1000"]}, readiness: {exec: ["true"]}}
        """

    private func started() throws -> StackFixture {
        let stack = try StackFixture(services: Self.services)
        let up = try stack.run("up")
        try #require(up.code == 0, "\(up)")
        return stack
    }

    private func pids(_ stack: StackFixture) throws -> (reader: Int32, other: Int32) {
        (try #require(try stack.pid(of: "reader")), try #require(try stack.pid(of: "other")))
    }

    private func edit(_ stack: StackFixture, retries: Int) throws {
        let text = try stack.scratch.read("config/routertool.yaml")
        try stack.scratch.write(
            "config/routertool.yaml",
            text.replacing(
                "balanced: {litellm_settings: {num_retries: 2}}",
                with: "balanced: {litellm_settings: {num_retries: \(retries)}}"))
    }

    @Test func `a switch reaches services whose supervisor was killed`() throws {
        let stack = try started()
        let before = try pids(stack)
        let supervisor = try #require(try stack.json("supervisor", "status")["pid"]?.integerValue)
        kill(Int32(supervisor), SIGKILL)
        let set = try stack.run("profile", "set", "cost")
        #expect(set.code == 0, "\(set)")
        let after = try pids(stack)
        #expect(set.lines.last == "reader:restarted pid=\(after.reader)", "\(set)")
        #expect(after.reader != before.reader)
        #expect(after.other == before.other)
    }

    @Test func `up finishes a switch that was killed between the files and the services`() throws {
        let stack = try started()
        var step = 0
        while true {
            step += 1
            let before = try pids(stack)
            let isCost = try stack.run("status").lines[0] == "current_profile=cost"
            let profile = isCost ? "balanced" : "cost"
            let set = try stack.run("profile", "set", profile, environment: ["LLM_ROUTER_CRASH_AT": String(step)])
            let wasWritten = try stack.run("status").lines[0] == "current_profile=\(profile)"
            let middle = try pids(stack)
            #expect(try stack.run("up").code == 0)
            let after = try pids(stack)
            if wasWritten { #expect(middle.reader != before.reader || after.reader != middle.reader, "step \(step)") }
            #expect(after.other == before.other)
            let again = try stack.run("up")
            #expect(again.code == 0)
            #expect(try pids(stack).reader == after.reader, "step \(step): nothing was left to do")
            if set.code != nil { break }
            try #require(step < 60)
        }
        #expect(step > 5)
    }

    @Test func `supervisor reload applies an edited profile, and tells so before`() throws {
        let stack = try started()
        let before = try pids(stack)
        #expect(try stack.run("supervisor", "reload", "--dry-run").lines.sorted() == ["other:keep", "reader:keep"])
        try edit(stack, retries: 7)
        let plan = try stack.run("supervisor", "reload", "--dry-run")
        #expect(plan.lines.sorted() == ["other:keep", "reader:restart changed=profile"], "\(plan)")
        #expect(try pids(stack).reader == before.reader)
        let reload = try stack.run("supervisor", "reload")
        #expect(reload.code == 0, "\(reload)")
        let after = try pids(stack)
        #expect(reload.lines.last == "reader:restarted pid=\(after.reader)", "\(reload)")
        #expect(after.reader != before.reader && after.other == before.other)
        #expect(try stack.scratch.read(".router/runtime/litellm.active.yaml").contains("num_retries: 7"))
    }

    @Test func `run applies an edited profile on HUP and answers meanwhile`() throws {
        let stack = try StackFixture(services: Self.services)
        let run = try stack.program(["run"]).start()
        #expect(becomesTrue { (try? stack.pid(of: "other")) != nil && (try? stack.pid(of: "reader")) != nil })
        let before = try pids(stack)
        try edit(stack, retries: 9)
        run.signal(SIGHUP)
        #expect(becomesTrue { (try? stack.pid(of: "reader")).map { $0 != before.reader } ?? false })
        #expect(try stack.run("status").code == 0)
        #expect(try pids(stack).other == before.other)
        #expect(try stack.scratch.read(".router/runtime/litellm.active.yaml").contains("num_retries: 9"))
        run.signal(SIGTERM)
        #expect(try run.finish(limit: .seconds(20)).code == 0)
    }

    @Test func `run says when another supervisor serves the folder`() throws {
        let stack = try started()
        let run = try stack.run("run")
        #expect(run.code == 1)
        #expect(run.errors.contains("supervisor/already-served"), "\(run)")
    }

    @Test func `what the configuration no longer has can be stopped`() throws {
        let stack = try started()
        let before = try pids(stack)
        let lines = Self.services.split(separator: "\n").map(String.init)
        try stack.writeConfig(services: lines.dropLast().joined(separator: "\n"))
        #expect(try stack.run("service", "stop", "other").lines == ["other:stopped"])
        #expect(ProcessIdentity.of(pid: before.other) == nil)
        try stack.writeConfig(services: Self.services)
        #expect(try stack.run("service", "start", "other").code == 0)
        let other = try pids(stack).other
        try stack.writeConfig(services: lines.dropLast().joined(separator: "\n"))
        let down = try stack.run("down")
        #expect(down.lines.sorted() == ["other:stopped", "reader:stopped"], "\(down)")
        #expect(ProcessIdentity.of(pid: other) == nil)
    }

    @Test func `a switch that cannot be applied writes nothing`() throws {
        let stack = try started()
        let broken = Self.services.replacing("  other: {", with: "  other: {env_file: missing.env, ")
        try stack.writeConfig(services: broken)
        let set = try stack.run("profile", "set", "cost")
        #expect(set.code != 0)
        #expect(try stack.run("status").lines[0] == "current_profile=balanced")
    }
}
