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

    private func launch(
        _ stack: Stack, _ plan: String, _ environment: [String] = [], by wrapper: [String] = []
    ) throws -> Int32 {
        var command = stack.command
        command.arguments += ["--foreground", plan]
        command.environment += environment
        if let program = wrapper.first {
            command.arguments = wrapper + [command.executable] + command.arguments.dropFirst()
            command.executable = program
        }
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

    /// A service manager that writes down what it is told; ends when it is told of the end.
    private func startManager(_ stack: Stack, _ socket: String, _ output: String) throws -> Int32 {
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
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let manager = try ChildProcess.spawn(
            ProcessSpec(
                executable: receiver, arguments: ["python3", "-c", script, socket, output], environment: ["HOME=/root"]),
            input: null.rawValue, output: null.rawValue, error: null.rawValue)
        let pid = manager.pid
        try expectSoon("the manager listens") { FileSystem.exists(socket) }
        return pid
    }

    @Test func `tells the service manager when it is ready, that it lives and when it stops`() throws {
        let stack = try Stack(["--watchdog", "30"])
        let socket = stack.folder + "/notify.sock"
        let output = stack.folder + "/notified"
        let manager = try startManager(stack, socket, output)
        let pid = try launch(stack, try plan(stack, [stack.spec("a")]), ["NOTIFY_SOCKET=\(socket)"])
        func told() -> [String] {
            String(decoding: (try? FileSystem.read(output, limit: 1 << 20)) ?? [], as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        func beats() -> Int { told().count { $0 == "WATCHDOG=1" } }
        try expectSoon("it is ready") { told().contains("READY=1 STATUS=all services are ready") }
        #expect(stack.livePIDs().count == 1)
        let before = beats()
        let begun = MonotonicTime.now()
        try expectSoon("it lives") { beats() >= before + 10 }
        #expect(MonotonicTime.now() - begun >= .milliseconds(9 * 30), "no more often than asked for")
        // One that hangs gives no sign.
        ProcessControl.send(SignalNumber.stop, to: pid)
        ProcessControl.pause(.milliseconds(60))
        let stopped = beats()
        ProcessControl.pause(.milliseconds(150))
        #expect(beats() == stopped)
        ProcessControl.send(SignalNumber.continue, to: pid)
        try expectSoon("it goes on") { beats() > stopped }
        ProcessControl.send(SignalNumber.terminate, to: pid)
        #expect(try end(of: pid) == .code(0))
        try expectSoon("it is stopping") { told().contains("STOPPING=1") }
        _ = try end(of: manager)
    }

    @Test func `as process 1 it reaps orphans, takes signals and leaves nobody`() throws {
        let unshare = try #require(ChildProcess.locate("unshare", searchPath: "/usr/bin:/bin"))
        let stack = try Stack()
        // Five grandchildren whose parents end at once, in a session of their own.
        let script = """
            for i in 1 2 3 4 5; do (setsid sleep 0.$i </dev/null >/dev/null 2>&1 & ) ; done; exec \(Stack.service)
            """
        let spec = stack.spec("a", program: "/bin/sh", ["-c", script])
        let wrapper = [unshare, "--pid", "--fork", "--mount-proc"]
        let outer = try launch(stack, try plan(stack, [spec, stack.spec("b")]), by: wrapper)
        guard (try? expectSoon("it answers") { stack.supervisorPID == 1 }) != nil else {
            // Not everybody may make namespaces.
            ProcessControl.send(SignalNumber.kill, to: outer)
            _ = try end(of: outer)
            return
        }
        let inner = try #require(ProcessControl.children(of: outer)?.first)
        func children() -> [ProcessRecord] {
            (ProcessControl.children(of: inner) ?? []).compactMap { ProcessRecord.read(pid: $0) }
        }
        try expectSoon("the orphans have ended and are reaped") { children().count == 2 }
        #expect(children().allSatisfy { !$0.hasEnded })
        // A service that dies is restarted here as everywhere.
        let first = try stack.status("b").pid
        ProcessControl.send(SignalNumber.kill, to: try #require(stack.livePIDs(of: "b").first))
        try expectSoon("b runs again") { try stack.status("b").pid.map { $0 != first } ?? false }
        ProcessControl.send(SignalNumber.terminate, to: inner)
        #expect(try end(of: outer) == .code(0))
        #expect(stack.livePIDs().isEmpty)
        #expect(Set(stack.events(.serviceExit).compactMap { $0["service"]?.stringValue }) == ["a", "b"])
    }

    @Test func `USR1 makes the socket anew`() throws {
        let stack = try Stack()
        let pid = try launch(stack, try plan(stack, [stack.spec("a")]))
        try expectSoon("it answers") { stack.supervisorPID == pid }
        let hidden = stack.layout.socketPath + ".hidden"
        // Somebody puts a file where the socket was, which it cannot see as a removal.
        try FileSystem.rename(stack.layout.socketPath, to: hidden)
        try OwnedDescriptor.open(hidden + ".file", [.writeOnly, .create]).writeAll([1])
        try FileSystem.rename(hidden + ".file", to: stack.layout.socketPath)
        try expectSoon("it is made anew") {
            ProcessControl.send(SignalNumber.user1, to: pid)
            return stack.supervisorPID == pid
        }
        ProcessControl.send(SignalNumber.quit, to: pid)
        #expect(try end(of: pid) == .code(0))
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
