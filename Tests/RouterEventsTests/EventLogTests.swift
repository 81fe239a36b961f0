// SPDX-License-Identifier: MIT

import Foundation
import JSONSyntax
import RouterEvents
import Synchronization
import SystemIO
import Testing

@Suite struct EventLogTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/events-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try PrivateDirectory.create(folder)
        defer { try? FileSystem.removeTree(folder) }
        try body(folder)
    }

    @Test func `every line has all seven keys in order and is ASCII`() throws {
        try withFolder { folder in
            let log = EventLog(path: folder + "/events.log")
            try log.append(Event(.serviceStart, at: Timestamp(nanoseconds: 1_000), service: "a", detail: "ü\n☃"))
            let bytes = try FileSystem.read(folder + "/events.log", limit: 1 << 20)
            #expect(bytes.allSatisfy { $0 < 0x80 })
            #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
            let object = try #require(try JSONParser.parse(bytes).objectValue)
            #expect(object.names == ["timestamp", "event", "service", "profile", "provider", "result", "detail"])
            #expect(object["timestamp"] == "1970-01-01T00:00:00.000001+00:00")
            #expect(object["detail"] == "ü\n☃")
            #expect(object["result"] == .null)
        }
    }

    @Test func `fifty writers and a reader see only whole lines`() throws {
        try withFolder { folder in
            let path = folder + "/events.log"
            let log = EventLog(path: path, maximumBytes: 1 << 30)
            let finished = DispatchSemaphore(value: 0)
            final class Shared: Sendable {
                let isOver = Mutex(false)
                let broken = Mutex(0)
            }
            let shared = Shared()
            for writer in 0..<50 {
                Thread.detachNewThread {
                    for number in 0..<40 {
                        log.record(
                            Event(
                                .serviceExit, at: Timestamp.now(), service: "w\(writer)",
                                detail: String(repeating: "\(number % 10)", count: number * 20)))
                    }
                    finished.signal()
                }
            }
            let read = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                while !shared.isOver.withLock({ $0 }) {
                    let bytes = (try? FileSystem.read(path, limit: 1 << 30)) ?? []
                    guard bytes.last == UInt8(ascii: "\n") || bytes.isEmpty else {
                        shared.broken.withLock { $0 += 1 }
                        continue
                    }
                    for line in bytes.split(separator: UInt8(ascii: "\n"))
                    where (try? JSONParser.parse(Array(line))) == nil {
                        shared.broken.withLock { $0 += 1 }
                    }
                }
                read.signal()
            }
            for _ in 0..<50 { finished.wait() }
            shared.isOver.withLock { $0 = true }
            read.wait()
            #expect(shared.broken.withLock { $0 } == 0)
            let lines = try FileSystem.read(path, limit: 1 << 30).split(separator: UInt8(ascii: "\n"))
            #expect(lines.count == 50 * 40)
        }
    }

    @Test func `a full log is put aside once`() throws {
        try withFolder { folder in
            let log = EventLog(path: folder + "/events.log", maximumBytes: 2000)
            for number in 0..<100 { log.record(Event(.serviceExit, at: Timestamp.now(), detail: "\(number)")) }
            let size = try #require(try FileSystem.status(folder + "/events.log")?.sizeBytes)
            #expect(size < 2400)
            #expect(FileSystem.exists(folder + "/events.log.1"))
        }
    }

    @Test func `a folder that is not there harms nobody`() {
        EventLog(path: "/nowhere/at/all/events.log").record(Event(.serviceExit, at: Timestamp.now()))
        #expect(throws: SystemError.self) {
            try EventLog(path: "/nowhere/events.log").append(Event(.serviceExit, at: Timestamp.now()))
        }
    }
}
