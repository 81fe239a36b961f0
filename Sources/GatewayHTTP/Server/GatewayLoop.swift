// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import LLMRouting
internal import Synchronization
internal import SystemIO

/// What one event loop owns: its connections, its upstream pools, its counters. Only its own thread touches it.
final class GatewayLoop {
    let sockets: SocketLoop
    private let thread: LoopThread<GatewayLoop>
    let shared: GatewayShared
    /// What requests that arrive now are answered with; those under way keep theirs.
    private(set) var snapshot: Snapshot
    let clock = LoopClock()
    private var pools: [Origin: UpstreamPool] = [:]
    /// The pool that was asked for last, with its origin.
    private var lastPool: (origin: Origin, pool: UpstreamPool)?
    private var connections: [ClientConnection] = []
    private var exchanges: [Exchange] = []
    private var waiting: [Exchange] = []
    private var closing: [(connection: ClientConnection, deadline: Int64)] = []
    /// With more connections than this each is looked at less often than at every tick.
    private static let looksATick = 256
    private var nextExchange = 0
    private var nextConnection = 0
    private var isTicking = false
    private var lastTick: Int64 = 0
    /// What the tick was scheduled with; a reload may want another one.
    private var tickInterval: Int64 = 0
    private var acceptors: [Acceptor] = []
    /// What is to be done when other threads have told what they were asked.
    private var awaited: [UInt64: () -> Void] = [:]
    private var awaitedNumber: UInt64 = 0
    private var requestNumber: UInt64 = 0
    private let requestSeed = UInt64.random(in: .min ... .max)
    private(set) var isDraining = false
    var metrics = LoopMetrics()
    var log: AccessLog
    /// For what goes to clients, and to upstreams.
    var answerScratch = ScratchBuffer()
    var requestScratch = ScratchBuffer()
    /// Quick numbers for shuffles and jitter; nothing secret depends on them.
    var random = QuickRandom()

    init(
        _ descriptors: DescriptorLoop, thread: LoopThread<GatewayLoop>, shared: GatewayShared, snapshot: Snapshot
    ) {
        sockets = SocketLoop(descriptors)
        self.thread = thread
        self.shared = shared
        self.snapshot = snapshot
        self.log = AccessLog(writer: shared.logWriter)
    }

    var limits: GatewayLimits { snapshot.limits }

    var now: Int64 { clock.now }

    /// A count, mixed one to one with 64 random bits: all of an id differs from one request to the next, because people
    /// compare its beginning.
    func makeRequestID() -> String {
        requestNumber += 1
        var mixed = requestSeed &+ requestNumber &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        return String(unsafeUninitializedCapacity: 16) { text in
            for place in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: mixed >> UInt64(60 - 4 * place) & 0xF)
                text[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            return 16
        }
    }

    func replace(_ snapshot: Snapshot) {
        clock.readCalendar()
        self.snapshot = snapshot
    }

    // MARK: Other threads

    /// What another thread calls, once, with what it was asked; `body` then runs on this loop.
    func whenTold<Value: Sendable>(_ body: @escaping (Value) -> Void) -> @Sendable (Value) -> Void {
        awaitedNumber += 1
        let number = awaitedNumber
        let told = Told<Value>()
        awaited[number] = { if let value = told.value { body(value) } }
        return { [thread] value in
            told.value = value
            thread.post { loop in
                loop.clock.advance()
                loop.awaited.removeValue(forKey: number)?()
            }
        }
    }

    /// A value on its way between two threads.
    private final class Told<Value: Sendable>: Sendable {
        private let held = Mutex<Value?>(nil)

        var value: Value? {
            get { held.withLock { $0 } }
            set { held.withLock { $0 = newValue } }
        }
    }

    // MARK: Accepting

    /// Accepts from `listener` from now on, a descriptor that is this loop's then.
    func listen(_ listener: Int32, deal: @escaping (Int32) -> Void) -> SystemError? {
        do throws(SystemError) {
            acceptors.append(try Acceptor(OwnedDescriptor(taking: listener), loop: sockets, deal: deal))
            return nil
        } catch {
            return error
        }
    }

    /// Accepts nothing more; the listening sockets stay open.
    func stopAccepting() {
        for acceptor in acceptors { acceptor.stop() }
    }

    func closeListeners() {
        acceptors = []
    }

    /// Serves a client that has just connected.
    func serve(_ descriptor: Int32, isAdmin: Bool) {
        clock.advance()
        if !isAdmin { NonBlockingSocket.sendWithoutDelay(descriptor) }
        ClientConnection(loop: self, isAdmin: isAdmin).begin(descriptor)
    }

    // MARK: Connections

    /// Takes a new connection into account; false when there are too many.
    func add(_ connection: ClientConnection) -> Bool {
        guard shared.connections.take(limit: limits.connections) else {
            metrics.refusedConnections += 1
            return false
        }
        connection.index = connections.count
        connections.append(connection)
        startTicking()
        return true
    }

    func remove(_ connection: ClientConnection) {
        guard connection.index >= 0 else { return }
        shared.connections.release()
        connections.swapRemove(at: connection.index) { $0.index = $1 }
        connection.index = -1
    }

    /// Closes a connection whose answer is complete when the client did not in a moment.
    func closeLater(_ connection: ClientConnection) {
        closing.append((connection, clock.attentive + Nanoseconds.seconds(1)))
        startTicking()
    }

    var openConnections: Int { connections.count }
    var runningExchanges: Int { exchanges.count }
    var waitingExchanges: Int { waiting.count }
    var poolSizes: (open: Int, idle: Int) {
        pools.values.reduce((0, 0)) { ($0.0 + $1.openCount, $0.1 + $1.idleCount) }
    }

    // MARK: Exchanges

    func pool(for origin: Origin) -> UpstreamPool {
        if let lastPool, lastPool.origin == origin { return lastPool.pool }
        let pool = pools[origin] ?? UpstreamPool(origin: origin, loop: self)
        pools[origin] = pool
        lastPool = (origin, pool)
        return pool
    }

    /// Starts an exchange now or when another ends; refuses it when too many wait already.
    func admit(_ exchange: Exchange) {
        if shared.requests.take(limit: limits.concurrentRequests) {
            run(exchange)
        } else if waiting.count < limits.queuedRequests / shared.loopCount {
            exchange.queueDeadline = clock.attentive + limits.queueTimeout
            waiting.append(exchange)
            startTicking()
        } else {
            exchange.refuse(.overloaded(retryAfter: .seconds(1)))
        }
    }

    private func run(_ exchange: Exchange) {
        exchange.index = exchanges.count
        exchanges.append(exchange)
        startTicking()
        exchange.start()
    }

    /// An exchange is over, whether it ran or only waited.
    func finished(_ exchange: Exchange) {
        guard exchange.index >= 0 else {
            waiting.removeAll { $0 === exchange }
            return
        }
        exchanges.swapRemove(at: exchange.index) { $0.index = $1 }
        exchange.index = -1
        shared.requests.release()
        if !waiting.isEmpty { startWaiting() }
    }

    private func startWaiting() {
        while !waiting.isEmpty, shared.requests.take(limit: limits.concurrentRequests) {
            run(waiting.removeFirst())
        }
    }

    // MARK: Time

    private func startTicking() {
        guard !isTicking else { return }
        isTicking = true
        lastTick = MonotonicTime.now().nanoseconds
        scheduleTick()
    }

    private func scheduleTick() {
        tickInterval = limits.tick
        sockets.descriptors.after(.nanoseconds(tickInterval)) { [unowned self] in tick() }
    }

    /// Asks `isDone` again and again until it says so.
    func poll(every interval: Duration, _ isDone: @escaping () -> Bool) {
        sockets.descriptors.after(interval) { [unowned self] in
            if !isDone() { poll(every: interval, isDone) }
        }
    }

    /// Looks at a part of `list`, which may change meanwhile, and goes on behind it at the next tick: a look at ten thousand
    /// would hold up their events.
    private static func look<Element>(
        at list: () -> [Element], from next: inout Int, _ check: (Element) -> Void
    ) {
        for _ in 0..<min(looksATick, list().count) {
            let list = list()
            guard !list.isEmpty else { return }
            if next >= list.count { next = 0 }
            next += 1
            check(list[next - 1])
        }
    }

    private func tick() {
        clock.readCalendar()
        noteLateness()
        let now = clock.attentive
        Self.look(at: { self.exchanges }, from: &nextExchange) { $0.check(now: now) }
        Self.look(at: { self.connections }, from: &nextConnection) { $0.check(now: now) }
        startWaiting()
        for exchange in waiting where now >= exchange.queueDeadline {
            exchange.refuse(.overloaded(retryAfter: .seconds(1)))
        }
        closing.removeAll { entry in
            guard now >= entry.deadline || entry.connection.index < 0 else { return false }
            entry.connection.close()
            return true
        }
        for pool in pools.values { pool.closeUnended() }
        for pool in pools.values { pool.closeIdle(olderThan: now - UpstreamPool.idleLimitNanoseconds) }
        log.flush()
        let isIdle = connections.isEmpty && exchanges.isEmpty && waiting.isEmpty && closing.isEmpty
        isTicking = !isIdle || pools.values.contains { $0.openCount > 0 }
        if isTicking { scheduleTick() }
    }

    /// A tick that comes late by more than one says that nothing else was seen in time either.
    private func noteLateness() {
        let late = now - lastTick - 2 * tickInterval
        if late > 0 { clock.miss(late) }
        lastTick = now
    }

    // MARK: Drain

    /// Closes what is idle; what runs closes when it is answered.
    func drain() {
        clock.advance()
        isDraining = true
        for connection in connections { connection.drain() }
    }

    /// Cuts what is still running.
    func cut() {
        for connection in connections { connection.close() }
        for pool in pools.values { pool.closeIdle(olderThan: .max) }
        log.flush()
    }
}

extension Array {
    /// Removes an element in constant time; `moved` learns which element took its place.
    fileprivate mutating func swapRemove(at index: Int, moved: (Element, Int) -> Void) {
        let last = removeLast()
        guard index < count else { return }
        self[index] = last
        moved(last, index)
    }
}

/// SplitMix64, seeded by the system.
struct QuickRandom: RandomNumberGenerator {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
