// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// Nothing stops the supervisor: what it cannot do it says, and does as soon as it can again.
@Suite struct FaultTests {
    @Test func `a full disk stops no restart, and all is written when there is room again`() throws {
        guard let disk = try SmallDisk("2m") else { return }
        let stack = try Stack(on: disk)
        var client = try stack.connect()
        var pid = try #require(
            try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10)).first?.pid)
        try disk.fill()
        for _ in 0..<3 {
            let old = pid
            ProcessControl.send(SignalNumber.kill, to: old)
            try expectSoon("it runs again") { try stack.status("a").pid.map { $0 != old } ?? false }
            pid = try #require(try stack.status("a").pid)
        }
        // What has been written before keeps its place on the disk; new files and more events have none.
        for _ in 0..<20 { _ = try client.restart([], specs: [], wait: .started, timeout: .seconds(10)) }
        pid = try #require(try stack.status("a").pid)
        try expectSoon("it says so") {
            var other = try stack.reconnect()
            return try other.status().degraded.contains { $0.contains("cannot write") }
        }
        try disk.makeRoom()
        try expectSoon("it is written") {
            (try? FileSystem.read(stack.layout.pidPath("a"), limit: 100)) == Array("\(pid)".utf8)
        }
        try expectSoon("it says so") {
            var other = try stack.reconnect()
            return try other.status().degraded.isEmpty
        }
        try expectSoon("every exit is told") { stack.events(.serviceExit, "a").count == 23 }
        // Its successor adopts the newest process.
        try stack.killSupervisor()
        var next = try stack.connect()
        #expect(try next.status().services.first?.pid == pid)
        _ = try next.stop([], timeout: .seconds(10))
    }

    @Test func `killed with a full disk, the successor finds the process that was never written down`() throws {
        guard let disk = try SmallDisk("2m") else { return }
        let stack = try Stack(on: disk)
        var client = try stack.connect()
        let first = try #require(
            try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10)).first?.pid)
        try disk.fill()
        ProcessControl.send(SignalNumber.kill, to: first)
        try expectSoon("it runs again") { try stack.status("a").pid.map { $0 != first } ?? false }
        let second = try stack.status("a").pid
        try stack.killSupervisor()
        var next = try stack.connect()
        #expect(try next.status().services.first?.pid == second)
        #expect(stack.livePIDs().count == 1)
        _ = try next.stop([], timeout: .seconds(10))
    }

    @Test func `a read-only folder stops no restart`() throws {
        guard let disk = try SmallDisk("4m") else { return }
        let stack = try Stack(on: disk)
        var client = try stack.connect()
        let pid = try #require(
            try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10)).first?.pid)
        // Open logs keep a file system from being remounted; the records and new files are what matters here.
        try FileSystem.setMode(stack.layout.recordsDirectory, 0o500)
        guard try SmallDisk.run("mount", ["--bind", stack.layout.recordsDirectory, stack.layout.recordsDirectory]),
            try SmallDisk.run("mount", ["-o", "remount,ro,bind", stack.layout.recordsDirectory])
        else { return }
        defer { _ = try? SmallDisk.run("umount", ["-l", stack.layout.recordsDirectory]) }
        ProcessControl.send(SignalNumber.kill, to: pid)
        try expectSoon("it runs again") { try stack.status("a").pid.map { $0 != pid } ?? false }
        try expectSoon("it says so") {
            var other = try stack.reconnect()
            return try !other.status().degraded.isEmpty
        }
        #expect(try client.stop([], timeout: .seconds(10)).map(\.result) == [.stopped])
    }

    @Test func `out of descriptors it still answers, and starts all when there are some again`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let pid = try client.status().pid
        // Not one more than it has open: neither logs nor descriptors of processes can be had.
        let open = try #require(FileSystem.count("/proc/\(pid)/fd"))
        #expect(try SmallDisk.run("prlimit", ["--pid", "\(pid)", "--nofile=\(open):"]))
        let specs = (0..<20).map { stack.spec("s\($0)") }
        let outcomes = try client.start([], specs: specs, wait: .started, timeout: .milliseconds(300))
        #expect(outcomes.contains { $0.result == .timeout })
        #expect(try client.status().degraded.contains { $0.contains("cannot start") })
        #expect(try SmallDisk.run("prlimit", ["--pid", "\(pid)", "--nofile=1024:"]))
        let lifted = MonotonicTime.now()
        try expectSoon("all run") { try client.status().services.allSatisfy { $0.phase == .running } }
        #expect(MonotonicTime.now() - lifted < .seconds(2))
        try expectSoon("nothing is wrong any more") { try client.status().degraded.isEmpty }
        _ = try client.stop([], timeout: .seconds(20))
        #expect(stack.livePIDs().isEmpty)
    }

    @Test(arguments: [("EAGAIN", 11), ("ENOMEM", 12)])
    func `without processes to be had it keeps trying, and all run soon after`(word: String, code: Int) throws {
        let path = "/tmp/sup-fault-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        defer { try? FileSystem.remove(path) }
        let stack = try Stack(["--fail-spawns", "\(code):\(path)"])
        var client = try stack.connect()
        let specs = (0..<20).map { stack.spec("s\($0)") }
        let before = try client.start([], specs: specs, wait: .started, timeout: .seconds(20)).compactMap(\.pid)
        #expect(before.count == 20)
        _ = try OwnedDescriptor.open(path, [.writeOnly, .create])
        // All but one die; what is left is supervised as ever.
        for pid in before.dropFirst() { ProcessControl.send(SignalNumber.kill, to: pid) }
        try expectSoon("it says so", within: .seconds(5)) {
            try client.status().degraded.contains { $0.contains("cannot start") }
        }
        try expectSoon("each waits for its next attempt") {
            try client.status().services.filter { $0.phase == .backoff }.count == 19
        }
        #expect(try client.status(["s0"]).services.first?.pid == before[0])
        #expect(try client.stop(["s0"], timeout: .seconds(5)).map(\.result) == [.stopped])
        let refused = try client.start(["s0"], specs: [], wait: .started, timeout: .milliseconds(100))
        #expect(refused.map(\.result) == [.timeout])
        #expect(stack.livePIDs().isEmpty)
        try FileSystem.remove(path)
        let lifted = MonotonicTime.now()
        try expectSoon("all run") { try client.status().services.allSatisfy { $0.phase == .running } }
        #expect(MonotonicTime.now() - lifted < .seconds(2))
        try expectSoon("nothing is wrong any more") { try client.status().degraded.isEmpty }
        #expect(stack.livePIDs().count == 20)
        // A lack of processes is no crash of the service.
        #expect(try client.status().services.allSatisfy { $0.restarts <= 1 })
        _ = try client.stop([], timeout: .seconds(20))
    }

    @Test func `many services come up, are adopted and stop`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = (0..<150).map { stack.spec("s\($0)", program: "/bin/sleep", ["1000"]) }
        let pids = Set(
            try client.start([], specs: specs, wait: .started, timeout: .seconds(60)).compactMap(\.pid))
        #expect(pids.count == 150)
        for pid in pids { ProcessControl.send(SignalNumber.kill, to: pid) }
        try expectSoon("all run again") {
            try client.status().services.allSatisfy { $0.phase == .running && $0.restarts == 1 }
        }
        let second = Set(try client.status().services.compactMap(\.pid))
        #expect(second.isDisjoint(with: pids))
        try stack.killSupervisor()
        var next = try stack.connect()
        #expect(Set(try next.status().services.compactMap(\.pid)) == second)
        #expect(try next.stop([], timeout: .seconds(30)).allSatisfy { $0.result == .stopped })
        #expect(stack.livePIDs().isEmpty)
    }
}
