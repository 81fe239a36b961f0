// SPDX-License-Identifier: MIT

import JSONSyntax
import RouterProfiles
import TestSupport
import Testing
import YAMLSyntax

/// PyYAML, which LiteLLM reads its config with, must see the same values and types in what we write as in what we read.
@Suite(.serialized, LiteLLMInstallation.condition) struct RoundTripTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
        try LiteLLMInstallation.prepare()
    }

    /// Values as they stand in a file; multi-line ones are indented below their key.
    static let values = [
        "\"1\"", "'1'", "1", "1.0", "1e3", "1.0e3", "1.0e+3", "1_000", "0o17", "017", "0x1F", "0b11", "+5", "-0", "08",
        "1.", ".5",
        "-.5", "yes", "no", "on", "off", "Yes", "y", "n", "true", "True", "TRUE", "tRUE", "null", "~", "", "Null",
        "nULL", ".inf",
        "-.INF", ".nan", "2024-01-01", "2024-01-01T10:20:30Z", "2024-01-01 10:20:30.5 +02:00", "2024-1-1", "12:30:45",
        "1:2.5",
        "!!str 123", "!!str yes", "!!int \"5\"", "!!float 3", "!!bool \"yes\"", "!!null ''", "!!str", "! 12", "'it''s'",
        "\"a\\nb\\tc\"", "\"\\u00e9\\u2028\\ufeff\\x85\"", "\"\\0\"", "\"\\U0001F600 x\"", "héllo wörld", "日本語", "😀",
        "\"trailing \"", "' leading'", "\"# no comment\"", "a#b", "\"a: b\"", "a:b", "http://h:1/v1?x=y&z=[1]",
        "\"- x\"", "-x", "\"? x\"",
        "\"&a\"", "\"*a\"", "\"!a\"", "\"%a\"", "\"@a\"", "\"`a\"", "\"=\"", "'<<'", "\"|\"", "\">\"", "\"[]\"",
        "\"{}\"", "[]", "{}",
        "[1, '1', null, [x, {y: 2.0}]]", "{a: 1, 'b': \"2\", c: {d: ~}}", "\"\"", "''", "\" \"", "\"\\n\"", "\"a\\n\"",
        "\"a\\n\\n\"", "\"\\na\"",
        "\"\\ta\"", "\"a \\n b\"", "\"a\\r\\nb\"", "|\n      one\n      two", "|-\n      one\n\n      two",
        "|+\n      one\n\n",
        ">\n      folded\n      text\n\n      more", ">-\n      folded\n        indented\n      text",
        "|2\n        indented first\n      then",
        "plain\n      over lines", "\"quoted\n      over lines\"", "os.environ/KEY",
        "sk-\(String(repeating: "long text ", count: 60))end",
        "\"\(String(repeating: "long quoted ", count: 60))\"", "123456789012345678901234567890", "1.10", "0.1e-5",
        "6e-05", "1E5", "0.0",
        "--", "---x", "...", "<", "key=value", "a, b", "\"\\\"\"", "'\"'", "\\", "\"\\\\\"", "a\\nb", "190:20:30",
        "!!binary aGVsbG8=",
        "!!timestamp '2001-12-14'", "x@y", "Inf", "NaN", "nan", "0x", "1__0", "0_7", "0b", "1e", "e1", "_1", "1.2.3",
        "+", ".",
        "..", "+.inf", "12e03", "685_230.15", "2001-12-14t21:59:43.10-05:00", "!!str 2001-01-01", "!!str null",
        "!!str ~", "!!str ''",
    ]

    static let keys = [
        "1", "'2'", "on", "null", "2024-01-01", "1.5", "\"a b\"", "\"a: b\"", "é", "<", "-x", "\"#\"", "''", "~x",
        "0x10",
    ]

    @Test func `every kind of scalar keeps its text and its type`() throws {
        var count = 0
        for value in Self.values {
            try add(base: "a:\n  k: \(value)\n  z: 1\n", overlay: "a:\n  n: 2\n", number: &count)
            try add(base: "a:\n  k: 5\n", overlay: "a:\n  k: \(value)\n", number: &count)
            try add(base: "a:\n  - k: \(value)\n    z: 1\n", overlay: "b: 1\n", number: &count)
        }
        for key in Self.keys {
            try add(base: "a:\n  \(key): {x: 1}\n", overlay: "a:\n  \(key): {y: 2}\n", number: &count)
        }
        try add(base: "x: &x {p: 1, q: 2}\ny:\n  <<: *x\n  q: 3\n", overlay: "y: {p: 9}\nz: 1\n", number: &count)
        try add(base: "x: &x [1, 2]\ny: *x\nz: [*x, *x]\n", overlay: "y: [3]\n", number: &count)
        let lines = try differences()
        #expect(lines == ["compared \(count)"])
    }

    @Test func `random trees of random texts come out as they went in`() throws {
        var random = SeededRandom(20)
        var count = 0
        for _ in 0..<400 {
            try add(base: document(&random), overlay: document(&random), number: &count)
        }
        let lines = try differences()
        #expect(lines == ["compared \(count)"])
    }

    private func add(base: String, overlay: String, number: inout Int) throws {
        let merged = ProfileMerger.merge(try parse(overlay), over: try parse(base))
        try scratch.write("\(number).base.yaml", base)
        try scratch.write("\(number).overlay.yaml", overlay)
        try scratch.write("\(number).merged.yaml", YAMLWriter.bytes(of: merged))
        number += 1
    }

    private func parse(_ text: String) throws -> YAMLNode {
        try YAMLParser.parse(Array(text.utf8), name: "test.yaml")
    }

    private func differences() throws -> [String] {
        let result = try Program(
            LiteLLMInstallation.python, [LiteLLMInstallation.script("compare_merges.py"), scratch.path]
        ).run()
        try #require(result.code == 0, "\(result)")
        return result.lines
    }

    /// JSON, which is YAML, with texts of awkward characters; the merged form is written in block style.
    private func document(_ random: inout SeededRandom) -> String {
        JSONWriter.text(of: .object(object(&random, depth: 0)))
    }

    private func object(_ random: inout SeededRandom, depth: Int) -> JSONObject {
        var object = JSONObject()
        for name in ["a", "b", "c", "d"] where Bool.random(using: &random) {
            object[name] = value(&random, depth: depth + 1)
        }
        object[text(&random)] = value(&random, depth: depth + 1)
        return object
    }

    private func value(_ random: inout SeededRandom, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where depth < 5, 1 where depth < 5: .object(object(&random, depth: depth))
        case 2 where depth < 5:
            .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth + 1) })
        case 3: .integer(Int.random(in: -1000...1000, using: &random))
        case 4: .bool(Bool.random(using: &random))
        case 5: .double(Double(Int.random(in: 1...99, using: &random)) / 8)
        default: .string(text(&random))
        }
    }

    private func text(_ random: inout SeededRandom) -> String {
        let pieces = [
            " ", "  ", "\n", "\t", ":", ": ", "#", " #", "-", "- ", "?", "'", "\"", "\\", "a", "B", "1", ".", "e", "0x",
            "é", "日",
            "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "\u{FEFF}", "{", "}", "[", "]", ",", "&", "*", "!", "|", ">", "%",
            "@", "`", "~", "yes",
            "null", "\u{1}", "\r",
        ]
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }
}
