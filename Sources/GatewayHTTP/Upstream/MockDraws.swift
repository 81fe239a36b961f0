// SPDX-License-Identifier: MIT

internal import Synchronization

/// The chance of the mock provider: the same numbers in every process, in the order of calls.
///
/// They are what Python's `random.Random(42).random()` yields, so that a run can be compared with the original router's:
/// MT19937 with that language's seeding, 53 bits a number (Matsumoto and Nishimura, 1998, `init_by_array`).
final class MockDraws: Sendable {
    private let generator = Mutex(MersenneTwister(seed: 42))

    /// From 0 up to 1.
    func next() -> Double { generator.withLock { $0.nextUnit() } }
}

/// MT19937.
struct MersenneTwister {
    private static let size = 624
    private static let shift = 397
    private var state: [UInt32]
    private var index = size

    init(seed: UInt32) {
        state = [19_650_218]
        for index in 1..<Self.size { state.append(Self.mixed(state[index - 1], 1_812_433_253) &+ UInt32(index)) }
        var index = 1
        for _ in 0..<Self.size {
            state[index] = (state[index] ^ Self.mixed(state[index - 1], 1_664_525)) &+ seed
            step(&index)
        }
        for _ in 1..<Self.size {
            state[index] = (state[index] ^ Self.mixed(state[index - 1], 1_566_083_941)) &- UInt32(index)
            step(&index)
        }
        state[0] = 0x8000_0000
    }

    private static func mixed(_ word: UInt32, _ factor: UInt32) -> UInt32 { (word ^ (word >> 30)) &* factor }

    private mutating func step(_ index: inout Int) {
        index += 1
        guard index >= Self.size else { return }
        state[0] = state[Self.size - 1]
        index = 1
    }

    mutating func nextWord() -> UInt32 {
        if index == Self.size { refill() }
        var word = state[index]
        index += 1
        word ^= word >> 11
        word ^= (word << 7) & 0x9d2c_5680
        word ^= (word << 15) & 0xefc6_0000
        return word ^ (word >> 18)
    }

    /// 53 random bits, from 0 up to 1.
    mutating func nextUnit() -> Double {
        let high = nextWord() >> 5
        let low = nextWord() >> 6
        return (Double(high) * 67_108_864 + Double(low)) / 9_007_199_254_740_992
    }

    private mutating func refill() {
        for index in 0..<Self.size {
            let word = (state[index] & 0x8000_0000) | (state[(index + 1) % Self.size] & 0x7fff_ffff)
            let twist: UInt32 = word & 1 == 0 ? 0 : 0x9908_b0df
            state[index] = state[(index + Self.shift) % Self.size] ^ (word >> 1) ^ twist
        }
        index = 0
    }
}
