// SPDX-License-Identifier: MIT

import JSONSyntax
import StandInHTTP
import Synchronization
import TestSupport

/// Counts calls from any thread, from 1.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    var value: Int { count.load(ordering: .relaxed) }
}

/// What several tasks have to say.
final class Words: Sendable {
    private let words = Mutex<[String]>([])

    func add(_ text: String) { words.withLock { $0.append(text) } }
    var all: [String] { words.withLock { $0 } }
}

/// A truth value that handlers of other threads look at.
final class Flag: Sendable {
    private let flag: Atomic<Bool>

    init(_ value: Bool) {
        flag = Atomic(value)
    }

    var value: Bool {
        get { flag.load(ordering: .relaxed) }
        set { flag.store(newValue, ordering: .relaxed) }
    }
}

extension StandInRequest {
    var isStream: Bool { json?["stream"] == true }
}

/// Whether something becomes true within a few seconds.
func waits(_ condition: () -> Bool) -> Bool {
    becomesTrue(within: .seconds(5), condition)
}
