// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// The supervisor as the main program of a terminal, a container or a service manager.
@Suite struct ForegroundTests {
    private func plan(_ stack: Stack, _ specs: [ServiceSpec]) throws -> String {
        let path = stack.folder + "/plan.json"
        let json = JSONValue.array(specs.map { $0.json(.full) })
        try AtomicFile.write(JSONWriter.bytes(of: json), to: path, mode: 0o600)
        return path
    }

    private func launch(_ stack: Stack, _ plan: String, _ environment: [String] = []) throws -> Int32 {
        var command = stack.command
        command.arguments += ["--foreground", plan]
        command.environment += environment
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let started = try ChildProcess.spawn(
            command, input: null.rawValue, output: null.rawValue, error: null.rawValue)
        return started.pid
    }

    private func end(of pid: Int32) throws -> SystemIO.ExitStatus {
        var status: SystemIO.ExitStatus?
        try expectSoon("it ends") {
            status = try ChildProcess.reap(pid: pid)
            return status != nil
        }
        return try #require(status)
    }

    @Test func `starts its plan, stops it in order on TERM and ends with 0`() throws {
        let stack = try Stack()
        let top = stack.spec("top") { $0.dependencies = [ServiceDependency(service: "base", condition: .started)] }
        let pid = try launch(stack, try plan(stack, [top, stack.spec("base", ["--stop-delay", "50"])]))
        try expectSoon("both run") { stack.livePIDs().count == 2 }
        ProcessControl.send(SignalNumber.terminate, to: pid)
        #expect(try end(of: pid) == .code(0))
        #expect(stack.livePIDs().isEmpty)
        #expect(stack.events(.serviceExit).map { $0["service"]?.stringValue } == ["top", "base"])
        #expect(stack.events(.supervisorStop).count == 1)
    }

    @Test func `an essential service that gives up ends it with 1`() throws {
        let stack = try Stack()
        let broken = stack.spec("broken", ["--exit-after", "1", "--exit-code", "1"]) {
            $0.isEssential = true
            $0.restart.crashLoopLimit = 2
            $0.restart.initialDelay = .milliseconds(1)
        }
        let pid = try launch(stack, try plan(stack, [stack.spec("other"), broken]))
        #expect(try end(of: pid) == .code(1))
        #expect(stack.livePIDs().isEmpty)
    }

    @Test func `HUP applies a changed plan to what changed`() throws {
        let stack = try Stack()
        let path = try plan(stack, [stack.spec("same"), stack.spec("gone")])
        let pid = try launch(stack, path)
        try expectSoon("both run") { stack.livePIDs().count == 2 }
        let same = try stack.status("same").pid
        _ = try plan(stack, [stack.spec("same"), stack.spec("new")])
        ProcessControl.send(SignalNumber.hangup, to: pid)
        try expectSoon("the new one runs") {
            stack.livePIDs(of: "new").count == 1 && stack.livePIDs(of: "gone").isEmpty
        }
        #expect(try stack.status("same").pid == same)
        // A plan that cannot be read changes nothing.
        try AtomicFile.write(Array("[".utf8), to: path, mode: 0o600)
        ProcessControl.send(SignalNumber.hangup, to: pid)
        try expectSoon("it is said") { stack.events(.supervisorReload).count == 2 }
        #expect(stack.livePIDs().count == 2)
        ProcessControl.send(SignalNumber.interrupt, to: pid)
        #expect(try end(of: pid) == .code(0))
    }

    @Test func `tells the service manager when it is ready and when it stops`() throws {
        let stack = try Stack()
        let socket = stack.folder + "/notify.sock"
        let receiver = try #require(
            ChildProcess.locate("python3", searchPath: "/usr/local/bin:/usr/bin:/bin"), "python3 plays the manager")
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
            s.settimeout(20)
            with open(sys.argv[2], 'w', 1) as f:
                while True:
                    text = s.recv(4096).decode(); f.write(text.replace('\\n', ' ') + '\\n')
                    if 'STOPPING' in text: break
            """
        let output = stack.folder + "/notified"
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let manager = try ChildProcess.spawn(
            ProcessSpec(
                executable: receiver, arguments: ["python3", "-c", script, socket, output], environment: ["HOME=/root"]),
            input: null.rawValue, output: null.rawValue, error: null.rawValue)
        let managerPID = manager.pid
        try expectSoon("the manager listens") { FileSystem.exists(socket) }
        let pid = try launch(stack, try plan(stack, [stack.spec("a")]), ["NOTIFY_SOCKET=\(socket)"])
        func told() -> String { String(decoding: (try? FileSystem.read(output, limit: 1 << 16)) ?? [], as: UTF8.self) }
        try expectSoon("it is ready") { told().contains("READY=1 STATUS=all services are ready") }
        #expect(stack.livePIDs().count == 1)
        ProcessControl.send(SignalNumber.terminate, to: pid)
        #expect(try end(of: pid) == .code(0))
        try expectSoon("it is stopping") { told().contains("STOPPING=1") }
        _ = try end(of: managerPID)
    }

    @Test func `a second one gives way at once`() throws {
        let stack = try Stack()
        let path = try plan(stack, [stack.spec("a")])
        let first = try launch(stack, path)
        try expectSoon("it runs") { stack.livePIDs().count == 1 }
        let second = try launch(stack, path)
        #expect(try end(of: second) == .code(0))
        #expect(stack.livePIDs().count == 1)
        ProcessControl.send(SignalNumber.terminate, to: first)
        #expect(try end(of: first) == .code(0))
    }

    @Test func `killed, its successor adopts what it had started`() throws {
        let stack = try Stack()
        let path = try plan(stack, [stack.spec("a"), stack.spec("b")])
        let first = try launch(stack, path)
        try expectSoon("both run") { stack.livePIDs().count == 2 }
        try expectSoon("it is written down") { FileSystem.exists(stack.layout.pidPath("b")) }
        let before = Set(stack.livePIDs())
        ProcessControl.send(SignalNumber.kill, to: first)
        _ = try end(of: first)
        let second = try launch(stack, path)
        try expectSoon("both are adopted") { stack.events(.serviceAdopted).count == 2 }
        #expect(Set(stack.livePIDs()) == before)
        ProcessControl.send(SignalNumber.terminate, to: second)
        #expect(try end(of: second) == .code(0))
        #expect(stack.livePIDs().isEmpty)
    }
}
