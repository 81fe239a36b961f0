// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// `front: embedded`: what stands behind it is replaced, and clients never see it. The embedded gateway plays the part of
/// LiteLLM, since it starts in no time and drains as LiteLLM does.
@Suite struct FrontTests {
    private struct FrontedStack {
        let fixture: StackFixture
        private(set) var port: Int

        init(isFronted: Bool = true) throws {
            port = try Self.freePorts()
            fixture = try StackFixture()
            try write(isFronted: isFronted)
            try #require(try fixture.run("profile", "set", "balanced").code == 0)
            let start = try fixture.run("service", "start", "all", "--wait", "--timeout", "30")
            try #require(start.code == 0, "\(start)")
        }

        static func freePorts() throws -> Int {
            // Three ports in a row that nobody has, below those that the system gives to clients.
            let found = waitUntil(.seconds(10)) { () -> Int? in
                let port = Int.random(in: 10_000..<30_000)
                let busy = Set(ListeningSockets.all().map(\.port))
                return (port...port + 2).contains(where: busy.contains) ? nil : port
            }
            return try #require(found)
        }

        mutating func moveToOtherPorts() throws {
            port = try Self.freePorts()
            try write(isFronted: true)
        }

        func write(isFronted: Bool) throws {
            let gateway = Program.built("llm-router-gateway").path
            let services = """
                  litellm:
                    host: 127.0.0.1
                    port: \(port)
                    \(isFronted ? "front: embedded" : "restart: always")
                    command:
                      cwd: ..
                      args: ["\(gateway)", serve, --config, .router/runtime/litellm.active.yaml, --port, "\(port)"]
                    stop: {timeout: 20s}
                    readiness: {http: {path: /health/readiness}, period: 100ms, timeout: 2s}
                """
            let base = """
                  model_list:
                    - model_name: router-default
                      litellm_params: {model: mock/echo?chunk_delay_ms=100, api_key: none}
                """
            try fixture.writeConfig(services: services, base: base)
        }

        func load(streams: Int, callers: Int) throws -> RunningProgram {
            let script = Golden.repository + "/Tests/IntegrationTests/Fixtures/front_load.py"
            let arguments = [script, String(port), "router-default", String(streams), String(callers), stopFile]
            var variables = Program.inherited
            variables["API_KEY"] = try fixture.secret("LITELLM_MASTER_KEY")
            return try Program("/usr/bin/python3", arguments, environment: variables).start()
        }

        var stopFile: String { fixture.scratch.path("stop") }

        func runningSlots() throws -> [String] {
            let services = try fixture.json("status")["services"]?.arrayValue ?? []
            return services.filter { $0["pid"]?.integerValue != nil }.compactMap { $0["name"]?.stringValue }
        }
    }

    @Test func `no client notices a switch`() throws {
        let stack = try FrontedStack()
        #expect(try stack.runningSlots() == ["litellm", "litellm-a"])
        let load = try stack.load(streams: 8, callers: 4)
        var pids: Set<Int32> = []
        for profile in ["cost", "reliability", "balanced", "cost"] {
            let set = try stack.fixture.run("profile", "set", profile)
            #expect(set.code == 0, "\(set)")
            let line = try #require(set.lines.last)
            #expect(line.hasPrefix("litellm:restarted pid="), "\(set)")
            pids.insert(try #require(Int32(line.split(separator: "=").last ?? "")))
        }
        #expect(pids.count == 4)
        #expect(try stack.runningSlots() == ["litellm", "litellm-a"])
        let restart = try stack.fixture.run("service", "restart", "litellm")
        #expect(restart.lines.count == 1 && restart.lines[0].hasPrefix("litellm:restarted pid="), "\(restart)")
        #expect(try stack.runningSlots() == ["litellm", "litellm-b"])
        try stack.fixture.scratch.write("stop", "")
        let result = try load.finish(limit: .seconds(60))
        #expect(result.code == 0, "\(result)")
        #expect(result.lines.last?.hasSuffix("failures=0") == true, "\(result)")
        #expect(try stack.fixture.run("down").code == 0)
        #expect(try stack.runningSlots() == [])
    }

    @Test func `a front that is told of in a running stack takes the port over`() throws {
        let stack = try FrontedStack(isFronted: false)
        #expect(try stack.runningSlots() == ["litellm"])
        try stack.write(isFronted: true)
        let restart = try stack.fixture.run("service", "restart", "all", "--wait", "--timeout", "30")
        #expect(restart.code == 0, "\(restart)")
        #expect(try stack.runningSlots() == ["litellm", "litellm-a"])
        #expect(try stack.fixture.run("health").code == 0)
    }

    @Test func `a front follows its configuration to another port, and a damaged target is written anew`() throws {
        var stack = try FrontedStack()
        #expect(try stack.fixture.run("down").code == 0)
        try stack.moveToOtherPorts()
        let start = try stack.fixture.run("service", "start", "all", "--wait", "--timeout", "30")
        #expect(start.code == 0, "\(start)")
        #expect(try stack.fixture.run("health").code == 0)
        try stack.moveToOtherPorts()
        let restart = try stack.fixture.run("service", "restart", "litellm", "--wait", "--timeout", "30")
        #expect(restart.code == 0, "\(restart)")
        #expect(try stack.fixture.run("health").code == 0)
        #expect(try stack.fixture.run("down").code == 0)
        try stack.fixture.scratch.write(".router/runtime/front-litellm.json", "")
        let again = try stack.fixture.run("service", "start", "all", "--wait", "--timeout", "30")
        #expect(again.code == 0, "\(again)")
    }

    @Test func `two switches at once take turns`() throws {
        let stack = try FrontedStack()
        let first = try stack.fixture.program(["profile", "set", "cost"]).start()
        let second = try stack.fixture.program(["profile", "set", "reliability"]).start()
        for running in [first, second] {
            let result = try running.finish(limit: .seconds(60))
            #expect(result.code == 0, "\(result)")
        }
        #expect(try stack.runningSlots().count == 2)
        #expect(try stack.fixture.run("health").code == 0)
    }

    @Test func `a switch whose new process does not come up leaves the old one at work`() throws {
        let stack = try FrontedStack()
        let squatter = try Program(
            "/usr/bin/python3", ["-m", "http.server", "--bind", "127.0.0.1", String(stack.port + 2)]
        ).start()
        #expect(becomesTrue { !ListeningSockets.inodes(port: stack.port + 2).isEmpty })
        let set = try stack.fixture.run("profile", "set", "cost")
        #expect(set.code == 1, "\(set)")
        #expect(set.errors.contains("the old process goes on as it was"), "\(set)")
        #expect(set.errors.contains("`services.litellm.port`"), "\(set)")
        #expect(try stack.fixture.run("health").code == 0)
        #expect(try stack.runningSlots() == ["litellm", "litellm-a"])
        try squatter.kill9()
    }

    @Test func `a switch that is killed at any step is one that clients do not notice`() throws {
        let stack = try FrontedStack()
        let load = try stack.load(streams: 2, callers: 2)
        var step = 0
        while true {
            step += 1
            let profile = step.isMultiple(of: 2) ? "cost" : "balanced"
            let set = try stack.fixture.run(
                "profile", "set", profile, environment: ["LLM_ROUTER_CRASH_AT": String(step)])
            if set.code != nil { break }
            try #require(step < 60)
        }
        #expect(step > 5)
        let last = try stack.fixture.run("profile", "set", "reliability")
        #expect(last.code == 0, "\(last)")
        #expect(try stack.runningSlots().count == 2)
        try stack.fixture.scratch.write("stop", "")
        let result = try load.finish(limit: .seconds(60))
        #expect(result.lines.last?.hasSuffix("failures=0") == true, "\(result)")
    }
}
