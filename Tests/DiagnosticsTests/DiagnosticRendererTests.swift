// SPDX-License-Identifier: MIT

import Diagnostics
import Testing

@Suite struct DiagnosticRendererTests {
    private let source = SourceText(name: "c.yaml", bytes: Array("first\r\n\tsëcond: välue\nlast".utf8))

    private func rendered(_ diagnostic: Diagnostic, color: Bool = false) -> String {
        DiagnosticRenderer(usesColor: color).render(diagnostic)
    }

    @Test func `place, line, caret, notes and hints, in this order`() {
        let span = source.span(at: SourcePosition(line: 2, column: 10), length: 5)
        let diagnostic = Diagnostic("area/code", "it is wrong", at: span, notes: ["a note"], hints: ["run `x`"])
        #expect(
            rendered(diagnostic) == """
                c.yaml:2:10: error: it is wrong [area/code]
                 2 |  sëcond: välue
                   |          ^^^^^
                note: a note
                hint: run `x`

                """)
    }

    @Test func `colour changes nothing but colour`() {
        let diagnostic = Diagnostic("a/b", "message", severity: .warning, hints: ["hint"])
        let plain = rendered(diagnostic, color: true).replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
        #expect(plain == rendered(diagnostic))
        #expect(rendered(diagnostic, color: true).contains("\u{1B}["))
    }

    @Test func `control characters of a file never reach the terminal`() {
        let text = SourceText(name: "c", bytes: Array("a: \u{1B}[31mred\u{7}\u{9B}\u{202E}".utf8))
        let diagnostic = Diagnostic(
            "a/b", "found `\u{1B}]0;title\u{7}`", at: text.span(at: SourcePosition(line: 1, column: 4)))
        let bad = rendered(diagnostic).unicodeScalars.filter {
            $0.value < 0x20 && $0 != "\n" || $0.value == 0x9B || $0.value == 0x202E
        }
        #expect(bad.isEmpty)
    }

    @Test func `a caret never leaves the line that is shown`() {
        let long = SourceText(name: "c", bytes: [UInt8](repeating: UInt8(ascii: "x"), count: 100_000))
        let lines = rendered(
            Diagnostic("a/b", "m", at: long.span(at: SourcePosition(line: 1, column: 90_000), length: 9000))
        )
        .split(separator: "\n")
        #expect(lines.allSatisfy { $0.count < 200 })
    }

    @Test func `a list is sorted by file and place, the rest at the end`() {
        func at(_ file: String, _ line: Int, _ column: Int) -> SourceSpan {
            SourceSpan(file: file, start: SourcePosition(line: line, column: column), length: 1, lineText: "")
        }
        let list = DiagnosticList([
            Diagnostic("e", "e"), Diagnostic("d", "d", at: at("b", 1, 1)), Diagnostic("c", "c", at: at("a", 2, 1)),
            Diagnostic("b", "b", at: at("a", 1, 9)), Diagnostic("a", "a", at: at("a", 1, 2)),
        ])
        #expect(list.sorted.map(\.code) == ["a", "b", "c", "d", "e"])
        #expect(list.hasErrors)
        #expect(!DiagnosticList([Diagnostic("a", "a", severity: .warning)]).hasErrors)
    }
}

@Suite struct SourceTextTests {
    @Test func `lines and columns count from one, columns by scalars`() {
        let text = SourceText(name: "t", bytes: Array("aé\n\nb😀c".utf8))
        #expect(text.position(atByte: 0) == SourcePosition(line: 1, column: 1))
        #expect(text.position(atByte: 3) == SourcePosition(line: 1, column: 3))
        #expect(text.position(atByte: 4) == SourcePosition(line: 2, column: 1))
        #expect(text.position(atByte: 10) == SourcePosition(line: 3, column: 3))
        #expect(text.position(atByte: 999) == SourcePosition(line: 3, column: 4))
        #expect((0...4).map(text.line) == ["", "aé", "", "b😀c", ""])
    }

    @Test func `a span keeps the text alive and is equal to its like`() {
        func span() -> SourceSpan {
            SourceText(name: "t", bytes: Array("line one\nline two".utf8)).span(
                at: SourcePosition(line: 2, column: 6), length: 3)
        }
        #expect(span() == span())
        #expect(span().lineText == "line two")
        let fixed = SourceSpan(file: "t", start: SourcePosition(line: 2, column: 6), length: 3, lineText: "line two")
        #expect(fixed == span())
    }
}

@Suite struct SecretTests {
    @Test func `a secret is not printed, dumped or reflected`() {
        struct Holder { let key = Secret("sk-very-secret") }
        var dumped = ""
        dump(Holder(), to: &dumped)
        let texts = [
            "\(Secret("sk-very-secret"))", String(reflecting: Holder()), "\(Holder())", dumped,
            "\([Secret("sk-very-secret")])",
        ]
        for text in texts { #expect(!text.contains("sk-very-secret"), "\(text)") }
        #expect(Secret("x").reveal() == "x")
        #expect(Secret("x") == Secret("x"))
    }
}

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("prot", "port"), ("servces", "services"), ("Port", "port"), ("evn", "env"), ("x", nil), ("completely", nil),
        ("litelm_base", "litellm_base"), ("", nil),
    ])
    func `the closest word within a third is meant`(word: String, closest: String?) {
        #expect(Suggestion.closest(to: word, among: ["port", "env", "services", "litellm_base"]) == closest)
    }

    @Test func `long words cost no time worth speaking of`() {
        let long = String(repeating: "a", count: 5000)
        #expect(Suggestion.closest(to: long, among: ["port", "services"]) == nil)
    }
}
