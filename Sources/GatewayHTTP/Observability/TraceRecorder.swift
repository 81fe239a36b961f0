// SPDX-License-Identifier: MIT

internal import LLMRouting

/// Writes one file an attempt, off the request path.
final class TraceRecorder: Sendable {
    func record(_ exchange: Exchange) {}
}
