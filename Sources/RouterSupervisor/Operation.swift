// SPDX-License-Identifier: MIT

internal import RouterControl
internal import RouterServices
internal import SystemIO

/// A request that is under way: services still to be stopped, then services still to come up.
final class Operation {
    /// What is asked of the services once the stopping part is over.
    enum Goal {
        case stop
        case start(ControlCommand.Wait, isRestart: Bool)
    }

    let goal: Goal
    /// In start order.
    let targets: [String]
    /// Still to be asked to stop; each waits until those that depend on it are gone.
    var unasked: Set<String>
    var stopping: Set<String> = []
    /// Still to come up.
    var starting: Set<String> = []
    var hasBegunStarts = false
    /// Unrequested exits of each service when its start was asked for: one more means that it died.
    var exitsBefore: [String: Int] = [:]
    var outcomes: [String: ServiceOutcome] = [:]
    var timer: TimerQueue.ID?
    var isTimedOut = false
    let begun = MonotonicTime.now()
    private let finished: ([ServiceOutcome]) -> Void

    init(
        goal: Goal, targets: [String], stopping: Set<String>, finished: @escaping ([ServiceOutcome]) -> Void
    ) {
        self.goal = goal
        self.targets = targets
        unasked = stopping
        self.finished = finished
    }

    var isDone: Bool { unasked.isEmpty && stopping.isEmpty && starting.isEmpty && hasBegunStarts }

    func finish() {
        finished(targets.compactMap { outcomes[$0] })
    }
}
