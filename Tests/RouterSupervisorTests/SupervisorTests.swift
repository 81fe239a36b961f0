// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

@Suite struct SupervisorTests {
    @Test func `starts, shows and stops a service`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let spec = stack.spec("a")
        let outcomes = try client.start([], specs: [spec], wait: .started, timeout: .seconds(10))
        #expect(outcomes.map(\.result) == [.started])
        let pid = try #require(outcomes.first?.pid)
        #expect(stack.livePIDs(of: "a") == [pid])
        #expect(try FileSystem.read(stack.layout.pidPath("a"), limit: 100) == Array("\(pid)".utf8))

        let again = try client.start(["a"], specs: [spec], wait: .started, timeout: .seconds(10))
        #expect(again == [ServiceOutcome(service: "a", result: .alreadyRunning, pid: pid)])

        let status = try #require(try client.status(detail: [.resources, .ports]).services.first)
        #expect(status.phase == .running)
        #expect(status.pid == pid)
        #expect(status.wanted == .running)
        let resources = try #require(status.resources)
        #expect(resources.residentBytes > 0 && resources.processorPercent >= 0)
        #expect(resources.descriptors >= 3 && resources.processes == 1)
        #expect(status.listeningPorts == [])

        #expect(try client.stop([], timeout: .seconds(10)).map(\.result) == [.stopped])
        #expect(stack.livePIDs().isEmpty)
        #expect(FileSystem.exists(stack.layout.pidPath("a")) == false)
        #expect(try client.stop([], timeout: .seconds(10)).map(\.result) == [.notRunning])
    }

    @Test func `restarts a service that was killed`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let first = try client.start([], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10))
        let pid = try #require(first.first?.pid)
        ProcessControl.send(SignalNumber.kill, to: pid)
        try expectSoon("another process runs") { try stack.status("a").pid.map { $0 != pid } ?? false }
        let status = try stack.status("a")
        #expect(status.restarts == 1)
        #expect(status.lastExit?.words == "SIGKILL")
        #expect(stack.livePIDs(of: "a").count == 1)
        let restarted = try client.restart(["a"], specs: [stack.spec("a")], wait: .started, timeout: .seconds(10))
        #expect(restarted.first?.result == .restarted)
        #expect(restarted.first?.pid != status.pid)
        #expect(stack.events(.serviceExit, "a").count == 2)
    }

    @Test func `a killed supervisor is replaced and every service adopted`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = ["a", "b", "c"].map { stack.spec($0) }
        let pids = try client.start([], specs: specs, wait: .started, timeout: .seconds(10)).map(\.pid)
        for _ in 0..<3 {
            try stack.killSupervisor()
            var next = try stack.connect()
            #expect(try next.status().services.map(\.pid) == pids)
            #expect(try next.status().services.allSatisfy { $0.isAdopted && $0.restarts == 0 })
        }
        #expect(stack.events(.serviceAdopted).count == 9)
        #expect(stack.livePIDs().count == 3)
        var last = try stack.connect()
        // Its variables came from the process itself.
        ProcessControl.send(SignalNumber.kill, to: try #require(pids[0]))
        try expectSoon("it runs again") { try stack.status("a").pid != pids[0] && stack.status("a").phase == .running }
        let fresh = try #require(try stack.status("a").pid)
        // Between two programs a process has no environment to be seen.
        try expectSoon("it has its variables") {
            let environment = try FileSystem.readStream("/proc/\(fresh)/environ", limit: 1 << 20)
            return String(decoding: environment, as: UTF8.self).contains("SERVICE_KEY=secret-of-a")
        }
        #expect(try stack.status("a").lastExit?.words == "SIGKILL", "\(pids)")
        #expect(try last.stop([], timeout: .seconds(10)).allSatisfy { $0.result == .stopped })
        #expect(stack.livePIDs().isEmpty)
    }
}
