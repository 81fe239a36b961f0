// SPDX-License-Identifier: MIT

/// How hard a prompt is, by whole words and the shape of all its messages.
public struct PromptDifficulty: Hashable, Sendable {
    public var total = 0

    public init(_ prompt: Prompt) {
        total = 0
    }
}
