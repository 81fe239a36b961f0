// SPDX-License-Identifier: MIT

import Foundation
import Synchronization

/// Runs blocking work side by side, outside the pool that the tests themselves run on.
enum Threads {
    private final class Collected<Result: Sendable>: Sendable {
        let results = Mutex<[Int: Result]>([:])
        let finished = DispatchSemaphore(value: 0)
    }

    static func run<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
        let collected = Collected<Result>()
        for index in 0..<count {
            Thread.detachNewThread {
                let result = body(index)
                collected.results.withLock { $0[index] = result }
                collected.finished.signal()
            }
        }
        for _ in 0..<count { collected.finished.wait() }
        return collected.results.withLock { found in (0..<count).compactMap { found[$0] } }
    }
}
