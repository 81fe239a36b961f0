// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// What a supervisor lives through, and what survives it.
@Suite struct SurvivalTests {
    @Test func `an upgrade keeps process, services and exit codes`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = ["a", "b"].map { stack.spec($0) }
        let pids = try client.start([], specs: specs, wait: .started, timeout: .seconds(10)).map(\.pid)
        let supervisor = try client.status().pid
        for _ in 0..<3 {
            var old = try stack.reconnect()
            let started = try old.status().startedAt
            #expect(try old.upgrade(stack.command) == supervisor)
            try expectSoon("the new one answers") {
                guard var next = try ControlClient.connect(stack.layout), let status = try? next.status() else {
                    return false
                }
                return status.startedAt != started
            }
        }
        var next = try stack.reconnect()
        let status = try next.status()
        #expect(status.pid == supervisor)
        #expect(status.services.map(\.pid) == pids)
        #expect(status.services.allSatisfy { $0.restarts == 0 && !$0.isSpecChanged })
        ProcessControl.send(SignalNumber.terminate, to: try #require(pids[0]))
        try expectSoon("it runs again") { try stack.status("a").restarts == 1 && stack.status("a").pid != nil }
        #expect(try stack.status("a").lastExit?.words == "code 0")
        #expect(try next.stop([], timeout: .seconds(10)).allSatisfy { $0.result == .stopped })
    }

    @Test func `killed between any two steps, nothing is lost, restarted or doubled`() throws {
        var reached = 0
        for step in 1...80 {
            let stack = try Stack(["--crash-at", "\(step)"])
            let specs = ["a", "b"].map { stack.spec($0) }
            if var client = try? stack.connect() {
                _ = try? client.start([], specs: specs, wait: .started, timeout: .seconds(5))
            }
            let survivors = Set(stack.livePIDs())
            let crashed = stack.supervisorPID == nil
            if crashed { reached += 1 }
            // The next one has no such step.
            let calm = try Stack(adopting: stack)
            let outcomes = try calm.ask { (client) throws(ControlError) in
                try client.start([], specs: specs, wait: .started, timeout: .seconds(10))
            }
            #expect(outcomes.allSatisfy { $0.result.isSuccess }, "step \(step)")
            #expect(stack.livePIDs().count == 2, "step \(step)")
            #expect(survivors.isSubset(of: stack.livePIDs()), "step \(step): restarted")
            let stopped = try calm.ask { (client) throws(ControlError) in try client.stop([], timeout: .seconds(10)) }
            #expect(stopped.allSatisfy { $0.result.isSuccess }, "step \(step)")
            #expect(stack.livePIDs().isEmpty, "step \(step)")
            if !crashed { break }
        }
        #expect(reached > 10)
    }

    @Test func `killed at random moments, nothing is lost, restarted or doubled`() throws {
        let rounds = Environment.number("LLM_ROUTER_KILL_ROUNDS") ?? 40
        let stack = try Stack()
        var random = SplitMix(UInt64(rounds))
        let specs = (0..<5).map { stack.spec("s\($0)") }
        var client = try stack.connect()
        let pids = Set(try client.start([], specs: specs, wait: .started, timeout: .seconds(10)).compactMap(\.pid))
        #expect(pids.count == 5)
        for round in 0..<rounds {
            let supervisor = try #require(stack.supervisorPID)
            ProcessControl.pause(.microseconds(Int64(random.next() % 8000)))
            ProcessControl.send(SignalNumber.kill, to: supervisor)
            try expectSoon("it is dead") {
                _ = try? ChildProcess.reap(pid: supervisor)
                return ProcessIdentity.of(pid: supervisor) == nil
            }
            var next = try stack.connect()
            if round % 4 == 0 { _ = try? next.start([], specs: specs, wait: .started, timeout: .seconds(10)) }
        }
        var last = try stack.connect()
        let status = try last.status()
        #expect(Set(status.services.compactMap(\.pid)) == pids)
        #expect(Set(stack.livePIDs()) == pids)
        #expect(status.services.allSatisfy { $0.restarts == 0 })
    }

    @Test func `a service killed while no supervisor is there is started again and its exit told`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = [stack.spec("a") { $0.command.environment = Secret([]) }, stack.spec("b")]
        let before = try client.start([], specs: specs, wait: .started, timeout: .seconds(10))
        try expectSoon("the state is written") { stack.events(.serviceStart).count == 2 }
        try stack.killSupervisor()
        for outcome in before {
            let pid = try #require(outcome.pid)
            ProcessControl.send(SignalNumber.kill, to: pid)
            try expectSoon("it is gone") { ProcessIdentity.of(pid: pid) == nil }
        }
        var next = try stack.connect()
        try expectSoon("a runs again") { try stack.status("a").phase == .running }
        // The variables of b went with its process; whoever starts it brings them.
        #expect(try stack.status("b").phase != .running)
        #expect(stack.events(.serviceExit).count == 2)
        #expect(stack.events(.serviceStalePID).count == 2)
        let again = try next.start([], specs: specs, wait: .started, timeout: .seconds(10))
        #expect(again.map(\.result) == [.alreadyRunning, .started])
    }

    @Test func `a record that cannot be read is set aside and its process found by its mark`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let spec = stack.spec("a")
        let pid = try client.start([], specs: [spec], wait: .started, timeout: .seconds(10)).first?.pid
        try expectSoon("the state is written") { FileSystem.exists(stack.layout.pidPath("a")) }
        try stack.killSupervisor()
        try AtomicFile.write(Array("{\"schema\":1,".utf8), to: stack.layout.recordPath("a"), mode: 0o600)
        var next = try stack.connect()
        let outcomes = try next.start([], specs: [spec], wait: .started, timeout: .seconds(10))
        #expect(outcomes == [ServiceOutcome(service: "a", result: .alreadyRunning, pid: pid)])
        #expect(FileSystem.exists(stack.layout.recordPath("a") + ".unreadable"))
        #expect(!stack.events(.supervisorDegraded).isEmpty)
    }

    @Test func `a pid file that was not written any more is written by the successor`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let pid = try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10)).first?.pid
        try stack.killSupervisor()
        try AtomicFile.write(Array("1".utf8), to: stack.layout.pidPath("a"), mode: 0o600)
        client = try stack.connect()
        #expect(try client.status().services.first?.pid == pid)
        let expected = Array(String(try #require(pid)).utf8)
        try expectSoon("it says what is true") {
            (try? FileSystem.read(stack.layout.pidPath("a"), limit: 100)) == expected
        }
    }

    @Test func `a recycled pid is not ours`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        _ = try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10))
        _ = try client.stop([], timeout: .seconds(10))
        try stack.killSupervisor()
        // This test's own process stands for a stranger with the recorded pid.
        var record = try #require(RecordStore(layout: stack.layout).read(service: "a"))
        record.identity = ProcessIdentity(
            pid: ProcessControl.currentPID, startTicks: 1, bootID: ProcessIdentity.currentBootID)
        try RecordStore(layout: stack.layout).write(record)
        let offline = try OfflineState.read(stack.layout, now: Timestamp.now())
        #expect(offline.services.first?.phase == .stopped)
        var next = try stack.connect()
        #expect(try next.status().services.first?.phase == .stopped)
        #expect(try next.stop([], timeout: .seconds(5)).map(\.result) == [.notRunning])
        #expect(!FileSystem.exists(stack.layout.pidPath("a")))
    }

    @Test func `without a supervisor the state on disk tells the truth`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let pid = try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10)).first?.pid
        try stack.killSupervisor()
        let alive = try #require(try OfflineState.read(stack.layout, now: Timestamp.now()).services.first)
        #expect(alive.phase == .running && alive.pid == pid && alive.uptime != nil)
        ProcessControl.send(SignalNumber.kill, to: try #require(pid))
        try expectSoon("it is gone") { ProcessIdentity.of(pid: pid ?? 0) == nil }
        let dead = try #require(try OfflineState.read(stack.layout, now: Timestamp.now()).services.first)
        #expect(dead.phase == .stopped && dead.pid == nil && dead.wanted == .running)
    }

    @Test func `a socket that was removed comes back`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let pid = try client.status().pid
        try FileSystem.remove(stack.layout.socketPath)
        try expectSoon("it is there again") {
            guard var next = try? ControlClient.connect(stack.layout) else { return false }
            return try next.status().pid == pid
        }
    }

    @Test func `an idle supervisor goes and leaves nothing`() throws {
        let stack = try Stack(["--idle", "50"])
        do {
            var client = try stack.connect()
            _ = try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10))
            _ = try client.stop([], timeout: .seconds(10))
        }
        try expectSoon("the socket is gone") { !FileSystem.exists(stack.layout.socketPath) }
        try expectSoon("its end is told") { stack.events(.supervisorStop).count == 1 }
        var next = try stack.connect()
        #expect(try next.status().services.map(\.phase) == [.stopped])
    }

    @Test func `slow and rude clients hold nobody up`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        _ = try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10))
        var rude: [RudeClient] = []
        for index in 0..<50 {
            let connection = RudeClient(try UnixSocket.connect(to: stack.layout.socketPath))
            let texts = [
                "", "{", "null\n", "{\"id\":1,\"command\":\"status\"}\n", "\u{0}\n", "[[[[", "{\"id\":\"x\"}\n",
            ]
            _ = try connection.descriptor.send(Array(texts[index % texts.count].utf8)[...])
            rude.append(connection)
        }
        let begun = MonotonicTime.now()
        #expect(try client.status().services.count == 1)
        #expect(MonotonicTime.now() - begun < .seconds(5))
        withExtendedLifetime(rude) {}
    }
}

private final class RudeClient {
    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }
}

/// Numbers that make the long tests longer.
enum Environment {
    static func number(_ name: String) -> Int? {
        guard let bytes = try? FileSystem.readStream("/proc/self/environ", limit: 1 << 20) else { return nil }
        let entries = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return entries.first { $0.hasPrefix(name + "=") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }
}
