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

    @Test(arguments: [
        ("profile set balanced", "profile set balanced"),
        ("--quiet service restart one --timeout 5", "--quiet service restart one --timeout ..."),
        ("service start --wait one", "service start --wait one"),
        ("route explain --message=my-secret", "route explain --message=..."),
        ("route explain --message --message my-secret", "route explain --message ... ..."),
    ])
    func `the log has no values of options`(arguments: String, expected: String) {
        #expect(CommandLog.words(of: arguments.split(separator: " ").map(String.init)) == expected)
    }

    @Test func `the log knows which options have values`() throws {
        for argument in try CommandReference.root().flattened.flatMap(\.arguments) where !argument.isPositional {
            let option = try #require(argument.usage.split(whereSeparator: { " /".contains($0) }).first).description
            guard !["--help", "-h", "--version"].contains(option) else { continue }
            let shown = argument.usage.contains("<") ? "..." : "word"
            #expect(CommandLog.words(of: [option, "word"]) == "\(option) \(shown)")
        }
    }

    @Test func `a line of a service cannot drive the terminal`() {
        let line = "\u{1B}]0;title\u{7}"
        for names in [["a"], ["a", "b"]] {
            let shown = LogPrefixes(names: names, usesColor: false, isTerminal: true).prefixed(line, "a")
            #expect(shown.hasSuffix("\u{FFFD}]0;title\u{FFFD}\n"))
            #expect(
                LogPrefixes(names: names, usesColor: false, isTerminal: false).prefixed(line, "a").hasSuffix(
                    line + "\n"))
        }
    }

    @Test func `merged lines have aligned names, each in a colour of its own, and one service has none`() {
        let names = ["a", "bbb"]
        let plain = LogPrefixes(names: names, usesColor: false, isTerminal: false)
        #expect(names.map { plain.prefixed("x", $0) } == ["a   | x\n", "bbb | x\n"])
        let colored = LogPrefixes(names: names, usesColor: true, isTerminal: true)
        #expect(
            names.map { colored.prefixed("x", $0) }
                == ["\u{1B}[36ma   | \u{1B}[0mx\n", "\u{1B}[33mbbb | \u{1B}[0mx\n"])
        #expect(LogPrefixes(names: ["a"], usesColor: true, isTerminal: true).prefixed("x", "a") == "x\n")
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
