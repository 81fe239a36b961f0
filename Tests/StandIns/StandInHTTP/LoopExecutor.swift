// SPDX-License-Identifier: MIT

internal import NIOCore

/// Runs tasks on an event loop's thread.
///
/// Tests block the threads that Swift's tasks share; a server in the same process must not wait for those.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Sleeps by the loop's own timer.
    func sleep(for duration: Duration) async throws {
        let wake = loop.scheduleTask(in: TimeAmount(duration)) {}
        try await withTaskCancellationHandler {
            try await wake.futureResult.get()
        } onCancel: {
            wake.cancel()
        }
    }
}
