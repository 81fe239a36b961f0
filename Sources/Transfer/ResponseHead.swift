// SPDX-License-Identifier: MIT

package import SystemIO

/// Status and headers of a response.
package struct ResponseHead: Equatable, Sendable {
    package struct Field: Equatable, Sendable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package let status: Int
    /// In the order of the wire; names in lower case.
    package let fields: [Field]

    package init(status: Int, fields: [Field]) {
        self.status = status
        self.fields = fields
    }

    /// The first field of this name, which must be in lower case.
    package subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    package var isSuccess: Bool { (200..<300).contains(status) }
    package var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
    package var contentLength: Int? { self["content-length"].flatMap { Int($0) } }

    /// What names exactly these bytes: a strong ETag, else the time of their last change.
    package var validator: String? {
        if let tag = self["etag"], tag.hasPrefix("\"") { return tag }
        return self["last-modified"]
    }

    /// The part that a 206 carries: `bytes first-last/total`, the total only where it is known.
    package var contentRange: (first: Int, last: Int, total: Int?)? {
        guard let text = self["content-range"], text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let bounds = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Int(bounds[0]), let last = Int(bounds[1]), first >= 0, last >= first
        else { return nil }
        return (first, last, parts[1] == "*" ? nil : Int(parts[1]))
    }

    /// How long to wait, from `Retry-After` (seconds or a date).
    package func retryAfter(now: Timestamp) -> Duration? {
        guard let text = self["retry-after"] else { return nil }
        if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, 86_400)) }
        guard let moment = HTTPDate.parse(text) else { return nil }
        return Self.duration(until: moment, now: now)
    }

    /// The error that this answer means; nil for a success.
    package func failure(url: String, now: Timestamp) -> TransferError? {
        if isSuccess { return nil }
        if status == 429 || (status == 403 && (self["x-ratelimit-remaining"] == "0" || self["retry-after"] != nil)) {
            let reset = self["x-ratelimit-reset"].flatMap { Int64($0) }.map { Self.duration(until: $0, now: now) }
            return .rateLimited(url: url, code: status, resetsIn: retryAfter(now: now) ?? reset)
        }
        if status == 404 { return .notFound(url: url) }
        return .status(url: url, code: status, retryAfter: retryAfter(now: now))
    }

    private static func duration(until moment: Int64, now: Timestamp) -> Duration {
        .seconds(max(0, min(86_400, moment - now.nanoseconds / 1_000_000_000)))
    }
}

/// The one date format of HTTP that servers still send: `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970; nil when the text is no such date.
    package static func parse(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int64(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])), let year = Int64(parts[3]),
            (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int64($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        return days(year, Int64(month) + 1, day) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    /// Days from 1970-01-01 to a day of the Gregorian calendar; years begin in March here, so leap days come last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
