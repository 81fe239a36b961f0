// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import SystemIO

/// Where the command's words go: data to standard output, everything else to standard error.
package struct Console: Sendable {
    package let format: OutputFormat
    package let isQuiet: Bool
    /// Whether a person sees standard output directly, so that a table reads better than lines.
    package let outputIsTerminal: Bool
    package let errorIsTerminal: Bool
    private let renderer: DiagnosticRenderer
    package let usesColor: Bool

    package init(
        format: OutputFormat, isQuiet: Bool, outputIsTerminal: Bool, errorIsTerminal: Bool, allowsColor: Bool
    ) {
        self.format = format
        self.isQuiet = isQuiet
        self.outputIsTerminal = outputIsTerminal
        self.errorIsTerminal = errorIsTerminal
        usesColor = allowsColor && outputIsTerminal
        renderer = DiagnosticRenderer(usesColor: allowsColor && errorIsTerminal)
    }

    /// Prints what a command found out, in the format that was asked for.
    package func show(_ report: Report) {
        switch format {
        case .text:
            let lines = outputIsTerminal ? report.table?.rendered ?? report.lines : report.lines
            write(lines.map { DiagnosticRenderer.printable($0) + "\n" }.joined())
        case .json:
            var object: JSONObject = ["schema": .integer(report.schema)]
            for member in report.json.members { object[member.name] = member.value }
            write(JSONWriter.text(of: .object(object), layout: .indented) + "\n")
        }
    }

    /// Prints text as it is, such as a rendered file or followed log lines.
    package func write(_ text: String) {
        write(Array(text.utf8))
    }

    /// Prints bytes as they are. A reader that went away, as `head` does, ends the command quietly.
    package func write(_ bytes: [UInt8]) {
        // A closed pipe raises SIGPIPE, which ends the process as it ends any filter.
        try? OwnedDescriptor.writeAll(bytes, to: 1)
    }

    /// Tells about a problem, its place and what to do next.
    package func report(_ diagnostic: Diagnostic) {
        CommandLog.note(diagnostic)
        if isQuiet, diagnostic.severity != .error { return }
        writeError(renderer.render(diagnostic))
    }

    package func report(_ list: DiagnosticList) {
        for diagnostic in list.sorted { report(diagnostic) }
    }

    /// Says something that is worth knowing and no problem; not with `--quiet`.
    package func note(_ text: String) {
        guard !isQuiet else { return }
        writeError(DiagnosticRenderer.printable(text) + "\n")
    }

    /// Says a line of a report that belongs to standard error; also with `--quiet`.
    package func complain(_ text: String) {
        writeError(DiagnosticRenderer.printable(text) + "\n")
    }

    /// Asks the operator something; the cursor stays behind the question.
    package func prompt(_ text: String) {
        writeError(DiagnosticRenderer.printable(text) + " ")
    }

    /// Replaces the last line of a terminal; silent elsewhere. An empty text wipes it.
    package func progress(_ text: String) {
        guard errorIsTerminal, !isQuiet else { return }
        writeError("\r\u{1B}[K" + DiagnosticRenderer.printable(text))
    }

    private func writeError(_ text: String) {
        try? OwnedDescriptor.writeAll(Array(text.utf8), to: 2)
    }
}
