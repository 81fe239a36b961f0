// SPDX-License-Identifier: MIT

/// A point on the caller's monotonic clock, in nanoseconds since a start of the caller's choice.
///
/// The engine has no clock: every decision is given the present moment. What matters is only that the values
/// never run backwards.
public struct Instant: Comparable, Hashable, Sendable {
    /// Since a start of the caller's choice.
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than every other moment.
    public static let distantFuture = Instant(nanoseconds: .max)

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// A sum beyond the range of the clock ends at its limit.
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    public static func - (left: Instant, right: Instant) -> Duration {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        return .nanoseconds(overflow ? (left < right ? .min : .max) : difference)
    }
}

extension Duration {
    /// Whole nanoseconds, held at the limits of 64 bits (292 years).
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carries) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carries ? (seconds < 0 ? .min : .max) : sum
    }

    var milliseconds: Double { Double(nanoseconds) / 1_000_000 }
}

/// A moment of the calendar, in seconds since 1970 UTC: what budget windows and trace files need and a monotonic
/// clock cannot give.
public struct CalendarTime: Comparable, Hashable, Sendable {
    /// As the calendar's clock has them, without leap seconds.
    public let microsecondsSince1970: Int64

    public init(microsecondsSince1970: Int64) {
        self.microsecondsSince1970 = microsecondsSince1970
    }

    public init(secondsSince1970 seconds: Int64) {
        microsecondsSince1970 = seconds * 1_000_000
    }

    /// A second of a Gregorian date in UTC; nil where the numbers name none.
    public init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        // Years that begin in March put the leap day at their end.
        let shiftedYear = month < 3 ? year - 1 : year
        let days =
            shiftedYear * 365 + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400
            + ((month + 9) % 12 * 153 + 2) / 5 + day - 1 - 719_468
        guard Self.civil(fromDays: days) == (year, month, day) else { return nil }
        self.init(secondsSince1970: Int64(days * 86_400 + hour * 3600 + minute * 60 + second))
    }

    /// Reads what ``iso8601`` writes; nil for other texts.
    public init?(iso8601 text: String) {
        let parts = text.split { "-T:.+".contains($0) }
        let numbers = parts.compactMap { Int($0) }
        guard text.utf8.count == 32, text.hasSuffix("+00:00"), parts.count == 9, numbers.count == 9,
            let second = CalendarTime(
                year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
                second: numbers[5])
        else { return nil }
        self.init(microsecondsSince1970: second.microsecondsSince1970 + Int64(numbers[6]))
    }

    public static func < (left: CalendarTime, right: CalendarTime) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }

    public static func + (time: CalendarTime, duration: Duration) -> CalendarTime {
        let (sum, overflow) = time.microsecondsSince1970.addingReportingOverflow(duration.nanoseconds / 1000)
        return CalendarTime(microsecondsSince1970: overflow ? .max : sum)
    }

    /// ISO-8601 in UTC with microseconds, as trace files have it: `2026-11-20T09:30:00.000123+00:00`.
    public var iso8601: String {
        let (date, seconds, microseconds) = parts
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { Self.padded($0, 2) }
        return "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
            + "T\(clock.joined(separator: ":")).\(Self.padded(microseconds, 6))+00:00"
    }

    /// The day in UTC as `20261120`: the folder of a trace file.
    public var compactDay: String {
        let date = parts.date
        return Self.padded(date.year, 4) + Self.padded(date.month, 2) + Self.padded(date.day, 2)
    }

    private var parts: (date: (year: Int, month: Int, day: Int), seconds: Int, microseconds: Int) {
        let perDay: Int64 = 86_400_000_000
        let dayMicroseconds = ((microsecondsSince1970 % perDay) + perDay) % perDay
        let days = Int((microsecondsSince1970 - dayMicroseconds) / perDay)
        let (seconds, microseconds) = Int(dayMicroseconds).quotientAndRemainder(dividingBy: 1_000_000)
        return (Self.civil(fromDays: days), seconds, microseconds)
    }

    /// Days since 1970 to a Gregorian date, with years that begin in March so that leap days come last.
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
