// SPDX-License-Identifier: MIT

/// Admits at most a limit of units in any window of time: a log of what was admitted, not a counter that restarts.
///
/// Exact up to ``exactEntries`` entries. Beyond that, admissions closer together than 1/4096 of the window share the
/// later one's time, which can only refuse a moment longer, never admit more.
public struct RollingWindow: Sendable {
    private struct Entry {
        var time: Int64
        var amount: Int
    }

    /// Entries up to which no two share a time.
    public static let exactEntries = 4096

    /// The span that no more than the limit may fall into.
    public let length: Duration
    private let lengthNanoseconds: Int64
    private var entries: [Entry] = []
    /// Entries before this index have left the window; they are removed in bulk.
    private var head = 0
    private var total = 0

    public init(length: Duration = .seconds(60)) {
        precondition(length > .zero, "a window has a length")
        self.length = length
        lengthNanoseconds = length.nanoseconds
    }

    /// Units admitted in the window that ends now.
    public mutating func used(at now: Instant) -> Int {
        expire(at: now)
        return total
    }

    /// Units admitted in the window that ends now, without forgetting older ones.
    public func peek(at now: Instant) -> Int {
        var sum = total
        var index = head
        while index < entries.count, !isWithin(entries[index].time, of: now) {
            sum -= entries[index].amount
            index += 1
        }
        return sum
    }

    /// Admits an amount when the window holds it, and says otherwise when it will; never, when it exceeds the limit by
    /// itself.
    public mutating func admit(_ amount: Int, limit: Int, at now: Instant) -> Bool {
        expire(at: now)
        let (sum, overflow) = total.addingReportingOverflow(amount)
        guard !overflow, sum <= limit else { return false }
        record(amount, at: now)
        return true
    }

    /// Whether an amount would be admitted.
    public func admits(_ amount: Int, limit: Int, at now: Instant) -> Bool {
        if total <= limit - amount { return true }
        return peek(at: now) <= limit - amount
    }

    /// The first moment at which an amount fits, when nothing else is admitted until then.
    public func admission(of amount: Int, limit: Int, at now: Instant) -> Instant? {
        guard amount <= limit else { return nil }
        var sum = total
        var index = head
        var moment = now
        while index < entries.count, sum > limit - amount || !isWithin(entries[index].time, of: now) {
            sum -= entries[index].amount
            moment = max(moment, Instant(nanoseconds: entries[index].time) + length)
            index += 1
        }
        return sum <= limit - amount ? moment : nil
    }

    /// Adds what was used without asking: the difference between an estimate and the truth.
    public mutating func record(_ amount: Int, at now: Instant) {
        guard amount > 0 else { return }
        total = total &+ amount
        if let last = entries.indices.last, last >= head,
            entries[last].time >= now.nanoseconds
                || entries.count - head >= Self.exactEntries
                    && now.nanoseconds &- entries[last].time < lengthNanoseconds / Int64(Self.exactEntries)
        {
            // A clock value that runs backwards is taken as the latest one.
            entries[last].time = max(entries[last].time, now.nanoseconds)
            entries[last].amount = entries[last].amount &+ amount
            return
        }
        entries.append(Entry(time: now.nanoseconds, amount: amount))
    }

    /// Gives back a part of what was admitted at a moment, when less was used.
    public mutating func giveBack(_ amount: Int, admittedAt time: Instant) {
        var left = amount
        var index = entries.count - 1
        while left > 0, index >= head, entries[index].time >= time.nanoseconds {
            if entries[index].time == time.nanoseconds {
                let part = min(left, entries[index].amount)
                entries[index].amount -= part
                total -= part
                left -= part
            }
            index -= 1
        }
    }

    private func isWithin(_ time: Int64, of now: Instant) -> Bool {
        let (age, overflow) = now.nanoseconds.subtractingReportingOverflow(time)
        return !overflow && age < lengthNanoseconds
    }

    private mutating func expire(at now: Instant) {
        while head < entries.count, !isWithin(entries[head].time, of: now) {
            total -= entries[head].amount
            head += 1
        }
        if head == entries.count {
            entries.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 64, head > entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
    }
}

/// The tokens that a call is expected to use; corrected by its real usage when it ends.
struct TokenEstimate: Hashable, Sendable {
    let input: Int
    let output: Int

    init(input: Int, output: Int) {
        self.input = TokenUsage.bounded(input)
        self.output = TokenUsage.bounded(output)
    }

    /// An answer may be as long as the client allows and hardly ever is, so a large `max_tokens` alone does not keep a
    /// request out: it fills the limit at most.
    func counted(against limits: RateLimits) -> Int {
        min(input + output, max(input, limits.tokensPerMinute ?? .max))
    }
}

/// The windows of one owner of limits: a deployment, a provider or a key.
struct RateWindows: Sendable {
    var requests = RollingWindow()
    var tokens = RollingWindow()

    func admits(_ limits: RateLimits, tokens amount: Int, at now: Instant) -> Bool {
        if let limit = limits.requestsPerMinute, !requests.admits(1, limit: limit, at: now) { return false }
        if let limit = limits.tokensPerMinute, !tokens.admits(amount, limit: limit, at: now) { return false }
        return true
    }

    /// The first moment at which both windows admit a call; nil when its tokens alone exceed the limit.
    func admission(_ limits: RateLimits, tokens amount: Int, at now: Instant) -> Instant? {
        var moment = now
        if let limit = limits.requestsPerMinute {
            guard let free = requests.admission(of: 1, limit: limit, at: now) else { return nil }
            moment = max(moment, free)
        }
        if let limit = limits.tokensPerMinute {
            guard let free = tokens.admission(of: amount, limit: limit, at: now) else { return nil }
            moment = max(moment, free)
        }
        return moment
    }

    /// Counts a call. What no limit and no strategy asks for is not kept.
    mutating func take(_ limits: RateLimits, tokens amount: Int, at now: Instant) {
        if limits.requestsPerMinute != nil { _ = requests.used(at: now); requests.record(1, at: now) }
        if limits.tokensPerMinute != nil { _ = tokens.used(at: now); tokens.record(amount, at: now) }
    }

    /// Replaces an estimate by what was really used.
    mutating func correct(
        _ limits: RateLimits, _ estimate: TokenEstimate, actual: Int, takenAt: Instant, now: Instant
    ) {
        guard limits.tokensPerMinute != nil else { return }
        let estimate = estimate.counted(against: limits)
        if actual > estimate {
            tokens.record(actual - estimate, at: now)
        } else {
            tokens.giveBack(estimate - actual, admittedAt: takenAt)
        }
    }
}
