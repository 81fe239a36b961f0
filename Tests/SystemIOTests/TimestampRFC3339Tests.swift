// SPDX-License-Identifier: MIT

import SystemIO
import Testing

@Suite struct TimestampRFC3339Tests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-20T09:30:00Z", 1_795_167_000),
        ("2026-11-20T10:30:00+01:00", 1_795_167_000),
        ("2026-11-20t04:00:00.9999-05:30", 1_795_167_000), ("2000-02-29T23:59:59z", 951_868_799),
        ("1969-12-31T23:59:59Z", -1),
    ])
    func `reads what RFC 3339 writes`(text: String, seconds: Int64) {
        let moment = Timestamp(rfc3339: text)
        #expect(
            moment.map {
                ($0.nanoseconds - ($0.nanoseconds % 1_000_000_000 + 1_000_000_000) % 1_000_000_000) / 1_000_000_000
            } == seconds)
    }

    @Test(arguments: [
        "", "2026", "2026-11-20", "2026-11-20T09:30:00", "2026-13-20T09:30:00Z", "2026-02-30T09:30:00Z",
        "2026-11-20T24:30:00Z", "2026-11-20T09:30:00Zx", "2026-11-20T09:30:00.Z", "2026-11-20T09:30:00+1:00",
        "9999-11-20T09:30:00Z", "-026-11-20T09:30:00Z", "２０２６-11-20T09:30:00Z",
    ])
    func `refuses everything else`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `writes whole seconds and reads them back`() {
        for seconds in stride(from: Int64(0), to: 4_000_000_000, by: 86_399 * 7) {
            let moment = Timestamp(nanoseconds: seconds * 1_000_000_000)
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)
        }
    }
}
