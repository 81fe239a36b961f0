// SPDX-License-Identifier: MIT

/// Turns diagnostics into the text an operator reads; meaning never depends on colour.
package struct DiagnosticRenderer: Sendable {
    private let usesColor: Bool

    package init(usesColor: Bool) {
        self.usesColor = usesColor
    }

    /// `file:line:column: error: message [code]`, the line with carets, notes and hints; ends with a line break.
    package func render(_ diagnostic: Diagnostic) -> String {
        var text = ""
        if let span = diagnostic.span {
            text += "\(span.file):\(span.start.line):\(span.start.column): "
        }
        text += painted(diagnostic.severity.rawValue + ":", color(of: diagnostic.severity))
        text += " \(Self.printable(diagnostic.message)) [\(diagnostic.code)]\n"
        if let span = diagnostic.span {
            text += excerpt(span)
        }
        for note in diagnostic.notes {
            text += "\(painted("note:", "36")) \(Self.printable(note))\n"
        }
        for hint in diagnostic.hints {
            text += "\(painted("hint:", "32")) \(Self.printable(hint))\n"
        }
        return text
    }

    /// All of `list` in order of position.
    package func render(_ list: DiagnosticList) -> String {
        list.sorted.map(render).joined()
    }

    private func excerpt(_ span: SourceSpan) -> String {
        guard !span.lineText.isEmpty else { return "" }
        let number = String(span.start.line)
        let margin = String(repeating: " ", count: number.count)
        let line = Self.printable(span.lineText)
        let count = line.unicodeScalars.count
        let column = min(span.start.column, count + 1)
        let length = max(1, min(span.length, count - column + 1))
        let carets = String(repeating: "^", count: length)
        let indent = String(repeating: " ", count: column - 1)
        return " \(number) | \(line)\n \(margin) | \(indent)\(painted(carets, "31"))\n"
    }

    /// Replaces control characters, one scalar for one, so that columns hold and a file cannot drive the terminal.
    package static func printable(_ text: String) -> String {
        if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09: scalars.append(" ")
            case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: scalars.append("\u{FFFD}")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    private func color(of severity: Diagnostic.Severity) -> String {
        switch severity {
        case .error: "1;31"
        case .warning: "1;33"
        case .note: "36"
        }
    }

    private func painted(_ text: String, _ code: String) -> String {
        usesColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
