// SPDX-License-Identifier: MIT

internal import LLMRouting
internal import SystemIO

/// The calendar's clock, read only at the edge.
enum MomentOfDay {
    static func secondsSince1970() -> Int64 { Timestamp.now().nanoseconds / 1_000_000_000 }
}

extension Now {
    /// The present moment on both clocks.
    static func current() -> Now {
        Now(
            instant: Instant(nanoseconds: MonotonicTime.now().nanoseconds),
            calendar: CalendarTime(microsecondsSince1970: Timestamp.now().nanoseconds / 1000))
    }
}
