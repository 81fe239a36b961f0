// SPDX-License-Identifier: MIT

import SystemIO
import Testing

@Suite struct DescriptorLoopTests {
    @Test func `deadlines come in order and cancelled ones do not`() throws {
        let loop = try DescriptorLoop()
        let now = MonotonicTime.now()
        var fired: [Int] = []
        loop.at(now + .milliseconds(20)) { fired.append(2) }
        loop.at(now + .milliseconds(10)) { fired.append(1) }
        let cancelled = loop.at(now + .milliseconds(15)) { fired.append(9) }
        loop.at(now + .milliseconds(30)) {
            fired.append(3)
            loop.stop()
        }
        loop.cancel(cancelled)
        loop.cancel(cancelled)
        loop.run()
        #expect(fired == [1, 2, 3])
        #expect(loop.load.timers == 0)
    }

    @Test func `an event for a descriptor that was removed in the same turn reaches nobody`() throws {
        let loop = try DescriptorLoop()
        let first = try Pipe()
        let second = try Pipe()
        var tokens: [DescriptorLoop.Token] = []
        var calls = 0
        for reader in [first.reader.rawValue, second.reader.rawValue] {
            tokens.append(
                try loop.add(reader, .readable) { _ in
                    calls += 1
                    for token in tokens { loop.remove(token) }
                })
        }
        try first.writer.writeAll([1])
        try second.writer.writeAll([1])
        #expect(!loop.run(until: MonotonicTime.now() + .milliseconds(50)) { calls > 1 })
        #expect(calls == 1)
        #expect(loop.load.descriptors == 0)
    }

    @Test func `a new descriptor with an old number is not taken for the old one`() throws {
        let loop = try DescriptorLoop()
        var heard: [String] = []
        let pipe = try Pipe()
        let old = try loop.add(pipe.reader.rawValue, .readable) { _ in heard.append("old") }
        loop.remove(old)
        let new = try loop.add(pipe.reader.rawValue, .readable) { _ in
            heard.append("new")
            loop.stop()
        }
        loop.remove(old)
        loop.modify(old, [])
        try pipe.writer.writeAll([1])
        loop.run()
        #expect(heard == ["new"])
        loop.remove(new)
    }

    @Test func `idle it takes no turn`() throws {
        let loop = try DescriptorLoop()
        let pipe = try Pipe()
        _ = try loop.add(pipe.reader.rawValue, .readable) { _ in }
        let before = loop.turns
        _ = loop.run(until: MonotonicTime.now() + .milliseconds(100)) { false }
        // One for the limit of this test itself.
        #expect(loop.turns - before <= 2)
    }

    @Test func `the end of a turn comes after its events`() throws {
        let loop = try DescriptorLoop()
        var order: [String] = []
        loop.after(.zero) {
            order.append("event")
            loop.atEndOfTurn {
                order.append("end")
                loop.atEndOfTurn {
                    order.append("end of that")
                    loop.stop()
                }
            }
        }
        loop.after(.zero) { order.append("other event") }
        loop.run()
        #expect(order == ["event", "other event", "end", "end of that"])
    }
}

@Suite struct TimerQueueTests {
    @Test(arguments: 0..<50)
    func `gives what a sorted list would give`(seed: UInt64) {
        var state = seed &* 6_364_136_223_846_793_005 &+ 1
        func random(_ bound: UInt64) -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64((state >> 33) % bound)
        }
        var queue = TimerQueue()
        var model: [(time: Int64, id: TimerQueue.ID)] = []
        for _ in 0..<500 {
            switch random(3) {
            case 0, 1:
                let time = random(100)
                model.append((time, queue.insert(MonotonicTime(nanoseconds: time))))
            default:
                guard !model.isEmpty else { continue }
                queue.cancel(model.remove(at: Int(random(UInt64(model.count)))).id)
            }
            #expect(queue.next?.nanoseconds == model.map(\.time).min())
            #expect(queue.count == model.count)
        }
        var popped: [TimerQueue.ID] = []
        while let id = queue.popDue(MonotonicTime(nanoseconds: 1000)) { popped.append(id) }
        #expect(
            popped
                == model.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(
                    \.element.id))
    }
}
