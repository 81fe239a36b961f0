// SPDX-License-Identifier: MIT

internal import LLMRouting
internal import SystemIO

/// The present moment of an event loop. It is read once for each event that wakes the loop, because a request looks at it in
/// a dozen places.
final class LoopClock {
    /// Nanoseconds of the monotonic clock.
    private(set) var now: Int64 = 0
    /// What the loop could not look at anything for, added up.
    private var missed: Int64 = 0
    /// How far the calendar's clock is ahead of the monotonic one.
    private var calendarLead: Int64 = 0

    init() {
        readCalendar()
    }

    /// An event woke the loop.
    func advance() {
        now = MonotonicTime.now().nanoseconds
    }

    /// Time that passes only while the loop is able to look. Time-outs are measured by it: on a busy machine, what came in time
    /// but was not read in time is nobody's silence.
    var attentive: Int64 { now - missed }

    /// The loop was held up for so long.
    func miss(_ nanoseconds: Int64) {
        missed += nanoseconds
    }

    /// The calendar's clock may be set at any time; a few looks a second are enough to follow it.
    func readCalendar() {
        advance()
        calendarLead = Timestamp.now().nanoseconds - now
    }

    /// Nanoseconds since 1970.
    var calendarNow: Int64 { now + calendarLead }

    /// The moment on both clocks.
    var moment: Now {
        Now(
            instant: Instant(nanoseconds: now), calendar: CalendarTime(microsecondsSince1970: calendarNow / 1000))
    }
}
