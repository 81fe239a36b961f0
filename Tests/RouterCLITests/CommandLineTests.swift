// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterCLI
import Testing

@Suite struct CommandLineTests {
    @Test func `exit statuses are the contract's`() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 2, 130])
    }

    @Test(arguments: [
        ["--config", "a.yaml", "status"], ["status", "--config", "a.yaml"],
        ["--quiet", "status", "--config", "a.yaml"],
    ])
    func `global options may stand before and after the command`(arguments: [String]) throws {
        let command = try #require(try CommandLineTool.parse(arguments) as? StatusCommand)
        #expect(command.global.config == "a.yaml")
    }

    @Test(arguments: [
        ["service", "start", "--timeout", "0"], ["logs", "--tail", "-1"], ["events", "--event", "nonsense"],
        ["bootstrap", "download", "--only", "nonsense"],
        ["bootstrap", "download", "--archive", "a", "--cliproxy-repo", "b/c"],
        ["nonsense"], ["status", "--output", "xml"], ["up", "--timeout", "x"],
    ])
    func `wrong usage is refused while parsing`(arguments: [String]) {
        #expect(throws: (any Error).self) { _ = try CommandLineTool.parse(arguments) }
    }

    @Test func `a table aligns its columns`() {
        let table = Table(header: ["A", "B"], rows: [["long", "x"], ["s", "y"]], footer: ["end"])
        #expect(table.rendered == ["A     B", "long  x", "s     y", "end"])
    }

    @Test func `a diagnostic as JSON has its place`() throws {
        let span = SourceSpan(file: "f.yaml", start: SourcePosition(line: 2, column: 3), length: 1, lineText: "x")
        let json = Diagnostic("area/code", "message", at: span, hints: ["do"]).json
        #expect(json["line"] == 2)
        #expect(json["column"] == 3)
        #expect(json["hints"] == ["do"])
    }
}
