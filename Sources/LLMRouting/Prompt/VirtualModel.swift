// SPDX-License-Identifier: MIT

/// A model name that stands for a light and a strong pool.
public struct VirtualModel: Hashable, Sendable {
    /// How complexity is scored.
    public enum Mode: Hashable, Sendable {
        /// ``ComplexityScore`` of the last message against the threshold.
        case vibe
        /// ``PromptDifficulty`` of the whole prompt against its own threshold of 50.
        case words
    }

    /// Which score decides.
    public var mode: Mode
    /// Scores below it go to the simple pool.
    public var threshold: Int
    /// The group, alias or wildcard name for scores below the threshold.
    public var simple: String
    /// The group, alias or wildcard name for all others.
    public var complex: String

    public init(mode: Mode = .words, threshold: Int = 50, simple: String, complex: String) {
        self.mode = mode
        self.threshold = threshold
        self.simple = simple
        self.complex = complex
    }
}

/// How a virtual model was resolved.
public struct VirtualDecision: Hashable, Sendable {
    /// Which side a request fell on.
    public enum Reason: String, Hashable, Sendable {
        case simpleTask = "simple_task"
        case complexTask = "complex_task"
    }

    /// The name that the client asked for.
    public let virtualModel: String
    /// The pool that was chosen.
    public let target: String
    /// As computed: it may be negative.
    public let score: Int
    /// From this score on a request is complex.
    public let threshold: Int
    /// Which score decided.
    public let mode: VirtualModel.Mode
    /// Which side the request fell on.
    public let reason: Reason

    init?(_ name: String, _ model: VirtualModel, prompt: Prompt, knownScore: Int? = nil) {
        guard knownScore != nil || !prompt.messages.isEmpty else { return nil }
        virtualModel = name
        mode = model.mode
        threshold = model.threshold
        score =
            knownScore
            ?? {
                switch model.mode {
                case .vibe: ComplexityScore(prompt).total
                case .words: PromptDifficulty(prompt).total
                }
            }()
        reason = score < model.threshold ? .simpleTask : .complexTask
        target = reason == .simpleTask ? model.simple : model.complex
    }

    /// What is written into the request's metadata, in order.
    public var metadata: [(key: String, value: MetadataValue)] {
        [
            ("virtual_model", .text(virtualModel)), ("routed_model", .text(target)),
            ("complexity_score", .number(score)), ("routing_reason", .text(reason.rawValue)),
        ]
    }

    /// A value of the request's metadata.
    public enum MetadataValue: Hashable, Sendable {
        case text(String)
        case number(Int)
    }

    /// The decision in one line.
    public var logLine: String {
        let side = reason == .simpleTask ? "SIMPLE" : "COMPLEX"
        return "ROUTING DECISION: \(virtualModel) -> \(target) (score \(score), threshold \(threshold), \(side))"
    }

    /// The block that operators search their logs for. The preview is the caller's choice: nil keeps prompts out.
    public func logLines(preview: String? = nil) -> [String] {
        var lines = [
            String(repeating: "=", count: 70),
            "✓ ROUTING DECISION:",
            "  Virtual Model:    \(virtualModel)",
            "  Target Pool:      \(target)",
            "  Complexity Score: \(score)",
            "  Decision:         \(reason == .simpleTask ? "SIMPLE → Mini/Haiku" : "COMPLEX → Standard/Sonnet")",
        ]
        if let preview { lines.append("  Message Preview:  \(String(preview.unicodeScalars.prefix(60)))...") }
        lines.append(String(repeating: "=", count: 70))
        return lines
    }

    /// What became of the request, in one line: the model that answered, and after how long.
    public func successLine(model: String, elapsed: Duration) -> String {
        let hundredths = (elapsed.components.seconds * 100) + elapsed.components.attoseconds / 10_000_000_000_000_000
        let rest = String(hundredths % 100)
        let seconds = "\(hundredths / 100).\(rest.count < 2 ? "0" + rest : rest)"
        return "✓ SUCCESS: \(virtualModel) -> \(model) (\(seconds)s, reason=\(reason.rawValue))"
    }

    /// What became of a call in vain: the model, the error's first 200 characters, and whether another one is called.
    public func failureLines(model: String, error: String, isRetried: Bool) -> [String] {
        ["✗ FAILURE: \(virtualModel) -> \(model)", "  Error: \(String(error.unicodeScalars.prefix(200)))"]
            + (isRetried ? ["  Will retry with fallback"] : [])
    }
}
