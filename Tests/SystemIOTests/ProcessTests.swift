// SPDX-License-Identifier: MIT

import SystemIO
import Testing

@Suite struct ProcessTests {
    private func spawn(_ script: String) throws -> Int32 {
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let spec = ProcessSpec(executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["MARK=here"])
        return try ChildProcess.spawn(spec, input: null.rawValue, output: null.rawValue, error: null.rawValue).pid
    }

    @Test func `a record says what a process is, and that it has ended`() throws {
        let pid = try spawn("exit 7")
        let limit = MonotonicTime.now() + .seconds(10)
        while !ProcessControl.hasEnded(child: pid), MonotonicTime.now() < limit {
            ProcessControl.pause(.milliseconds(1))
        }
        let record = try #require(ProcessRecord.read(pid: pid))
        #expect(record.hasEnded && record.session == pid && record.parent == ProcessControl.currentPID)
        #expect(record.waitStatus.map { SystemIO.ExitStatus(waitStatus: $0) } == .code(7))
        #expect(ProcessIdentity.of(pid: pid) == nil)
        #expect(try ChildProcess.reap(pid: pid) == .code(7))
        #expect(ProcessRecord.read(pid: pid) == nil)
    }

    @Test func `a handle means its process and no later one`() throws {
        let pid = try spawn("sleep 1000")
        let identity = try #require(ProcessIdentity.of(pid: pid))
        #expect(identity.isAlive && identity.age < .seconds(60))
        let handle = try #require(try ProcessHandle.open(identity))
        let stranger = ProcessIdentity(pid: pid, startTicks: identity.startTicks + 1, bootID: identity.bootID)
        #expect(try ProcessHandle.open(stranger) == nil)
        #expect(handle.send(SignalNumber.kill))
        #expect(try ChildProcess.wait(pid: pid) == .signal(9, dumpedCore: false))
        #expect(!handle.send(SignalNumber.kill))
        #expect(try ProcessHandle.open(identity) == nil)
        #expect([.signal(9, dumpedCore: false), .unknown].contains(handle.exitStatusOfStranger()))
    }

    @Test func `a child gets its own environment, session and no descriptor of ours`() throws {
        let pipe = try Pipe()
        let listing = try Pipe()
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        pipe.writer.setInherited(true)
        let spec = ProcessSpec(
            executable: "/bin/sh", arguments: ["sh", "-c", "ls /proc/self/fd; echo $MARK; umask"],
            environment: ["MARK=here"])
        let started = try ChildProcess.spawn(
            spec, input: null.rawValue, output: listing.writer.rawValue, error: null.rawValue)
        #expect(try ChildProcess.wait(pid: started.pid).isSuccess)
        let lines = String(decoding: try listing.reader.read(upTo: 4096), as: UTF8.self).split(separator: "\n")
        // 3 is the folder that ls itself reads.
        #expect(lines == ["0", "1", "2", "3", "here", "0077"])
    }

    @Test func `a program that cannot be run says at which step`() {
        #expect(throws: SpawnError.self) { _ = try ChildProcess.spawn(missing, input: 0, output: 1, error: 2) }
        do {
            _ = try ChildProcess.spawn(missing, input: 0, output: 1, error: 2)
        } catch {
            #expect(error.step == .exec && !error.isTransient)
        }
    }

    private var missing: ProcessSpec {
        ProcessSpec(executable: "/nowhere", arguments: ["x"], environment: [])
    }

    @Test func `files are swapped whole`() throws {
        let folder = "/tmp/sysio-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try PrivateDirectory.create(folder)
        defer { try? FileSystem.removeTree(folder) }
        let path = folder + "/file"
        for text in ["one", "three", "two", "", "four"] {
            try AtomicFile.swap(Array(text.utf8), to: path, mode: 0o600)
            #expect(try FileSystem.read(path, limit: 100) == Array(text.utf8))
        }
        #expect(try FileSystem.list(folder).sorted() == [".file.spare", "file"])
        #expect(try FileSystem.status(path)?.mode == 0o600)
        for _ in 0..<2 {
            try AtomicFile.withdraw(path)
            #expect(!FileSystem.exists(path))
            try AtomicFile.swap(Array("again".utf8), to: path, mode: 0o600)
            #expect(try FileSystem.read(path, limit: 100) == Array("again".utf8))
        }
        try AtomicFile.removeWithSpare(path)
        #expect(try FileSystem.list(folder).isEmpty)
    }

    @Test func `a watch that goes leaves no descriptor`() throws {
        let before = try #require(FileSystem.count("/proc/self/fd"))
        for _ in 0..<50 {
            let watch = try FileWatch()
            _ = try watch.add("/tmp", .created)
        }
        // Other tests open files at the same time, but not one each for every watch.
        #expect(try #require(FileSystem.count("/proc/self/fd")) < before + 40)
    }

    @Test func `a watch tells of one write and then no more`() throws {
        let path = "/tmp/watch-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let file = try OwnedDescriptor.open(path, [.writeOnly, .create, .append])
        defer { try? FileSystem.remove(path) }
        let watch = try FileWatch()
        let number = try watch.add(path, [.modified, .once])
        #expect(watch.next().isEmpty)
        try file.writeAll([1])
        try file.writeAll([2])
        let events = watch.next()
        #expect(events.filter { $0.change.contains(.modified) }.map(\.watch) == [number])
        try file.writeAll([3])
        #expect(watch.next().isEmpty)
    }
}
