// SPDX-License-Identifier: MIT

package import RouterServices
package import SystemIO

/// Decides what happens to one service; whoever drives it performs the effects and tells it what came of them.
///
/// It knows no clock, process or file: time and chance are passed in, so every path can be tested.
package struct ServiceStateMachine: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        case stopped
        /// Wanted, but something it depends on is not there yet.
        case waiting
        /// The spawn effect is out.
        case starting
        case running(isReady: Bool)
        case stopping(Step, then: Next)
        case backoff(until: MonotonicTime, Reason)
        case fatal(Reason)
    }

    /// How far an ending has gone.
    package enum Step: Equatable, Sendable {
        /// The stop signal is out.
        case asked
        /// The tree is being killed because it did not obey in time.
        case killed
        /// The main process is gone, others of its tree are being killed.
        case clearing(afterKill: Bool)
    }

    /// What follows when the last process of the tree is gone.
    package enum Next: Equatable, Sendable {
        case stop, start
        /// Start after this, as the restart policy says; nothing to wait for when it is over.
        case restart(after: Duration, Reason)
        case giveUp(Reason)
        /// It ended by itself and its policy leaves it there.
        case rest
    }

    package enum Reason: Equatable, Sendable {
        case exited(ExitStatus)
        case unhealthy
        case cannotSpawn(String)
        /// Out of processes, memory or descriptors.
        case noResources(String)
        case crashLoop(exits: Int, ExitStatus?)
        case environmentUnknown
    }

    package enum Event: Equatable, Sendable {
        case start, stop, restart
        case dependencies(met: Bool)
        case spawned
        case spawnFailed(String, isTransient: Bool)
        case adopted(isReady: Bool)
        /// The main process has ended; `hasLeftovers` when others of its tree live.
        case exited(ExitStatus, uptime: Duration, hasLeftovers: Bool)
        case treeEmpty
        case readiness(Bool)
        case livenessFailed
        case deadline
    }

    package enum Effect: Equatable, Sendable {
        case spawn, askToStop, killTree, startProbes, stopProbes
        case setDeadline(MonotonicTime)
        case clearDeadline
        /// Nobody wants it to run any more.
        case rest
        case report(Report)
    }

    /// What others are told.
    package enum Report: Equatable, Sendable {
        case ready, unready, unhealthy
        case stopped(afterKill: Bool)
        case fatal(Reason)
    }

    /// How long until a tree that was killed is killed again, in case the kernel had been busy with it.
    package static let killRetry = Duration.seconds(1)
    /// After a lack of processes, memory or descriptors; short, so that all runs again soon after it lifts.
    package static let resourceRetry = Duration.milliseconds(500)

    package private(set) var state = State.stopped
    private var restartPolicy: RestartPolicy
    private var stopPolicy: StopPolicy
    private var areDependenciesMet: Bool
    private var backoff: RestartBackoff
    private var crashes: CrashLoopWindow

    package init(restart: RestartPolicy, stop: StopPolicy, areDependenciesMet: Bool = true) {
        restartPolicy = restart
        stopPolicy = stop
        self.areDependenciesMet = areDependenciesMet
        backoff = RestartBackoff(policy: restart)
        crashes = CrashLoopWindow(policy: restart)
    }

    /// Takes over changed policies without touching what runs.
    package mutating func update(restart: RestartPolicy, stop: StopPolicy) {
        stopPolicy = stop
        guard restart != restartPolicy else { return }
        restartPolicy = restart
        backoff = RestartBackoff(policy: restart)
        crashes = CrashLoopWindow(policy: restart)
    }

    /// Puts a service that an earlier supervisor had given up back into that state.
    package mutating func restoreFatal(_ reason: Reason) {
        state = .fatal(reason)
    }

    /// Moves on; `random` is from 0 up to 1.
    package mutating func handle(_ event: Event, now: MonotonicTime, random: Double) -> [Effect] {
        if case .dependencies(let met) = event { areDependenciesMet = met }
        switch state {
        case .stopped: return whenStopped(event)
        case .waiting: return whenWaiting(event)
        case .starting: return whenStarting(event, now, random)
        case .running(let isReady): return whenRunning(event, isReady, now, random)
        case .stopping(let step, let next): return whenStopping(event, step, next, now)
        case .backoff: return whenBackingOff(event)
        case .fatal: return whenFatal(event)
        }
    }
}

// MARK: - One function a state

extension ServiceStateMachine {
    private mutating func whenStopped(_ event: Event) -> [Effect] {
        switch event {
        case .start, .restart: return begin(isFresh: true)
        case .adopted(let isReady): return adopt(isReady)
        case .spawned: return killStray()
        case .stop, .dependencies, .spawnFailed, .exited, .treeEmpty, .readiness, .livenessFailed, .deadline: return []
        }
    }

    private mutating func whenWaiting(_ event: Event) -> [Effect] {
        switch event {
        case .start, .restart, .dependencies: return begin(isFresh: false)
        case .stop: return settle(.stopped, [.report(.stopped(afterKill: false))])
        case .adopted(let isReady): return adopt(isReady)
        case .spawned: return killStray()
        case .spawnFailed, .exited, .treeEmpty, .readiness, .livenessFailed, .deadline: return []
        }
    }

    private mutating func whenStarting(_ event: Event, _ now: MonotonicTime, _ random: Double) -> [Effect] {
        switch event {
        case .spawned: return settle(.running(isReady: false), [.startProbes])
        case .adopted(let isReady): return adopt(isReady)
        case .spawnFailed(let words, isTransient: true):
            let until = now + Self.resourceRetry
            return settle(.backoff(until: until, .noResources(words)), [.setDeadline(until)])
        case .spawnFailed(let words, isTransient: false):
            return follow(failure(.cannotSpawn(words), nil, uptime: .zero, now, random), now)
        case .stop: return settle(.stopped, [.report(.stopped(afterKill: false))])
        case .start, .restart, .dependencies, .exited, .treeEmpty, .readiness, .livenessFailed, .deadline: return []
        }
    }

    private mutating func whenRunning(
        _ event: Event, _ wasReady: Bool, _ now: MonotonicTime, _ random: Double
    ) -> [Effect] {
        switch event {
        case .stop: return ask(then: .stop, now)
        case .restart: return ask(then: .start, now)
        case .exited(let status, let uptime, let hasLeftovers):
            let next = afterExit(status, uptime, now, random)
            guard hasLeftovers else { return [.stopProbes] + follow(next, now) }
            let effects: [Effect] = [.stopProbes, .killTree, .setDeadline(now + Self.killRetry)]
            return settle(.stopping(.clearing(afterKill: false), then: next), effects)
        case .readiness(let isReady):
            guard isReady != wasReady else { return [] }
            return settle(.running(isReady: isReady), [.report(isReady ? .ready : .unready)])
        case .livenessFailed:
            let next = failure(.unhealthy, nil, uptime: .zero, now, random)
            return [.report(.unhealthy)] + ask(then: next, now)
        case .start, .dependencies, .spawned, .spawnFailed, .adopted, .treeEmpty, .deadline: return []
        }
    }

    private mutating func whenStopping(
        _ event: Event, _ step: Step, _ next: Next, _ now: MonotonicTime
    ) -> [Effect] {
        switch event {
        case .start, .restart: return settle(.stopping(step, then: .start), [])
        case .stop: return settle(.stopping(step, then: .stop), [])
        case .exited(_, _, hasLeftovers: false): return [.clearDeadline] + follow(next, now, afterKill: step.wasKilled)
        case .exited(_, _, hasLeftovers: true):
            let clearing = Step.clearing(afterKill: step.wasKilled)
            return settle(.stopping(clearing, then: next), [.killTree, .setDeadline(now + Self.killRetry)])
        case .treeEmpty:
            guard case .clearing(let afterKill) = step else { return [] }
            return [.clearDeadline] + follow(next, now, afterKill: afterKill)
        case .deadline:
            let again = step == .asked ? .killed : step
            return settle(.stopping(again, then: next), [.killTree, .setDeadline(now + Self.killRetry)])
        case .dependencies, .spawned, .spawnFailed, .adopted, .readiness, .livenessFailed: return []
        }
    }

    private mutating func whenBackingOff(_ event: Event) -> [Effect] {
        switch event {
        case .start, .restart: return [.clearDeadline] + begin(isFresh: true)
        case .stop: return settle(.stopped, [.clearDeadline, .report(.stopped(afterKill: false))])
        case .deadline: return begin(isFresh: false)
        case .adopted(let isReady): return [.clearDeadline] + adopt(isReady)
        case .spawned: return [.clearDeadline] + killStray()
        case .dependencies, .spawnFailed, .exited, .treeEmpty, .readiness, .livenessFailed: return []
        }
    }

    private mutating func whenFatal(_ event: Event) -> [Effect] {
        switch event {
        case .start, .restart: return begin(isFresh: true)
        case .stop: return settle(.stopped, [.report(.stopped(afterKill: false))])
        case .adopted(let isReady): return adopt(isReady)
        case .spawned: return killStray()
        case .dependencies, .spawnFailed, .exited, .treeEmpty, .readiness, .livenessFailed, .deadline: return []
        }
    }
}

// MARK: - Steps

extension ServiceStateMachine {
    private mutating func settle(_ state: State, _ effects: [Effect]) -> [Effect] {
        self.state = state
        return effects
    }

    /// Starts, or waits for what it depends on. A fresh beginning forgets earlier failures.
    private mutating func begin(isFresh: Bool) -> [Effect] {
        if isFresh {
            backoff.reset()
            crashes.reset()
        }
        return areDependenciesMet ? settle(.starting, [.spawn]) : settle(.waiting, [])
    }

    private mutating func adopt(_ isReady: Bool) -> [Effect] {
        settle(.running(isReady: isReady), [.startProbes])
    }

    /// A process that nobody wants any more by the time it is there.
    private mutating func killStray() -> [Effect] {
        settle(.stopping(.killed, then: .stop), [.killTree])
    }

    private mutating func ask(then next: Next, _ now: MonotonicTime) -> [Effect] {
        let deadline = now + max(.zero, stopPolicy.timeout)
        return settle(.stopping(.asked, then: next), [.stopProbes, .askToStop, .setDeadline(deadline)])
    }

    private mutating func afterExit(
        _ status: ExitStatus, _ uptime: Duration, _ now: MonotonicTime, _ random: Double
    ) -> Next {
        switch restartPolicy.mode {
        case .never: return .rest
        case .onFailure where status.isSuccess: return .rest
        case .always, .onFailure: return failure(.exited(status), status, uptime: uptime, now, random)
        }
    }

    /// What follows an end that nobody asked for.
    private mutating func failure(
        _ reason: Reason, _ status: ExitStatus?, uptime: Duration, _ now: MonotonicTime, _ random: Double
    ) -> Next {
        if restartPolicy.mode == .never { return .giveUp(reason) }
        if crashes.noteExit(now) { return .giveUp(.crashLoop(exits: crashes.count, status)) }
        return .restart(after: backoff.delay(after: uptime, random: random), reason)
    }

    private mutating func follow(_ next: Next, _ now: MonotonicTime, afterKill: Bool = false) -> [Effect] {
        switch next {
        case .stop: return settle(.stopped, [.report(.stopped(afterKill: afterKill))])
        case .start: return begin(isFresh: true)
        case .restart(after: .zero, _): return begin(isFresh: false)
        case .restart(let delay, let reason):
            return settle(.backoff(until: now + delay, reason), [.setDeadline(now + delay)])
        case .giveUp(let reason): return settle(.fatal(reason), [.report(.fatal(reason))])
        case .rest: return settle(.stopped, [.rest])
        }
    }
}

extension ServiceStateMachine.Step {
    fileprivate var wasKilled: Bool {
        switch self {
        case .asked: false
        case .killed: true
        case .clearing(let afterKill): afterKill
        }
    }
}

extension ServiceStateMachine.Reason {
    /// For status and events.
    package var words: String {
        switch self {
        case .exited(.code(let code)): "it exited with code \(code)"
        case .exited(.signal(let number, _)): "it was ended by \(SignalNumber.name(number))"
        case .exited(.unknown): "it ended, nobody knows how"
        case .unhealthy: "its liveness probe failed"
        case .cannotSpawn(let words), .noResources(let words): words
        case .crashLoop(let exits, let status):
            "crash loop: it ended \(exits) times within its window"
                + (status.map { ", last " + Self.exited($0).words.dropFirst(3) } ?? "")
        case .environmentUnknown: "its environment is not known any more; run `llm-router service start`"
        }
    }
}
