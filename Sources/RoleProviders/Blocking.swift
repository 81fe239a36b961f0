// SPDX-License-Identifier: MIT

internal import Synchronization
internal import SystemIO

/// Runs what blocks on a thread of its own, because the threads that tasks share must not wait.
enum Blocking {
    /// - Parameter body: gets a question that becomes true when the task is cancelled; it must end by itself in any case.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> Value
    ) async throws -> Value {
        let cancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                do {
                    try BackgroundThread.start {
                        continuation.resume(with: Result { try body { cancelled.isSet } })
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            cancelled.set()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
