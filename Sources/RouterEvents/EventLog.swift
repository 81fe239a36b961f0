// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import SystemIO

/// Where events go.
package protocol EventSink: Sendable {
    /// Records `event`; never throws and never waits, since an event must not harm what it reports.
    func record(_ event: Event)

    /// Records several at once, in this order; what went wrong when none of them was, so that they can be kept.
    func record(_ events: [Event]) -> SystemError?
}

extension EventSink {
    package func record(_ events: [Event]) -> SystemError? {
        for event in events { record(event) }
        return nil
    }
}

/// Events as JSON lines in a file that every command and the supervisor append to.
package struct EventLog: EventSink {
    package static let defaultMaximumBytes = LineLog.defaultMaximumBytes

    private let log: LineLog

    package init(path: String, maximumBytes: Int = Self.defaultMaximumBytes) {
        log = LineLog(path: path, maximumBytes: maximumBytes)
    }

    package func record(_ event: Event) {
        _ = try? append(event)
    }

    package func record(_ events: [Event]) -> SystemError? {
        do {
            try log.append(events.map { JSONWriter.bytes(of: $0.json) })
            return nil
        } catch {
            return error
        }
    }

    /// Appends `event`, saying what went wrong.
    package func append(_ event: Event) throws(SystemError) {
        try log.append(JSONWriter.bytes(of: event.json))
    }
}

/// Drops every event; for commands that have no runtime folder yet.
package struct NullEventSink: EventSink {
    package init() {}
    package func record(_ event: Event) {}
}
