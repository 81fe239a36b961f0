// SPDX-License-Identifier: MIT

internal import NIOPosix

/// Writes one file an attempt, off the request path.
final class TraceRecorder: Sendable {
    init(_ settings: TraceSettings, threads: NIOThreadPool) {}

    func record(_ exchange: Exchange) {}
}
