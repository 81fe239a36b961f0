// SPDX-License-Identifier: MIT

internal import SystemIO

/// The server's sense of time for its own time-outs, which tests may speed up.
struct ServerClock: Sendable {
    let rate: Double
    private let start = MonotonicTime.now()

    /// Seconds of server time since the process started.
    var now: Double {
        Double((MonotonicTime.now() - start).wholeNanoseconds) / 1e9 * rate
    }

    /// Sleeps for seconds of server time.
    func sleep(_ seconds: Double) async throws {
        try await Task.sleep(for: .seconds(seconds / rate))
    }
}
