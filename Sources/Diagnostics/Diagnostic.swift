// SPDX-License-Identifier: MIT

/// One thing the operator is told: what happened, to which input, and what to run next.
package struct Diagnostic: Error, Equatable, Sendable {
    package enum Severity: String, Sendable {
        case error, warning, note
    }

    /// Stable and unique, `area/kebab-case`; listed in docs/diagnostics.md.
    package let code: String
    package let severity: Severity
    /// Lower case, one sentence without a full stop, literals in backticks.
    package let message: String
    package let span: SourceSpan?
    package let notes: [String]
    /// Imperative and, where possible, a command to run.
    package let hints: [String]

    package init(
        _ code: String, _ message: String, severity: Severity = .error, at span: SourceSpan? = nil,
        notes: [String] = [], hints: [String] = []
    ) {
        self.code = code
        self.severity = severity
        self.message = message
        self.span = span
        self.notes = notes
        self.hints = hints
    }

    /// The same diagnostic with one more note, such as what was being done when it happened.
    package func adding(note: String) -> Diagnostic {
        Diagnostic(code, message, severity: severity, at: span, notes: notes + [note], hints: hints)
    }
}

/// An error that knows the words an operator needs. Each target words its errors in one exhaustive switch.
package protocol DiagnosticConvertible: Error {
    var diagnostic: Diagnostic { get }
}

extension Diagnostic: DiagnosticConvertible {
    package var diagnostic: Diagnostic { self }
}

/// All problems of one input, reported together. Never empty when thrown.
package struct DiagnosticList: Error, Equatable, Sendable {
    package private(set) var diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic] = []) {
        self.diagnostics = diagnostics
    }

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    package mutating func append(_ diagnostic: Diagnostic) {
        diagnostics.append(diagnostic)
    }

    /// The diagnostics by file and position; those without a position come last, in the order they were found.
    package var sorted: [Diagnostic] {
        let ranked = diagnostics.enumerated().sorted { left, right in
            switch (left.element.span, right.element.span) {
            case (let first?, let second?):
                if first.file != second.file { return first.file < second.file }
                if first.start != second.start { return first.start < second.start }
                return left.offset < right.offset
            case (.some, nil): return true
            case (nil, .some): return false
            case (nil, nil): return left.offset < right.offset
            }
        }
        return ranked.map(\.element)
    }
}
