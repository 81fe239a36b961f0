// SPDX-License-Identifier: MIT

internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A thread with a descriptor loop and a state that only it touches; others send it work.
package final class LoopThread<State>: Sendable {
    package typealias Work = @Sendable (State) -> Void

    private struct Inbox {
        var work: [Work] = []
        var isOpen = true
    }

    private let inbox = Mutex(Inbox())
    /// A byte in it wakes the loop.
    private let bell: OwnedDescriptor
    private let ended = Reply<Void>()

    /// Starts the thread and makes its state there.
    package init(_ make: @escaping @Sendable (DescriptorLoop, LoopThread<State>) -> State) throws(SystemError) {
        var pair = try DescriptorPair.pipe()
        bell = pair.takeWriteEnd()
        let ring = pair.takeReadEnd().release()
        NonBlockingSocket.setNonBlocking(ring)
        let started = Reply<SystemError?>()
        do throws(SystemError) {
            try BackgroundThread.start { [self] in
                let ring = OwnedDescriptor(taking: ring)
                do throws(SystemError) {
                    let loop = try DescriptorLoop()
                    let state = make(loop, self)
                    let token = try loop.add(ring.rawValue, .readable) { [self] _ in answer(ring.rawValue, loop, state)
                    }
                    started.give(nil)
                    loop.run()
                    loop.remove(token)
                } catch {
                    started.give(error)
                }
                ended.give(())
            }
        } catch {
            NonBlockingSocket.close(ring)
            throw error
        }
        if let error = started.wait() { throw error }
    }

    /// Runs `work` on the thread, soon and in the order of the calls; false when the thread has ended.
    @discardableResult
    package func post(_ work: @escaping Work) -> Bool {
        let (isOpen, mustRing) = inbox.withLock { inbox in
            guard inbox.isOpen else { return (false, false) }
            inbox.work.append(work)
            return (true, inbox.work.count == 1)
        }
        // A full pipe is as good as one more byte in it.
        if mustRing { try? bell.writeAll([1]) }
        return isOpen
    }

    /// Runs `work` on the thread and waits for what it says; nil when the thread has ended. Not to be called on it.
    package func call<Result: Sendable>(_ work: @escaping @Sendable (State) -> Result) -> Result? {
        let reply = Reply<Result>()
        guard post({ reply.give(work($0)) }) else { return nil }
        return reply.wait()
    }

    /// Lets the thread end when it has done what was sent so far, and waits for that.
    package func stop() {
        post { _ in }
        let wasOpen = inbox.withLock { inbox in
            defer { inbox.isOpen = false }
            return inbox.isOpen
        }
        if wasOpen { try? bell.writeAll([1]) }
        ended.wait()
    }

    private func answer(_ ring: Int32, _ loop: DescriptorLoop, _ state: State) {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { memory in
            while case .some(let count) = try? OwnedDescriptor.read(from: ring, into: memory), count == memory.count {}
        }
        let (work, isOpen) = inbox.withLock { inbox in
            defer { inbox.work = [] }
            return (inbox.work, inbox.isOpen)
        }
        for piece in work { piece(state) }
        if !isOpen { loop.stop() }
    }
}

/// A value that one thread gives and others wait for.
final class Reply<Value: Sendable>: @unchecked Sendable {
    // SAFETY: `value` is touched only while `mutex` is held; the pointers never change.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value?

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func give(_ value: Value) {
        pthread_mutex_lock(mutex)
        self.value = value
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    @discardableResult
    func wait() -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value { return value }
            pthread_cond_wait(condition, mutex)
        }
    }
}
