// SPDX-License-Identifier: MIT

internal import SystemIO

/// Everything that a client or an upstream could make large or slow, with its bound.
package struct GatewayLimits: Equatable, Sendable {
    package var head = HeadLimits()
    /// Bodies of requests; images and audio are sent inside them.
    package var bodyBytes = 32 << 20
    /// Answers that are held back to be checked; longer ones are passed on as they come.
    package var heldAnswerBytes = 8 << 20
    /// One server-sent event.
    package var eventBytes = 1 << 20
    /// Error bodies of upstreams that are passed on.
    package var errorBodyBytes = 64 << 10
    package var connections = 20_000
    package var concurrentRequests = 12_000
    package var queuedRequests = 1_000
    package var queueTimeout = Nanoseconds.seconds(10)
    /// To read a request's head, from its first byte.
    package var headTimeout = Nanoseconds.seconds(10)
    /// Between two pieces of a request's body.
    package var bodyIdleTimeout = Nanoseconds.seconds(15)
    /// For the whole body of a request.
    package var bodyTimeout = Nanoseconds.seconds(300)
    /// Between two requests of a connection.
    package var keepAliveTimeout = Nanoseconds.seconds(75)
    /// A client that takes nothing of its answer for so long is cut off.
    package var writeStallTimeout = Nanoseconds.seconds(60)
    /// After the answer's last word until its end mark, for upstreams that forget the mark.
    package var finishGrace = Nanoseconds.milliseconds(500)
    /// What a connection without a request yet gets after a SIGTERM.
    package var firstRequestGrace = Nanoseconds.milliseconds(500)
    /// What running requests get after a SIGTERM.
    package var drainTimeout = Nanoseconds.seconds(30)
    /// How often deadlines are looked at.
    package var tick = Nanoseconds.milliseconds(50)

    package init() {}

    /// How many connections so many open files are enough for: each may have one of its own at an upstream, and some files are
    /// always open.
    package static func connections(withOpenFiles count: Int) -> Int {
        max(16, (count - 128) / 2)
    }
}

/// Bounds of a head.
package struct HeadLimits: Equatable, Sendable {
    package var bytes = 32 << 10
    package var fields = 100

    package init() {}
}

/// Spans of the monotonic clock as plain numbers, as hot paths compare them.
package enum Nanoseconds {
    package static func seconds(_ count: Int64) -> Int64 { count * 1_000_000_000 }
    package static func milliseconds(_ count: Int64) -> Int64 { count * 1_000_000 }
    package static func of(_ duration: Duration) -> Int64 { duration.wholeNanoseconds }
}
