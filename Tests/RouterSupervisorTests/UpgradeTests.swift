// SPDX-License-Identifier: MIT

import Diagnostics
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// A program that could not take over never replaces a supervisor that works.
@Suite struct UpgradeTests {
    private static let scripts = [
        "ends well but is no supervisor": "#!/bin/sh\necho llm-router 9.9\n",
        "ends with an error": "#!/bin/sh\necho 'error: the config is broken' >&2\nexit 2\n",
        "dies": "#!/bin/sh\nkill -SEGV $$\n",
        "understands less than it is given": "#!/bin/sh\ncat >/dev/null\necho handover-ok 1\n",
        "is of no machine": "\u{7F}ELFnonsense",
        "is empty": "",
    ]

    @Test(arguments: scripts.keys.sorted())
    func `is refused`(what: String) throws {
        let stack = try Stack()
        var client = try stack.connect()
        let specs = ["a", "b"].map { stack.spec($0) }
        let pids = try client.start([], specs: specs, wait: .started, timeout: .seconds(10)).map(\.pid)
        let before = try client.status()
        var program = stack.command
        program.executable = stack.folder + "/new"
        let text = try #require(Self.scripts[what])
        try AtomicFile.write(Array(text.utf8), to: program.executable, mode: 0o700)
        let error = #expect(throws: ControlError.self) { try client.upgrade(program) }
        guard case .refused(let code, let message, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(code == "supervisor/upgrade-refused")
        #expect(message.contains(program.executable))
        let after = try client.status()
        #expect(after.startedAt == before.startedAt && after.pid == before.pid)
        #expect(after.services.map(\.pid) == pids)
        // It goes on as before, and a program that works is taken.
        ProcessControl.send(SignalNumber.kill, to: try #require(pids[0]))
        try expectSoon("a runs again") { try stack.status("a").restarts == 1 }
        #expect(try client.upgrade(stack.command) == before.pid)
        try expectSoon("the new one answers") {
            guard var next = try ControlClient.connect(stack.layout), let status = try? next.status() else {
                return false
            }
            return status.startedAt != before.startedAt && status.services.count == 2
        }
        #expect(stack.livePIDs().count == 2)
    }

    @Test func `a program that is not there is refused`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        var program = stack.command
        program.executable = stack.folder + "/nothing"
        #expect(throws: ControlError.self) { try client.upgrade(program) }
        #expect(try client.status().services.isEmpty)
    }
}
