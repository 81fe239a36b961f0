// SPDX-License-Identifier: MIT

import Diagnostics
import Testing
import YAMLSyntax

@Suite struct YAMLParserTests {
    private func parse(_ text: String) throws -> YAMLNode {
        try YAMLParser.parse(Array(text.utf8), name: "t.yaml")
    }

    private func failure(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) -> Diagnostic? {
        do {
            _ = try YAMLParser.parse(bytes, name: "t.yaml", limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func failure(_ text: String) -> Diagnostic? { failure(Array(text.utf8)) }

    @Test func `nodes know where they were written`() throws {
        let root = try parse("a: 1\nb:\n  - x\n  - {c: \"ü!\", d: e}\n")
        let inner = try #require(root["b"]?.elements?[1])
        #expect(root["a"]?.span?.start == SourcePosition(line: 1, column: 4))
        #expect(inner["d"]?.span?.start == SourcePosition(line: 4, column: 18))
        #expect(inner["c"]?.span?.length == 4)
        #expect(inner["c"]?.span?.lineText == "  - {c: \"ü!\", d: e}")
        #expect(inner["c"]?.span?.file == "t.yaml")
    }

    @Test func `JSON is YAML`() throws {
        let root = try parse(#"{"a": [1, "2", null, true, {"b": 1.5}], "c": "\u00e9\n"}"#)
        #expect(root["a"]?.elements?.count == 5)
        #expect(root["a"]?.elements?[1].stringValue == "2")
        #expect(root["a"]?.elements?[2].isNull == true)
        #expect(root["c"]?.stringValue == "é\n")
    }

    @Test(arguments: ["", "\n\n", "# only a comment\n", "---\n", "\u{FEFF}", "%YAML 1.1\n---\n"])
    func `a text without a value is an empty mapping or nothing`(text: String) throws {
        let root = try parse(text)
        #expect(root.entries?.isEmpty == true || root.isNull)
    }

    @Test func `a byte order mark is skipped`() throws {
        let root = try parse("\u{FEFF}a: 1\n")
        #expect(root["a"]?.integerValue == 1)
    }

    @Test func `aliases and merge keys are put in, own keys win, the earlier of several wins`() throws {
        let root = try parse(
            """
            one: &one {a: 1, b: 1}
            two: &two {b: 2, c: 2}
            all: {<<: [*one, *two], a: 0}
            list: [*one, *one]
            """)
        let all = try #require(root["all"])
        #expect(["a", "b", "c"].map { all[$0]?.integerValue } == [0, 1, 2])
        #expect(all.entries?.count == 3)
        #expect(root["list"]?.elements?.count == 2)
    }

    @Test func `a quoted merge key is a key`() throws {
        #expect(try parse("a: {\"<<\": 1}")["a"]?["<<"]?.integerValue == 1)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "yaml/duplicate-key", 3, 1),
        ("a:\n\t- 1\n", "yaml/syntax", 2, 1),
        ("a: 'never closed\n", "yaml/syntax", 2, 1),
        ("a: [1, 2\nb: 3\n", "yaml/syntax", 2, 2),
        ("a: *nobody\n", "yaml/unknown-alias", 1, 4),
        ("a: &x [*x]\n", "yaml/unknown-alias", 1, 8),
        ("a: 1\n---\nb: 2\n", "yaml/many-documents", 2, 1),
        ("a: {<<: 5}\n", "yaml/merge", 1, 9),
        ("a: {<<: [1]}\n", "yaml/merge", 1, 9),
        ("a: !!set {x, y}\n", "yaml/tag", 1, 4),
        ("a: b: c\n", "yaml/syntax", 1, 5),
        ("a: @x\n", "yaml/syntax", 1, 4),
        ("a: \"\\q\"\n", "yaml/syntax", 1, 5),
        ("a: \u{1}\n", "yaml/syntax", 1, 4),
        ("ü: 1\nb: \0\n", "yaml/binary", 2, 4),
    ])
    func `what is not YAML is said with its place`(text: String, code: String, line: Int, column: Int) throws {
        let problem = try #require(failure(text))
        #expect(problem.code == code)
        #expect(problem.span?.start == SourcePosition(line: line, column: column), "\(problem)")
    }

    @Test func `the first of two keys is named`() throws {
        let problem = try #require(failure("x:\n  key: 1\n  other: 2\n  key: 3\n"))
        #expect(problem.message == "the key `key` is there twice (first on line 2)")
    }

    @Test(arguments: [5, 15, 16, 17, 40])
    func `duplicates are found in mappings of every size`(count: Int) throws {
        let lines = (0..<count).map { "k\($0): \($0)\n" }.joined()
        #expect(try parse(lines).entries?.count == count)
        #expect(failure(lines + "k\(count / 2): again\n")?.span?.start.line == count + 1)
        #expect(failure(lines + "k\(count - 1): again\n")?.code == "yaml/duplicate-key")
    }

    @Test func `tabs get a hint`() throws {
        #expect(try #require(failure("a:\n\tb: 1\n")).hints == ["YAML does not allow tabs for indentation; use spaces"])
    }

    @Test func `Latin-1 is told with its place and a way out`() throws {
        let problem = try #require(failure(Array("a: 1\nname: ".utf8) + [0xE4, 0x0A]))
        #expect(problem.code == "yaml/encoding")
        #expect(problem.span?.start == SourcePosition(line: 2, column: 7))
        #expect(problem.hints.first?.contains("iconv") == true)
    }

    @Test func `UTF-16 is no crash`() {
        #expect(failure([0xFF, 0xFE, 0x61, 0x00, 0x3A, 0x00])?.code == "yaml/binary")
    }
}

@Suite struct HostileYAMLTests {
    private func code(_ bytes: [UInt8]) -> String? {
        do {
            _ = try YAMLParser.parse(bytes, name: "t.yaml")
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func `ten thousand levels are refused`(opening: String) {
        let text = String(repeating: opening, count: 10_000)
        #expect(code(Array(text.utf8)) == "yaml/too-deep")
    }

    @Test func `nested block mappings are refused`() {
        let text = (0..<200).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(code(Array(text.utf8)) == "yaml/too-deep")
    }

    @Test func `a billion laughs are refused in no time`() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(code(Array(text.utf8)) == "yaml/too-many-nodes")
    }

    @Test func `merge keys cannot explode either`() {
        var text = "m0: &m0 {k: 1}\n"
        for level in 1...40 {
            text += "m\(level): &m\(level) {<<: [*m\(level - 1), *m\(level - 1)], k\(level): 1}\n"
        }
        #expect(code(Array(text.utf8)) == "yaml/too-many-nodes")
        text = "m0: &m0 {" + (0..<2000).map { "k\($0): 1" }.joined(separator: ", ") + "}\n"
        for level in 1...300 { text += "m\(level): {<<: *m0}\n" }
        #expect(code(Array(text.utf8)) == "yaml/too-many-nodes")
    }

    @Test func `a hundred megabytes are refused before they are read`() {
        #expect(code([UInt8](repeating: UInt8(ascii: "a"), count: 100 << 20)) == "yaml/too-large")
    }

    @Test func `a quarter of a megabyte of one line, of short lines and of quotes ends soon`() {
        let limit = 256 << 10
        for text in ["a", "- a\n", "\"", "'", "a: ", "? ", "&a ", "#", "\n", "[", "!", "|", "\\"] {
            _ = code(Array(String(repeating: text, count: limit / text.utf8.count).utf8))
        }
    }

    @Test func `ten thousand random texts neither crash nor hang`() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ab01-?:,[]{}#&*!|>'\"%@` \n\n\t\\.~<=\u{E9}\u{FEFF}\0".utf8)
        for _ in 0..<10_000 {
            let bytes = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            _ = code(bytes)
        }
    }
}
