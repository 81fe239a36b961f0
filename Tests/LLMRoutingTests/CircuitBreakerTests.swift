// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

struct CircuitBreakerTests {
    private let start = Instant(nanoseconds: 0)

    private func claim(_ breaker: inout CircuitBreaker, at now: Instant) throws -> CircuitBreaker.Permit {
        let permit = breaker.claim(at: now)
        return try #require(permit)
    }

    private func fail(_ breaker: inout CircuitBreaker, at now: Instant) throws {
        let permit = try claim(&breaker, at: now)
        breaker.failed(permit, at: now)
    }

    private func succeed(_ breaker: inout CircuitBreaker, at now: Instant) throws {
        let permit = try claim(&breaker, at: now)
        breaker.succeeded(permit)
    }

    private func opened() throws -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for _ in 0..<3 { try fail(&breaker, at: start) }
        return breaker
    }

    @Test func `opens at the third failure in a row, for sixty seconds`() throws {
        var breaker = CircuitBreaker()
        for _ in 0..<2 {
            try fail(&breaker, at: start)
            #expect(breaker.status(at: start) == .closed && breaker.admits(at: start))
        }
        try fail(&breaker, at: start)
        let none = breaker.claim(at: start)
        #expect(breaker.status(at: start) == .open && none == nil)
        #expect(breaker.status(at: start + .milliseconds(59_999)) == .open)
        #expect(breaker.status(at: start + .seconds(60)) == .halfOpen)
    }

    @Test func `a success between failures starts the count again`() throws {
        var breaker = CircuitBreaker()
        for _ in 0..<20 {
            for _ in 0..<2 { try fail(&breaker, at: start) }
            try succeed(&breaker, at: start)
        }
        #expect(breaker.status(at: start) == .closed)
    }

    @Test func `one probe at a time, claimed by the call alone`() throws {
        var breaker = try opened()
        let later = start + .seconds(61)
        // Looking does not claim.
        for _ in 0..<5 { #expect(breaker.admits(at: later)) }
        let probe = try claim(&breaker, at: later)
        let second = breaker.claim(at: later)
        #expect(!breaker.admits(at: later) && second == nil && breaker.status(at: later) == .halfOpen)
        breaker.succeeded(probe)
        #expect(breaker.status(at: later) == .closed && breaker.consecutiveFailures == 0)
    }

    @Test func `a failed probe opens for another sixty seconds`() throws {
        var breaker = try opened()
        let later = start + .seconds(61)
        try fail(&breaker, at: later)
        #expect(breaker.status(at: later + .seconds(59)) == .open)
        #expect(breaker.admits(at: later + .seconds(60)))
    }

    @Test func `a probe without a verdict is given back`() throws {
        var breaker = try opened()
        let later = start + .seconds(61)
        let probe = try claim(&breaker, at: later)
        breaker.released(probe, at: later)
        #expect(breaker.admits(at: later))
        // Given back once: a second return changes nothing.
        let next = try claim(&breaker, at: later)
        breaker.succeeded(next)
        breaker.released(probe, at: later)
        #expect(breaker.status(at: later) == .closed)
    }

    @Test func `a call from before the opening neither extends it nor ends the probe`() throws {
        var breaker = CircuitBreaker()
        let old = try claim(&breaker, at: start)
        for _ in 0..<3 { try fail(&breaker, at: start) }
        breaker.failed(old, at: start + .seconds(30))
        #expect(breaker.admits(at: start + .seconds(60)))
        _ = breaker.claim(at: start + .seconds(60))
        breaker.failed(old, at: start + .seconds(61))
        breaker.released(old, at: start + .seconds(61))
        #expect(!breaker.admits(at: start + .seconds(61)))
    }

    @Test func `the beginning of a probe's answer closes, one more failure opens`() throws {
        var breaker = try opened()
        let later = start + .seconds(61)
        let probe = try claim(&breaker, at: later)
        breaker.began(probe)
        #expect(breaker.status(at: later) == .closed)
        try fail(&breaker, at: later)
        #expect(breaker.status(at: later) == .open)
    }

    @Test func `random calls never leak a probe`() throws {
        var random = SeededRandom(seed: 5)
        var breaker = CircuitBreaker(policy: BreakerPolicy(failures: 3, open: .seconds(60), probes: 2))
        var running: [CircuitBreaker.Permit] = []
        var now = start
        for _ in 0..<20_000 {
            now = now + .seconds(Int.random(in: 0...20, using: &random))
            if let permit = breaker.claim(at: now) { running.append(permit) }
            guard let index = running.indices.randomElement(using: &random) else { continue }
            let permit = running.remove(at: index)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: breaker.succeeded(permit)
            case 1: breaker.began(permit); breaker.released(permit, at: now)
            case 2...5: breaker.released(permit, at: now)
            default: breaker.failed(permit, at: now)
            }
        }
        for permit in running { breaker.released(permit, at: now) }
        #expect(breaker.admits(at: now + .seconds(60)), "with no call running, a rested deployment takes one")
    }
}
