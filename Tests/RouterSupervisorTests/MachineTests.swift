// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// What the machine and its operator do to a supervisor besides killing it.
@Suite struct MachineTests {
    @Test func `a calendar that jumps by years changes nothing`() throws {
        let stack = try Stack(["--jump-calendar", "1"])
        var client = try stack.connect()
        let specs = [
            stack.spec("a") { $0.restart.initialDelay = .milliseconds(20) },
            stack.spec("b") { $0.stop.timeout = .milliseconds(100) },
            stack.spec("c", ["--ignore-term"]) { $0.stop.timeout = .milliseconds(100) },
        ]
        _ = try client.start([], specs: specs, wait: .started, timeout: .seconds(10))
        for round in 1...5 {
            let old = try #require(try stack.status("a").pid)
            ProcessControl.send(SignalNumber.kill, to: old)
            try expectSoon("it runs again", within: .seconds(3)) {
                let status = try stack.status("a")
                return status.restarts == round && status.pid != nil
            }
        }
        for service in try client.status().services {
            let uptime = try #require(service.uptime)
            #expect(uptime >= .zero && uptime < .seconds(60))
        }
        let begun = MonotonicTime.now()
        #expect(try client.stop(["c"], timeout: .seconds(5)).map(\.result) == [.stopped])
        #expect(MonotonicTime.now() - begun >= .milliseconds(100))
        #expect(MonotonicTime.now() - begun < .seconds(3))
        // Its successor lives ten years later, and the next one ten years before.
        let pids = try client.status(["a", "b"]).services.map(\.pid)
        for years in [10, -10] {
            try stack.killSupervisor()
            let other = try Stack(adopting: stack, ["--shift-calendar", "\(years * 365 * 86_400)"])
            // Its second thread may keep the dead one's socket open for a moment: commands try again.
            let status = try other.ask { (client) throws(ControlError) in try client.status(["a", "b"]) }
            #expect(status.services.map(\.pid) == pids)
            #expect(status.services.allSatisfy { $0.isAdopted })
            #expect(status.services.allSatisfy { $0.uptime.map { $0 < .seconds(120) } ?? false })
        }
        #expect(stack.livePIDs().count == 2)
    }

    @Test func `stopped and continued, it does what it missed, once`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = (0..<10).map { stack.spec("s\($0)") }
        let before = try client.start([], specs: specs, wait: .started, timeout: .seconds(10)).compactMap(\.pid)
        let supervisor = try client.status().pid
        ProcessControl.send(SignalNumber.stop, to: supervisor)
        for pid in before.prefix(5) { ProcessControl.send(SignalNumber.kill, to: pid) }
        try expectSoon("they are dead") { stack.livePIDs().count == 5 }
        // A command that asks meanwhile has to wait, and gets its answer.
        let answers = Threads.run(2) { index -> Int in
            if index == 0 {
                ProcessControl.pause(.milliseconds(300))
                ProcessControl.send(SignalNumber.continue, to: supervisor)
                return 0
            }
            guard var other = try? stack.reconnect() else { return -1 }
            return (try? other.status().services.count) ?? -2
        }
        #expect(answers == [0, 10])
        try expectSoon("all run") { stack.livePIDs().count == 10 }
        let status = try client.status()
        #expect(status.pid == supervisor)
        #expect(status.services.map(\.restarts) == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
        #expect(stack.events(.serviceExit).count == 5)
    }

    private static let nonsense: [String: @Sendable ([UInt8]) -> [UInt8]] = [
        "nothing": { _ in [] },
        "half": { Array($0.prefix($0.count / 2)) },
        "zeros": { Array(repeating: 0, count: $0.count) },
        "another schema": {
            Array(String(decoding: $0, as: UTF8.self).replacing("\"schema\":1", with: "\"schema\":9").utf8)
        },
        "wrong types": { _ in Array("{\"schema\":1,\"wanted\":[],\"instance\":\"x\",\"spec\":7}".utf8) },
        "another service": {
            Array(String(decoding: $0, as: UTF8.self).replacing("\"name\":\"a\"", with: "\"name\":\"z\"").utf8)
        },
        "deep": { _ in Array(String(repeating: "[", count: 100_000).utf8) },
        "large": { _ in Array(repeating: UInt8(ascii: "x"), count: 3 << 20) },
    ]

    @Test(arguments: nonsense.keys.sorted())
    func `a record of nonsense costs no service`(what: String) throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = ["a", "b"].map { stack.spec($0) }
        let pids = try client.start([], specs: specs, wait: .started, timeout: .seconds(10)).map(\.pid)
        try stack.killSupervisor()
        let path = stack.layout.recordPath("a")
        let spoil = try #require(Self.nonsense[what])
        try AtomicFile.write(spoil(try FileSystem.read(path, limit: 1 << 20)), to: path, mode: 0o600)
        let offline = try OfflineState.read(stack.layout, now: Timestamp.now())
        #expect(offline.services.contains { $0.name == "b" && $0.pid == pids[1] })
        var next = try stack.connect()
        #expect(try next.status(["b"]).services.first?.pid == pids[1])
        let outcomes = try next.start([], specs: specs, wait: .started, timeout: .seconds(10))
        #expect(outcomes.map(\.result) == [.alreadyRunning, .alreadyRunning])
        #expect(outcomes.map(\.pid) == pids)
        #expect(FileSystem.exists(path + ".unreadable"))
        #expect(Set(stack.livePIDs()) == Set(pids.compactMap { $0 }))
    }

    /// A group of processes with 16 MB of memory; nil where none may be made.
    private static func smallMemory() throws -> String? {
        let name = "/llm-router-test-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        for (base, file) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
            let folder = base + name
            guard FileSystem.exists(base), (try? PrivateDirectory.create(folder)) != nil else { continue }
            if let limit = try? OwnedDescriptor.open(folder + "/" + file, [.writeOnly]),
                (try? limit.writeAll(Array("16777216".utf8))) != nil
            {
                return folder
            }
            removeFolder(folder)
        }
        return nil
    }

    private static func removeFolder(_ path: String) {
        let rmdir = ProcessSpec(executable: "/bin/rmdir", arguments: ["rmdir", path], environment: [])
        guard let null = try? OwnedDescriptor.open("/dev/null", [.readWrite]),
            let started = try? ChildProcess.spawn(
                rmdir, input: null.rawValue, output: null.rawValue, error: null.rawValue)
        else { return }
        _ = try? ChildProcess.wait(pid: started.pid)
    }

    @Test func `a service that takes all memory is said to have`() throws {
        guard let group = try Self.smallMemory() else { return }
        defer { Self.removeFolder(group) }
        let stack = try Stack()
        var client = try stack.connect()
        let greedy = stack.spec(
            "greedy", program: "/bin/sh", ["-c", "echo $$ >\(group)/cgroup.procs; exec tail /dev/zero"]
        ) {
            $0.restart.mode = .never
        }
        let other = stack.spec("other")
        let started = try client.start([], specs: [greedy, other], wait: .started, timeout: .seconds(10))
        try expectSoon("the kernel ends it") { try stack.status("greedy").lastExit != nil }
        #expect(try stack.status("greedy").lastExit?.words == "SIGKILL (out of memory)")
        // A neighbour that somebody kills at that time has not.
        ProcessControl.send(SignalNumber.kill, to: try #require(started.last?.pid))
        try expectSoon("it runs again") { try stack.status("other").restarts == 1 }
        if MemoryKills.includes(pid: 1, since: MonotonicTime.now()) != nil {
            #expect(try stack.status("other").lastExit?.words == "SIGKILL")
        }
        try expectSoon("it is told") { stack.events(.serviceExit, "greedy").count == 1 }
    }
}
