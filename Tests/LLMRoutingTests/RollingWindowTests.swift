// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// Keeps everything and counts by looking at all of it.
private struct BruteForceWindow {
    var admitted: [(time: Int64, amount: Int)] = []

    func used(at now: Int64) -> Int {
        admitted.filter { now - $0.time < 60_000_000_000 }.reduce(0) { $0 + $1.amount }
    }

    /// The most that any 60 seconds hold: it is enough to look at those that begin with an admission.
    var fullest: Int {
        var most = 0
        for (index, first) in admitted.enumerated() {
            let within = admitted[index...].prefix { $0.time - first.time < 60_000_000_000 }
            most = max(most, within.reduce(0) { $0 + $1.amount })
        }
        return most
    }
}

/// `#expect` may not call what changes a value.
private func expect(_ value: Bool, _ expected: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(value == expected, sourceLocation: sourceLocation)
}

struct RollingWindowTests {
    @Test func `a hundred pass, the next waits for the first to leave`() {
        var window = RollingWindow()
        let start = Instant(nanoseconds: 0)
        for call in 0..<100 { expect(window.admit(1, limit: 100, at: start + .milliseconds(call)), true) }
        expect(window.admit(1, limit: 100, at: start + .seconds(59)), false)
        #expect(window.admission(of: 1, limit: 100, at: start + .seconds(59)) == start + .seconds(60))
        expect(window.admit(1, limit: 100, at: start + .seconds(60)), true)
        expect(window.admit(1, limit: 100, at: start + .seconds(60)), false)
        #expect(window.admission(of: 101, limit: 100, at: start) == nil)
    }

    @Test(arguments: 1...40)
    func `agrees with counting everything, over random schedules`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var window = RollingWindow()
        var oracle = BruteForceWindow()
        let limit = Int.random(in: 1...60, using: &random)
        let largest = Bool.random(using: &random) ? 1 : max(1, limit / 3)
        var now: Int64 = 0
        for _ in 0..<1500 {
            let isBurst = Int.random(in: 0..<4, using: &random) > 0
            now += Int64.random(in: 0...(isBurst ? 300_000_000 : 20_000_000_000), using: &random)
            let amount = Int.random(in: 1...largest, using: &random)
            let fits = oracle.used(at: now) + amount <= limit
            let instant = Instant(nanoseconds: now)
            #expect(window.admits(amount, limit: limit, at: instant) == fits)
            if !fits, let free = window.admission(of: amount, limit: limit, at: instant) {
                #expect(oracle.used(at: free.nanoseconds) + amount <= limit)
                #expect(oracle.used(at: free.nanoseconds - 1) + amount > limit)
            }
            expect(window.admit(amount, limit: limit, at: instant), fits)
            if fits { oracle.admitted.append((now, amount)) }
            expect(window.used(at: instant) == oracle.used(at: now), true)
        }
        #expect(oracle.fullest <= limit)
    }

    @Test func `beyond its exact size it refuses earlier but never admits more`() {
        var random = SeededRandom(seed: 9)
        var window = RollingWindow()
        var oracle = BruteForceWindow()
        let limit = 3 * RollingWindow.exactEntries
        var now: Int64 = 0
        for _ in 0..<40_000 {
            now += Int64.random(in: 0...6_000_000, using: &random)
            if window.admit(1, limit: limit, at: Instant(nanoseconds: now)) { oracle.admitted.append((now, 1)) }
        }
        #expect(oracle.admitted.count > limit)
        var first = 0
        for (index, entry) in oracle.admitted.enumerated() {
            while entry.time - oracle.admitted[first].time >= 60_000_000_000 { first += 1 }
            #expect(index - first < limit)
        }
    }

    @Test func `an estimate is corrected`() {
        var window = RollingWindow()
        let start = Instant(nanoseconds: 7)
        expect(window.admit(80, limit: 100, at: start), true)
        #expect(!window.admits(30, limit: 100, at: start))
        window.giveBack(50, admittedAt: start)
        expect(window.used(at: start) == 30 && window.admits(70, limit: 100, at: start), true)
    }

    @Test func `a clock that steps back admits nothing twice`() {
        var window = RollingWindow()
        expect(window.admit(1, limit: 1, at: Instant(nanoseconds: 90_000_000_000)), true)
        expect(window.admit(1, limit: 1, at: Instant(nanoseconds: 10_000_000_000)), false)
    }
}
