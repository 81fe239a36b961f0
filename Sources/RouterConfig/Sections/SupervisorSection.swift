// SPDX-License-Identifier: MIT

/// What holds for all services, and for the supervisor itself.
package struct SupervisorSection: Sendable {
    /// Bounds of service logs where a service says nothing else.
    package var log = LogSection()
    package var events = EventsSection()
    package var startTimeout = Duration.seconds(60)

    static let definition = SectionDefinition<SupervisorSection>(
        "What holds for all services, and for the supervisor itself.",
        [
            .key(
                "log", \.log, .section(LogSection.definition) { LogSection() }, default: "{}",
                "Bounds of service logs; `services.<name>.log` wins."),
            .key(
                "events", \.events, .section(EventsSection.definition) { EventsSection() }, default: "{}",
                "Bounds of `events.log`."),
            .key(
                "start_timeout", \.startTimeout, .duration(.seconds(1)...Duration.seconds(3600)),
                defaultOf: SupervisorSection(), "How long `up` and `service start --wait` wait for readiness."),
        ])
}

/// Bounds of `events.log`.
package struct EventsSection: Equatable, Sendable {
    package var maximumBytes = 10 << 20

    static let definition = SectionDefinition<EventsSection>(
        "Bounds of `events.log`.",
        [
            .key(
                "max_size", \.maximumBytes, .byteSize(4096...(1 << 40)), defaultOf: EventsSection(),
                "Size at which the log is put aside as `events.log.1`.")
        ])
}
