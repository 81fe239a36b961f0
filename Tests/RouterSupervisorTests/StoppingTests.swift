// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// A stop ends everything that a service started, whatever it does against it.
@Suite struct StoppingTests {
    private func stop(_ stack: Stack, _ spec: ServiceSpec, processes: Int) throws -> [ServiceOutcome] {
        var client = try stack.connect()
        let started = try client.start([], specs: [spec], wait: .alive(.milliseconds(150)), timeout: .seconds(10))
        #expect(started.map(\.result) == [.started])
        try expectSoon("all its processes run") { stack.livePIDs().count >= processes }
        let outcomes = try client.stop([], timeout: .seconds(20))
        #expect(stack.livePIDs().isEmpty)
        return outcomes
    }

    @Test func `one that ignores the signal is killed after its time`() throws {
        let stack = try Stack()
        let spec = stack.spec("a", ["--ignore-term"]) { $0.stop.timeout = .milliseconds(300) }
        let begun = MonotonicTime.now()
        #expect(try stop(stack, spec, processes: 1).map(\.result) == [.stopped])
        #expect(MonotonicTime.now() - begun >= .milliseconds(300))
        try expectSoon("it is said") {
            stack.events(.serviceStop, "a").contains { $0["result"]?.stringValue == "success-after-kill" }
        }
    }

    @Test(arguments: ["--grandchild", "--grandchild-session"])
    func `grandchildren go with it`(flag: String) throws {
        let stack = try Stack()
        #expect(try stop(stack, stack.spec("a", [flag]), processes: 2).map(\.result) == [.stopped])
    }

    @Test(arguments: ["--grandchild", "--grandchild-session"])
    func `grandchildren go with it after an adoption`(flag: String) throws {
        let stack = try Stack()
        var client = try stack.connect()
        _ = try client.start([], specs: [stack.spec("a", [flag])], wait: .started, timeout: .seconds(10))
        try expectSoon("all its processes run") { stack.livePIDs().count >= 2 }
        try stack.killSupervisor()
        var next = try stack.connect()
        #expect(try next.stop([], timeout: .seconds(20)).map(\.result) == [.stopped])
        #expect(stack.livePIDs().isEmpty)
    }

    @Test(arguments: ["--grandchild", "--grandchild-session"])
    func `what a dead process leaves is gone before the next one starts`(flag: String) throws {
        let stack = try Stack()
        var client = try stack.connect()
        let started = try client.start([], specs: [stack.spec("a", [flag])], wait: .started, timeout: .seconds(10))
        try expectSoon("all its processes run") { stack.livePIDs().count >= 2 }
        let before = Set(stack.livePIDs())
        ProcessControl.send(SignalNumber.kill, to: try #require(started.first?.pid))
        try expectSoon("a new tree runs") {
            try stack.status("a").pid != started.first?.pid && stack.livePIDs().count >= 2
        }
        #expect(before.isDisjoint(with: stack.livePIDs()))
    }

    @Test func `a stopped process can be stopped`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let pid = try #require(
            try client.start([], specs: [stack.spec("a")], wait: .alive(.milliseconds(100)), timeout: .seconds(10))
                .first?
                .pid)
        ProcessControl.send(SignalNumber.stop, to: pid)
        #expect(try client.stop(["a"], timeout: .seconds(10)).map(\.result) == [.stopped])
        #expect(try stack.status("a").lastExit?.words == "code 0")
    }

    @Test func `services stop before what they depend on`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let base = stack.spec("base")
        let middle = stack.spec("middle", ["--stop-delay", "100"]) {
            $0.dependencies = [ServiceDependency(service: "base", condition: .started)]
        }
        let top = stack.spec("top", ["--stop-delay", "100"]) {
            $0.dependencies = [ServiceDependency(service: "middle", condition: .started)]
        }
        let outcomes = try client.start(
            ["top"], specs: [top, middle, base], wait: .alive(.milliseconds(100)), timeout: .seconds(10))
        #expect(outcomes.map(\.service) == ["base", "middle", "top"])
        #expect(try client.stop([], timeout: .seconds(10)).count == 3)
        try expectSoon("three exits are told") { stack.events(.serviceExit).count == 3 }
        #expect(stack.events(.serviceExit).map { $0["service"]?.stringValue } == ["top", "middle", "base"])
    }
}
