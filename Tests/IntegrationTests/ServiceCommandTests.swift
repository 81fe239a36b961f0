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

/// `service`, `status`, `health`, `logs` and `events` on real processes.
@Suite struct ServiceCommandTests {
    private static let sleepers = """
          alpha: {command: {args: [sleep, "1000"]}, readiness: {exec: ["true"]}}
          beta: {command: {args: [sleep, "1000"]}, readiness: {exec: ["true"]}, depends_on: {alpha: started}}
        """

    @Test func `start, status and stop print the contract's lines`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        let before = try stack.run("status")
        #expect(before.code == 0, "\(before)")
        #expect(
            before.lines == [
                "current_profile=unknown", "updated_at=unknown", "alpha_running=no", "beta_running=no",
                "secret_permission_issues=0",
            ])

        let start = try stack.run("service", "start", "all", "--wait", "--timeout", "20")
        #expect(start.code == 0, "\(start)")
        let pids = try ["alpha", "beta"].map { try #require(try stack.pid(of: $0)) }
        #expect(start.lines.sorted() == ["alpha:started pid=\(pids[0])", "beta:started pid=\(pids[1])"])
        #expect(try stack.run("status").lines.contains("beta_running=yes"))

        let again = try stack.run("service", "start")
        #expect(again.code == 0)
        #expect(try stack.pid(of: "alpha") == pids[0])

        let stop = try stack.run("service", "stop", "all")
        #expect(stop.code == 0, "\(stop)")
        #expect(stop.lines.sorted() == ["alpha:stopped", "beta:stopped"])
        for pid in pids { #expect(ProcessIdentity.of(pid: pid) == nil) }
        #expect(try stack.run("service", "stop", "all").code == 0)
    }

    @Test func `restart gives a new process with the configuration as it is now`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        #expect(try stack.run("service", "start", "alpha").code == 0)
        let first = try #require(try stack.pid(of: "alpha"))
        try stack.writeConfig(services: Self.sleepers.replacing("1000", with: "2000"))
        let restart = try stack.run("service", "restart", "alpha")
        let second = try #require(try stack.pid(of: "alpha"))
        #expect(restart.lines == ["alpha:restarted pid=\(second)"], "\(restart)")
        #expect(first != second)
        let arguments = try FileSystem.readStream("/proc/\(second)/cmdline", limit: 4096)
        #expect(String(decoding: arguments, as: UTF8.self) == "sleep\u{0}2000\u{0}")
    }

    @Test func `a killed supervisor is replaced and the services never notice`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        #expect(try stack.run("service", "start", "--wait").code == 0)
        let pids = try ["alpha", "beta"].map { try #require(try stack.pid(of: $0)) }
        let supervisor = try #require(try stack.json("supervisor", "status")["pid"]?.integerValue)
        #expect(try Program("/bin/kill", ["-9", String(supervisor)]).run().code == 0)
        #expect(becomesTrue { ProcessIdentity.of(pid: Int32(supervisor)) == nil })

        let orphaned = try stack.run("status")
        #expect(orphaned.lines.contains("alpha_running=yes"))
        #expect(orphaned.errors.contains("supervisor is not running"))
        #expect(try stack.run("health").code == 0)
        #expect(try stack.run("service", "start", "all").code == 0)
        #expect(try ["alpha", "beta"].map { try stack.pid(of: $0) } == pids)
        #expect(try stack.events().count { $0["event"] == "service_adopted" } == 2)
    }

    @Test func `a command for one service brings the variables of the others that have been lost`() throws {
        let stack = try StackFixture(
            services: """
                  alpha: {command: {args: [sleep, "1000"]}, env: {GREETING: hello}, readiness: {exec: ["true"]}}
                  beta: {command: {args: [sleep, "1000"]}, readiness: {exec: ["true"]}}
                """)
        #expect(try stack.run("service", "start", "--wait").code == 0)
        let alpha = try #require(try stack.pid(of: "alpha"))
        let supervisor = try #require(try stack.json("supervisor", "status")["pid"]?.integerValue)
        for pid in [supervisor, Int(alpha)] {
            #expect(try Program("/bin/kill", ["-9", String(pid)]).run().code == 0)
            #expect(becomesTrue { ProcessIdentity.of(pid: Int32(pid)) == nil })
        }
        #expect(try stack.run("service", "start", "beta").lines.count == 1)
        #expect(try becomesTrue { try stack.pid(of: "alpha") != nil })
        let again = try #require(try stack.pid(of: "alpha"))
        let variables = try FileSystem.readStream("/proc/\(again)/environ", limit: 1 << 20)
        #expect(String(decoding: variables, as: UTF8.self).split(separator: "\u{0}").contains("GREETING=hello"))
    }

    @Test func `what is wrong with one service keeps no other one from starting`() throws {
        let stack = try StackFixture(
            services: """
                  alpha: {command: {args: [sleep, "1000"]}, env_file: ../missing.env}
                  beta: {command: {args: [sleep, "1000"]}}
                """)
        #expect(try stack.run("service", "start", "beta").code == 0)
        #expect(try stack.pid(of: "beta") != nil)
        let start = try stack.run("service", "start", "alpha")
        #expect(start.code == 1, "\(start)")
        #expect(start.errors.contains("missing.env"))
    }

    /// The modes keep others out; this is about who connects where a file system, or somebody's mistake, lets them.
    @Test(.enabled(if: geteuid() == 0)) func `another user is not served, whatever the modes say`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        #expect(try stack.run("service", "start", "alpha").code == 0)
        let runtime = try #require(try FileSystem.status(stack.runtime))
        let socket = try #require(try FileSystem.status(stack.runtime + "/supervisor.sock"))
        #expect(runtime.mode & 0o777 == 0o700 && socket.mode & 0o777 == 0o600)
        let stranger = ["--reuid=65534", "--regid=65534", "--clear-groups"]
        let router = Program.built("llm-router").path
        for folder in [stack.path, stack.scratch.path("config"), stack.scratch.path(".router"), stack.runtime] {
            try FileSystem.setMode(folder, 0o755)
        }
        let config = stack.scratch.path("config/routertool.yaml")
        try FileSystem.setMode(config, 0o644)
        // Where the tests themselves run in a folder that others cannot reach, there is nothing to see.
        guard try Program("/usr/bin/setpriv", stranger + ["test", "-r", config, "-a", "-x", router]).run().code == 0
        else { return }
        let ask = Program("/usr/bin/setpriv", stranger + [router, "supervisor", "status"], directory: stack.path)
        let refused = try ask.run()
        #expect(refused.code == 1 && refused.errors.contains("control") || refused.errors.contains("ermission"))
        try FileSystem.setMode(stack.runtime + "/supervisor.sock", 0o666)
        let closed = try ask.run()
        #expect(closed.code == 1 && closed.errors.contains("[control/closed]"), "\(closed)")
        #expect(try stack.pid(of: "alpha") != nil)
    }

    @Test func `reload plans and changes only what differs`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        #expect(try stack.run("service", "start", "--wait").code == 0)
        let alpha = try stack.pid(of: "alpha")
        try stack.writeConfig(
            services: Self.sleepers.replacing(
                "beta: {command: {args: [sleep, \"1000\"]}", with: "beta: {command: {args: [sleep, \"1001\"]}"))
        let status = try stack.json("status")["services"]?.arrayValue ?? []
        #expect(status.map { $0["config_changed"] } == [false, true])
        let plan = try stack.run("supervisor", "reload", "--dry-run")
        #expect(plan.lines == ["alpha:keep", "beta:restart changed=command.args"], "\(plan)")
        #expect(try stack.run("supervisor", "reload").code == 0)
        #expect(try stack.pid(of: "alpha") == alpha)
    }

    @Test func `the systemd unit is one that systemd accepts`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        let folder = stack.scratch.path("units")
        #expect(try stack.run("export", "systemd", "--scope", "system", "--run-as", "root", "--dir", folder).code == 0)
        let verify = try Program("/usr/bin/systemd-analyze", ["verify", "--man=no", folder + "/llm-router.service"])
            .run()
        #expect(verify.code == 0, "\(verify)")
    }

    @Test func `a hundred concurrent starts give one process a service`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        let running = try (0..<100).map { _ in try stack.program(["service", "start", "all"]).start() }
        let results = try running.map { try $0.finish() }
        #expect(
            results.allSatisfy { $0.code == 0 }, "\(results.first { $0.code != 0 }.map(String.init(describing:)) ?? "")"
        )
        let lines = Set(results.flatMap(\.lines))
        #expect(lines.count == 2, "\(lines)")
        for event in try stack.events() { #expect(event["timestamp"] != nil) }
    }

    @Test func `a service that dies at once fails the command with its last lines`() throws {
        let stack = try StackFixture(
            services: """
                  doomed: {command: {args: [sh, -c, "echo the reason; exit 3"]}, restart: never, readiness: {exec: ["false"]}}
                """)
        let result = try stack.run("service", "start", "--wait", "--timeout", "20")
        #expect(result.code == 1)
        #expect(result.errors.contains("the reason"), "\(result)")
        let exit = try #require(try stack.events().first { $0["event"] == "service_exit" })
        #expect(exit["service"] == "doomed")
        #expect(exit["detail"]?.stringValue?.contains("3") == true)
    }

    @Test func `an unknown service is a usage error with a suggestion`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        let result = try stack.run("service", "start", "alpa")
        #expect(result.code == 2)
        #expect(result.errors.contains("did you mean `alpha`?"))
    }

    @Test func `a port that is taken is said before the start, with its owner`() throws {
        let port = try FreePort.find()
        let owner = try Program("/usr/bin/python3", ["-m", "http.server", String(port), "--bind", "127.0.0.1"]).start()
        #expect(
            becomesTrue {
                (try? FileSystem.readStream("/proc/net/tcp", limit: 1 << 20)).map {
                    String(decoding: $0, as: UTF8.self).contains(String(format16(port)))
                } ?? false
            })
        let stack = try StackFixture(
            services: "  web: {port: \(port), command: {args: [sleep, \"1000\"]}, readiness: {exec: [\"true\"]}}")
        let result = try stack.run("service", "start", "web", "--timeout", "10")
        #expect(result.code == 1)
        #expect(result.errors.contains("\(port)") && result.errors.contains("\(owner.pid)"), "\(result)")
    }

    @Test func `health asks the service and names the key that is missing`() throws {
        let port = try FreePort.find()
        let program = Program.built("stand-in-cliproxy").path
        let stack = try StackFixture(
            services: """
                  cliproxyapi_plus:
                    port: \(port)
                    command: {cwd: .., args: [\(program), -config, cliproxyapi.yaml]}
                    readiness: {http: {path: /v1/models, bearer: os.environ/THE_KEY}, period: 100ms}
                """)
        try stack.scratch.write(
            "cliproxyapi.yaml",
            "host: 127.0.0.1\nport: \(port)\nauth-dir: \(stack.scratch.path("auths"))\napi-keys: [key-of-the-test]\n")
        let start = try stack.run("service", "start", environment: ["THE_KEY": "key-of-the-test"])
        #expect(start.code == 0, "\(start)")
        let isReady = try becomesTrue { try stack.run("health", environment: ["THE_KEY": "key-of-the-test"]).code == 0 }
        #expect(isReady)
        let health = try stack.run("health", environment: ["THE_KEY": "key-of-the-test"])
        #expect(
            health.lines == [
                "cliproxyapi_plus:liveness=ok readiness=ok running=yes readiness_code=200 readiness_error=none"
                    + " readiness_url=http://127.0.0.1:\(port)/v1/models"
            ], "\(health)")
        let without = try stack.run("health")
        #expect(without.code == 1)
        #expect(without.output.contains("readiness=fail"))
        #expect(without.errors.contains("THE_KEY"), "\(without)")
        #expect(!(without.output + without.errors).contains("key-of-the-test"))
    }

    @Test func `logs shows the last lines and merges services`() throws {
        let stack = try StackFixture(
            services: """
                  one: {command: {args: [sh, -c, "echo first; echo second; exec sleep 1000"]}, readiness: {exec: ["true"]}}
                  two: {command: {args: [sh, -c, "echo other; exec sleep 1000"]}, readiness: {exec: ["true"]}}
                """)
        #expect(try stack.run("service", "start").code == 0)
        #expect(try becomesTrue { try stack.run("logs", "one", "--tail", "1").output == "second\n" })
        #expect(try becomesTrue { try stack.run("logs").lines.contains("two | other") })
        let last = try stack.json("logs", "one", "--tail", "1")
        #expect(last == ["schema": 1, "lines": [["service": "one", "line": "second"]]])
    }

    @Test func `events can be filtered`() throws {
        let stack = try StackFixture(services: Self.sleepers)
        #expect(try stack.run("service", "start").code == 0)
        let lines = try stack.run("events", "--service", "alpha", "--event", "service_start").lines
        #expect(lines.count == 1)
        let event = try JSONParser.parse(try #require(lines.first))
        let report = try stack.json("events", "--service", "alpha", "--event", "service_start")
        #expect(report == ["schema": 1, "lines": [event]])
        #expect(
            event.objectValue?.names == ["timestamp", "event", "service", "profile", "provider", "result", "detail"])
    }

    private func format16(_ port: Int) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return ":" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
