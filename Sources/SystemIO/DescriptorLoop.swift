// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Waits for descriptors and deadlines in one thread and calls whoever is concerned; idle, it does not wake at all.
///
/// Every registration has a generation, so an event that was already fetched for a descriptor closed meanwhile, or for
/// a new one with the same number, is dropped instead of reaching the wrong owner.
package final class DescriptorLoop {
    /// What a descriptor is ready for, or is waited for.
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let readable = Readiness(rawValue: UInt32(router_poll_readable))
        package static let writable = Readiness(rawValue: UInt32(router_poll_writable))
        /// The other end has gone; always reported, never asked for.
        package static let hangup = Readiness(rawValue: UInt32(router_poll_hangup))
        /// Only asked for: what was reported is not reported again until there is more of it.
        package static let onlyNews = Readiness(rawValue: UInt32(router_poll_edge))
    }

    /// Names one registration of one descriptor.
    package struct Token: Hashable, Sendable {
        fileprivate let slot: UInt32
        fileprivate let generation: UInt32

        fileprivate var packed: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
    }

    private struct Slot {
        var generation: UInt32 = 0
        var descriptor: Int32 = -1
        var handler: ((Readiness) -> Void)?
    }

    private let poll: OwnedDescriptor
    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []
    private var timers = TimerQueue()
    private var timerHandlers: [TimerQueue.ID: () -> Void] = [:]
    private var endOfTurn: [() -> Void] = []
    private var isStopped = false
    private let events: UnsafeMutablePointer<router_poll_event>
    private static let eventCapacity = 256

    /// Turns taken so far: each is one wake-up of the process.
    package private(set) var turns = 0

    package init() throws(SystemError) {
        let descriptor = router_poll_create()
        guard descriptor >= 0 else { throw SystemError.current("make an event queue") }
        poll = OwnedDescriptor(taking: descriptor)
        events = .allocate(capacity: Self.eventCapacity)
    }

    deinit {
        events.deallocate()
    }

    // MARK: - Descriptors

    /// Calls `handler` whenever `descriptor` is ready, until `remove`; the caller goes on owning the descriptor.
    package func add(
        _ descriptor: Int32, _ interest: Readiness, _ handler: @escaping (Readiness) -> Void
    ) throws(SystemError) -> Token {
        let index = freeSlots.popLast() ?? UInt32(slots.count)
        if index == slots.count { slots.append(Slot()) }
        let token = Token(slot: index, generation: slots[Int(index)].generation)
        guard router_poll_set(poll.rawValue, descriptor, interest.rawValue, token.packed, 1) == 0 else {
            let error = SystemError.current("wait for a descriptor")
            freeSlots.append(index)
            throw error
        }
        slots[Int(index)].descriptor = descriptor
        slots[Int(index)].handler = handler
        return token
    }

    /// Changes what is waited for; an old token changes nothing.
    package func modify(_ token: Token, _ interest: Readiness) {
        guard isCurrent(token) else { return }
        let descriptor = slots[Int(token.slot)].descriptor
        _ = router_poll_set(poll.rawValue, descriptor, interest.rawValue, token.packed, 0)
    }

    /// Stops waiting; call it before the descriptor is closed, since a child may hold a copy that keeps it in the queue.
    package func remove(_ token: Token) {
        guard isCurrent(token) else { return }
        _ = router_poll_remove(poll.rawValue, slots[Int(token.slot)].descriptor)
        slots[Int(token.slot)] = Slot(generation: token.generation &+ 1)
        freeSlots.append(token.slot)
    }

    private func isCurrent(_ token: Token) -> Bool {
        token.slot < slots.count && slots[Int(token.slot)].generation == token.generation
            && slots[Int(token.slot)].handler != nil
    }

    // MARK: - Deadlines

    /// Calls `handler` once, at `deadline` or as soon after it as the loop is free.
    @discardableResult
    package func at(_ deadline: MonotonicTime, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        let id = timers.insert(deadline)
        timerHandlers[id] = handler
        return id
    }

    /// Calls `handler` once, after `delay`.
    @discardableResult
    package func after(_ delay: Duration, _ handler: @escaping () -> Void) -> TimerQueue.ID {
        at(MonotonicTime.now() + delay, handler)
    }

    package func cancel(_ id: TimerQueue.ID) {
        guard timerHandlers.removeValue(forKey: id) != nil else { return }
        timers.cancel(id)
    }

    /// Calls `handler` once, after all events of this turn have been handled.
    package func atEndOfTurn(_ handler: @escaping () -> Void) {
        endOfTurn.append(handler)
    }

    /// How many descriptors and deadlines are waited for; tests hold leaks against it.
    package var load: (descriptors: Int, timers: Int) { (slots.count - freeSlots.count, timerHandlers.count) }

    // MARK: - Running

    /// Runs until `stop`.
    package func run() {
        isStopped = false
        while !isStopped { turn(waitingUntil: nil) }
    }

    /// Runs until `condition` holds or `deadline` has passed; says whether it held.
    package func run(until deadline: MonotonicTime, _ condition: () -> Bool) -> Bool {
        while !condition() {
            guard MonotonicTime.now() < deadline else { return false }
            turn(waitingUntil: deadline)
        }
        return true
    }

    /// Makes `run` return after this turn.
    package func stop() {
        isStopped = true
    }

    private func turn(waitingUntil limit: MonotonicTime?) {
        let count = router_poll_wait(poll.rawValue, events, Int32(Self.eventCapacity), timeout(limit))
        turns += 1
        if count > 0 {
            for index in 0..<Int(count) {
                let event = events[index]
                let token = Token(slot: UInt32(truncatingIfNeeded: event.token), generation: UInt32(event.token >> 32))
                guard isCurrent(token), let handler = slots[Int(token.slot)].handler else { continue }
                handler(Readiness(rawValue: event.events))
            }
        }
        fireTimers()
        while !endOfTurn.isEmpty {
            let handlers = endOfTurn
            endOfTurn.removeAll()
            for handler in handlers { handler() }
        }
    }

    /// Nanoseconds until the next deadline; negative when there is none.
    private func timeout(_ limit: MonotonicTime?) -> Int64 {
        var next = timers.next
        if let limit { next = next.map { min($0, limit) } ?? limit }
        if !endOfTurn.isEmpty { return 0 }
        guard let next else { return -1 }
        return max(0, (next - MonotonicTime.now()).wholeNanoseconds)
    }

    private func fireTimers() {
        guard let next = timers.next else { return }
        let now = MonotonicTime.now()
        guard next <= now else { return }
        while let id = timers.popDue(now) {
            timerHandlers.removeValue(forKey: id)?()
        }
    }
}
