// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// What a start answers, and what it does not do.
@Suite struct StartingTests {
    static func freePort() throws -> Int {
        let listener = try TCPSocket.listen(on: "127.0.0.1", port: 0)
        return TCPSocket.port(of: listener.rawValue)
    }

    static func http(_ port: Int) -> ProbeSpec {
        var probe = ProbeSpec(
            target: .http(HTTPProbe(address: ListenAddress(host: "127.0.0.1", port: port), path: "/v1/models")))
        probe.period = .milliseconds(100)
        probe.failureThreshold = 2
        return probe
    }

    @Test func `a hundred starts at once give one process a service and success for all`() throws {
        let stack = try Stack()
        let specs = (0..<4).map { stack.spec("s\($0)") }
        let results = Threads.run(100) { _ -> [ServiceOutcome]? in
            guard var client = try? stack.connect() else { return nil }
            return try? client.start([], specs: specs, wait: .started, timeout: .seconds(30))
        }
        #expect(results.allSatisfy { $0?.count == 4 && $0?.allSatisfy { $0.result.isSuccess } == true })
        let pids = Set(results.compactMap { $0 }.joined().compactMap(\.pid))
        #expect(pids.count == 4)
        #expect(Set(stack.livePIDs()) == pids)
        #expect(results.compactMap { $0 }.joined().filter { $0.result == .started }.count >= 4)
    }

    @Test func `waits until the probe succeeds`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let port = try Self.freePort()
        let spec = stack.spec("a", ["--port", "\(port)", "--ready-after", "200"]) { $0.readiness = Self.http(port) }
        let begun = MonotonicTime.now()
        #expect(try client.start([], specs: [spec], wait: .ready, timeout: .seconds(20)).map(\.result) == [.started])
        #expect(MonotonicTime.now() - begun >= .milliseconds(200))
        let status = try stack.status("a")
        #expect(status.isReady == true)
        #expect(status.readiness?.code == 200)
        var detailed = try stack.reconnect()
        #expect(try detailed.status(detail: [.ports]).services.first?.listeningPorts == [port])
    }

    @Test func `one that dies fails the start at once, with its last lines`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let port = try Self.freePort()
        let spec = stack.spec("a", ["--print", "cannot open the moon", "--exit-after", "30", "--exit-code", "3"]) {
            $0.readiness = Self.http(port)
        }
        let begun = MonotonicTime.now()
        let outcome = try #require(try client.start([], specs: [spec], wait: .ready, timeout: .seconds(30)).first)
        #expect(MonotonicTime.now() - begun < .seconds(20))
        #expect(outcome.result == .failed)
        #expect(outcome.lastLines.contains("cannot open the moon"))
        #expect(outcome.detail?.contains("code 3") == true)
    }

    @Test func `a program that is not there is said with a hint`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let spec = stack.spec("a", program: "/nowhere/at/all", [])
        let outcome = try #require(try client.start([], specs: [spec], wait: .started, timeout: .seconds(20)).first)
        #expect(outcome.result == .failed)
        #expect(outcome.detail?.contains("/nowhere/at/all") == true)
        #expect(outcome.detail?.contains("bootstrap") == true)
    }

    @Test func `a crash loop becomes fatal and says so`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let spec = stack.spec("a", ["--print", "boom", "--exit-after", "1", "--exit-code", "1"]) {
            $0.restart.initialDelay = .milliseconds(1)
            $0.restart.maximumDelay = .milliseconds(2)
        }
        _ = try client.start([], specs: [spec], wait: .started, timeout: .seconds(10))
        try expectSoon("it is given up") { try stack.status("a").phase == .fatal }
        #expect(try stack.status("a").detail?.contains("crash loop") == true)
        try expectSoon("it is told") { stack.events(.serviceFatal, "a").count == 1 }
        #expect(stack.events(.serviceFatal, "a").first?["detail"]?.stringValue?.contains("boom") == true)
        #expect(stack.livePIDs().isEmpty)
        // A start clears it.
        let fixed = stack.spec("a")
        #expect(try client.start([], specs: [fixed], wait: .started, timeout: .seconds(10)).map(\.result) == [.started])
    }

    @Test func `a taken port is said before the start`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let listener = try TCPSocket.listen(on: "127.0.0.1", port: 0)
        let port = TCPSocket.port(of: listener.rawValue)
        let spec = stack.spec("a", ["--port", "\(port)"]) { $0.listen = ListenAddress(host: "127.0.0.1", port: port) }
        let outcome = try #require(try client.start([], specs: [spec], wait: .started, timeout: .seconds(10)).first)
        #expect(outcome.result == .failed)
        #expect(outcome.detail?.contains("\(ProcessControl.currentPID)") == true)
        #expect(outcome.detail?.contains("`services.a.port`") == true)
        var slot = spec
        slot.origin = "front"
        let again = try client.start([], specs: [slot], wait: .started, timeout: .seconds(10)).first
        #expect(again?.detail?.contains("another `services.front.port`, since the next two ports") == true)
        #expect(stack.livePIDs().isEmpty)
        withExtendedLifetime(listener) {}
    }

    @Test func `an answer by another process is not ours`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let port = try Self.freePort()
        let owner = stack.spec("owner", ["--port", "\(port)"]) { $0.readiness = Self.http(port) }
        let guest = stack.spec("guest") { $0.readiness = Self.http(port) }
        let outcomes = try client.start([], specs: [owner, guest], wait: .ready, timeout: .seconds(2))
        #expect(outcomes.first { $0.service == "owner" }?.result == .started)
        #expect(outcomes.first { $0.service == "guest" }?.result == .timeout)
        #expect(try stack.status("guest").readiness?.error == "foreign-process")
    }

    @Test func `a hung service is restarted`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let port = try Self.freePort()
        let spec = stack.spec("a", ["--port", "\(port)", "--hang-after", "300"]) {
            $0.readiness = Self.http(port)
            var liveness = Self.http(port)
            liveness.timeout = .milliseconds(100)
            $0.liveness = liveness
        }
        let pid = try client.start([], specs: [spec], wait: .ready, timeout: .seconds(20)).first?.pid
        try expectSoon("it is restarted") { try stack.status("a").pid.map { $0 != pid } ?? false }
        try expectSoon("it is told") {
            stack.events(.serviceUnhealthy, "a").first?["detail"]?.stringValue == "timeout"
        }
    }

    @Test func `a probe that takes longer than its period is not asked twice at a time`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let told = stack.folder + "/told"
        let spec = stack.spec("a") {
            let script =
                "mkdir \(told).lock || echo overlap >>\(told); sleep 0.1; echo asked >>\(told); rmdir \(told).lock"
            var probe = ProbeSpec(target: .exec(["/bin/sh", "-c", script]))
            (probe.period, probe.startInterval, probe.timeout) = (.milliseconds(5), .milliseconds(5), .seconds(10))
            $0.readiness = probe
        }
        _ = try client.start([], specs: [spec], wait: .ready, timeout: .seconds(20))
        let lines = {
            String(decoding: (try? FileSystem.read(told, limit: 4096)) ?? [], as: UTF8.self).split(separator: "\n")
        }
        try expectSoon("it is asked again and again") { lines().count >= 5 }
        #expect(lines().allSatisfy { $0 == "asked" })
        _ = try client.stop([], timeout: .seconds(10))
    }

    @Test func `a missing key is named`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let port = try Self.freePort()
        let spec = stack.spec("a", ["--port", "\(port)", "--bearer", "k"]) {
            var http = HTTPProbe(address: ListenAddress(host: "127.0.0.1", port: port), path: "/v1/models")
            http.bearer = .missingVariable("ROUTER_KEY")
            $0.readiness = ProbeSpec(target: .http(http))
        }
        let outcome = try #require(try client.start([], specs: [spec], wait: .ready, timeout: .seconds(1)).first)
        #expect(outcome.result == .timeout)
        #expect(outcome.detail?.contains("ROUTER_KEY") == true)
        var fixed = spec
        var http = HTTPProbe(address: ListenAddress(host: "localhost", port: port), path: "/v1/models")
        http.bearer = .token(Secret("k"))
        fixed.readiness = ProbeSpec(target: .http(http))
        #expect(
            try client.start([], specs: [fixed], wait: .ready, timeout: .seconds(20)).map(\.result) == [.alreadyRunning]
        )
    }

    @Test func `dependencies are waited for, and a hopeless one is said`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let port = try Self.freePort()
        let base = stack.spec("base", ["--port", "\(port)", "--ready-after", "150"]) { $0.readiness = Self.http(port) }
        let top = stack.spec("top") { $0.dependencies = [ServiceDependency(service: "base", condition: .ready)] }
        let outcomes = try client.start([], specs: [top, base], wait: .started, timeout: .seconds(20))
        #expect(outcomes.map(\.result) == [.started, .started])
        try expectSoon("both starts are told") { stack.events(.serviceReady).count >= 1 }

        let broken = stack.spec("broken", program: "/nowhere", []) { $0.restart.mode = .never }
        let needy = stack.spec("needy") {
            $0.dependencies = [ServiceDependency(service: "broken", condition: .started)]
        }
        let failed = try client.start(["needy"], specs: [broken, needy], wait: .started, timeout: .seconds(20))
        #expect(failed.map(\.result) == [.failed, .failed])
        #expect(failed.last?.detail?.contains("`broken`") == true)

        var loop = stack.spec("loop")
        loop.dependencies = [ServiceDependency(service: "loop", condition: .started)]
        #expect(throws: ControlError.self) {
            try client.start(["loop"], specs: [loop], wait: .started, timeout: .seconds(1))
        }
        #expect(throws: ControlError.self) {
            try client.start(["nobody"], specs: [], wait: .started, timeout: .seconds(1))
        }
    }

    @Test func `a reload touches exactly what changed`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let old = ["same", "changed", "gone"].map { stack.spec($0) }
        let before = try client.start([], specs: old, wait: .started, timeout: .seconds(10))
        let new = [
            stack.spec("same"), stack.spec("changed") { $0.command.environment = Secret(["SERVICE_KEY=other"]) },
            stack.spec("new"),
        ]
        let dry = try client.apply(new, dryRun: true, timeout: .seconds(10))
        #expect(dry.plan.map(\.action) == [.keep, .restart, .start, .remove])
        #expect(dry.plan[1].reasons == ["env.SERVICE_KEY"])
        #expect(Set(stack.livePIDs()) == Set(before.compactMap(\.pid)))
        let real = try client.apply(new, dryRun: false, timeout: .seconds(20))
        #expect(real.plan == dry.plan)
        let pids = Dictionary(uniqueKeysWithValues: before.map { ($0.service, $0.pid) })
        #expect(try stack.status("same").pid == pids["same"])
        #expect(try stack.status("changed").pid != pids["changed"])
        #expect(try client.status().services.map(\.name) == ["changed", "new", "same"])
        #expect(stack.livePIDs().count == 3)
        #expect(FileSystem.exists(stack.layout.recordPath("gone")) == false)
        #expect(try client.apply(new, dryRun: true, timeout: .seconds(10)).plan.allSatisfy { $0.action == .keep })
    }

    @Test func `a service is told to read its config anew`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        _ = try client.start([], specs: [stack.spec("a")], wait: .alive(.milliseconds(100)), timeout: .seconds(10))
        #expect(try client.reload(["a", "b"], timeout: .seconds(5)).map(\.result) == [.reloaded, .notRunning])
        try expectSoon("it heard") { LogReader.tail(stack.folder + "/process-logs/a.log", lines: 1) == ["hangup"] }
    }
}
