// SPDX-License-Identifier: MIT

import RouterControl
import RouterServices
import RouterSupervisor
import Synchronization
import SystemIO
import Testing

/// Logs stay within their bound and lose nothing while they do.
@Suite struct LogTests {
    private static let policyBytes = 256 << 10

    /// Folders on a disk and, where there is one, in memory: they cut files in different ways.
    static let places = ["/tmp"] + (FileSystem.exists("/dev/shm") ? ["/dev/shm"] : [])

    private func spec(_ stack: Stack, _ flags: [String], kept: Int = 400) -> ServiceSpec {
        stack.spec("a", flags) {
            $0.log.maximumBytes = Self.policyBytes
            $0.log.keptFiles = kept
            $0.restart.mode = .never
        }
    }

    /// All lines in old files and the current one.
    private func allLines(_ stack: Stack) throws -> [String] {
        let folder = stack.folder + "/process-logs"
        let archives = LogArchive.all(of: "a.log", among: try FileSystem.list(folder))
        var bytes: [UInt8] = []
        for archive in archives { bytes += try FileSystem.read("\(folder)/a.log.\(archive.name)", limit: 64 << 20) }
        bytes += try FileSystem.read(folder + "/a.log", limit: 64 << 20).drop { $0 == 0 }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test(arguments: places)
    func `no line is lost or repeated at a rotation`(place: String) throws {
        let stack = try Stack(in: place)
        var client = try stack.connect()
        let count = 200_000
        _ = try client.start(
            [], specs: [spec(stack, ["--count", "\(count)"])], wait: .started, timeout: .seconds(10))
        let path = stack.folder + "/process-logs/a.log"
        try expectSoon("all is written", within: .seconds(60)) { LogReader.tail(path, lines: 1) == ["end"] }
        try expectSoon("the log is within its bound") {
            try FileSystem.status(path).map { $0.allocatedBytes <= Self.policyBytes + 8192 } ?? false
                && FileSystem.list(stack.folder + "/process-logs").allSatisfy { !$0.hasSuffix(".partial") }
        }
        let lines = try allLines(stack)
        #expect(lines.count == count + 1)
        #expect(lines == (0..<count).map { "line \($0)" } + ["end"])
        #expect(LogReader.tail(path, lines: 3) == ["line \(count - 2)", "line \(count - 1)", "end"])
    }

    @Test(arguments: places)
    func `a supervisor that is killed in the middle of rotations loses no line and repeats none`(place: String) throws {
        let stack = try Stack(in: place)
        let count = 400_000
        let spec = spec(stack, ["--count", "\(count)"])
        try stack.ask { (client) throws(ControlError) in
            _ = try client.start([], specs: [spec], wait: .started, timeout: .seconds(10))
        }
        let path = stack.folder + "/process-logs/a.log"
        var kills = 0
        while LogReader.tail(path, lines: 1) != ["end"] || kills < 3 {
            ProcessControl.pause(.milliseconds(kills % 7 * 5))
            try stack.killSupervisor()
            _ = try stack.connect()
            kills += 1
        }
        try expectSoon("the log is within its bound", within: .seconds(60)) {
            try FileSystem.status(path).map { $0.allocatedBytes <= Self.policyBytes + 8192 } ?? false
                && FileSystem.list(stack.folder + "/process-logs").allSatisfy { !$0.hasSuffix(".partial") }
        }
        #expect(try allLines(stack) == (0..<count).map { "line \($0)" } + ["end"])
    }

    @Test func `a follower sees every line once, across rotations`() throws {
        let stack = try Stack()
        var client = try stack.connect()
        let count = 100_000
        let path = stack.folder + "/process-logs/a.log"
        try PrivateDirectory.create(stack.folder + "/process-logs")
        try OwnedDescriptor.open(path, [.writeOnly, .create]).writeAll(Array("early\n".utf8))
        let spec = spec(stack, ["--count", "\(count)"])
        let ready = Mutex(false)
        let results = Threads.run(2) { index -> [String] in
            if index == 0 {
                var seen: [String] = []
                let follower = try? LogFollower([LogFollower.Source(name: "a", path: path)], tail: 1)
                try? follower?.run { _, line in
                    seen.append(line)
                    ready.withLock { $0 = true }
                    return line != "end"
                }
                return seen
            }
            while !ready.withLock({ $0 }) { ProcessControl.pause(.milliseconds(1)) }
            guard var other = try? stack.connect() else { return [] }
            _ = try? other.start([], specs: [spec], wait: .started, timeout: .seconds(10))
            return []
        }
        #expect(results[0].count == count + 2)
        #expect(results[0] == ["early"] + (0..<count).map { "line \($0)" } + ["end"])
        _ = try client.stop([], timeout: .seconds(5))
    }

    @Test(arguments: places)
    func `a flood stays within its bound, also when another supervisor has adopted it`(place: String) throws {
        let stack = try Stack(in: place)
        var client = try stack.connect()
        let spec = stack.spec("a", ["--flood", "60000000"]) {
            $0.log.maximumBytes = 1 << 20
            $0.log.keptFiles = 3
        }
        _ = try client.start([], specs: [spec], wait: .started, timeout: .seconds(10))
        let folder = stack.folder + "/process-logs"
        let deadline = MonotonicTime.now() + .seconds(3)
        var largest = 0
        var isAdopted = false
        while MonotonicTime.now() < deadline {
            if !isAdopted, deadline - MonotonicTime.now() < .seconds(2) {
                try stack.killSupervisor()
                client = try stack.connect()
                isAdopted = true
            }
            let used = try FileSystem.list(folder).reduce(0) {
                $0 + ((try? FileSystem.status("\(folder)/\($1)"))??.allocatedBytes ?? 0)
            }
            largest = max(largest, used)
            ProcessControl.pause(.milliseconds(20))
        }
        // Four files of a MiB, and what comes in while nobody looks on a loaded machine.
        #expect(largest < 40 << 20)
        #expect(largest > 1 << 20)
        // The very last one may still be on its way.
        #expect(LogReader.tail(folder + "/a.log", lines: 2).first?.count == 99)
        _ = try client.stop([], timeout: .seconds(5))
    }

    @Test func `old files are packed and the oldest dropped`() throws {
        let gzip = try #require(ChildProcess.locate("gzip", searchPath: "/usr/bin:/bin"))
        let stack = try Stack(["--compressor", gzip])
        var client = try stack.connect()
        _ = try client.start(
            [], specs: [spec(stack, ["--count", "200000"], kept: 3)], wait: .started, timeout: .seconds(10))
        let folder = stack.folder + "/process-logs"
        try expectSoon("all is written", within: .seconds(60)) {
            LogReader.tail(folder + "/a.log", lines: 1) == ["end"]
        }
        try expectSoon("three packed files are left") {
            let archives = LogArchive.all(of: "a.log", among: try FileSystem.list(folder))
            return !archives.isEmpty && archives.count <= 3 && archives.allSatisfy(\.isPacked)
        }
    }
}
