// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import LLMRouting
internal import NIOCore
internal import SystemIO

/// What one event loop owns: its connections, its upstream pools, its counters. Only its own thread touches it.
final class GatewayLoop {
    let eventLoop: any EventLoop
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
    private var ticker: RepeatedTask?
    private var lastTick: Int64 = 0
    /// What the ticker was started with; a reload may want another one.
    private var tickInterval: Int64 = 0
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

    init(eventLoop: any EventLoop, shared: GatewayShared, snapshot: Snapshot) {
        self.eventLoop = eventLoop
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
        let pool = pools[origin] ?? UpstreamPool(origin: origin, loop: eventLoop, clock: clock, tls: shared.tls)
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
        guard ticker == nil else { return }
        tickInterval = limits.tick
        let interval = TimeAmount.nanoseconds(tickInterval)
        lastTick = MonotonicTime.now().nanoseconds
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        ticker = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in bound.value.tick() }
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
            entry.connection.channel?.close(promise: nil)
            return true
        }
        for pool in pools.values { pool.closeUnended() }
        for pool in pools.values { pool.closeIdle(olderThan: now - UpstreamPool.idleLimitNanoseconds) }
        log.flush()
        let isIdle = connections.isEmpty && exchanges.isEmpty && waiting.isEmpty && closing.isEmpty
        if isIdle, pools.values.allSatisfy({ $0.openCount == 0 }) {
            ticker?.cancel()
            ticker = nil
        }
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
        for connection in connections { connection.channel?.close(promise: nil) }
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
