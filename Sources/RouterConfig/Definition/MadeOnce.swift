// SPDX-License-Identifier: MIT

internal import Synchronization

/// A value that is made when it is first asked for, and then kept.
///
/// A definition names formats for all that a file may hold; most files hold little of it, but the same key in a hundred
/// services.
final class MadeOnce<Value: Sendable>: Sendable {
    private let made = Mutex<Value?>(nil)
    private let make: @Sendable () -> Value

    init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    var value: Value {
        made.withLock { made in
            if let made { return made }
            let fresh = make()
            made = fresh
            return fresh
        }
    }
}
