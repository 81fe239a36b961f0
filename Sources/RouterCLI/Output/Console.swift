// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import Synchronization
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

    /// Prints a fact that is known before the command's result. JSON on standard output is one object, so that such facts
    /// go to standard error there.
    package func showValue(_ name: String, _ text: String) {
        let line = DiagnosticRenderer.printable("\(name)=\(text)")
        switch format {
        case .text: write(line + "\n")
        case .json: complain(line)
        }
    }

    /// Prints text as it is, such as a rendered file or followed log lines.
    package func write(_ text: String) {
        write(Array(text.utf8))
    }

    /// Prints bytes as they are. A reader that went away, as `head` does, takes nothing from the command: what it has
    /// begun is finished and recorded. Commands that only print ask `outputIsClosed`.
    package func write(_ bytes: [UInt8]) {
        do throws(SystemError) { try OwnedDescriptor.writeAll(bytes, to: 1) } catch {
            if error.isBrokenPipe { Self.closedOutput.store(true, ordering: .relaxed) }
        }
    }

    private static let closedOutput = Atomic(false)

    /// Whether nobody reads standard output any more.
    package var outputIsClosed: Bool { Self.closedOutput.load(ordering: .relaxed) }

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
