// SPDX-License-Identifier: MIT

import TestSupport
import Testing
import YAMLSyntax

/// LiteLLM reads what we write with PyYAML, so PyYAML judges.
@Suite struct PyYAMLTests {
    /// Prints the values with their types, so that `1`, `"1"`, `1.0` and `true` differ.
    private static let script = """
        import sys, yaml
        first, second = (yaml.safe_load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
        def typed(value):
            if isinstance(value, dict): return sorted((typed(k), typed(v)) for k, v in value.items())
            if isinstance(value, list): return ["list"] + [typed(v) for v in value]
            return [type(value).__name__, repr(value)]
        a, b = typed(first), typed(second)
        if a != b:
            for x, y in zip(a, b):
                if x != y: print(x, "became", y)
            sys.exit(1)
        """

    /// A command that runs a Python with PyYAML: the system's, else the first in PATH.
    private func interpreter() throws -> [String] {
        let candidates = [["/usr/bin/python3"], ["/usr/bin/env", "python3"]]
        let found = candidates.first { command in
            (try? Program(command[0], command.dropFirst() + ["-c", "import yaml"]).run())?.code == 0
        }
        return try #require(found, "PyYAML is missing: run scripts/install-dependencies")
    }

    private func compare(_ text: String) throws {
        let command = try interpreter()
        let scratch = try ScratchFolder()
        let written = YAMLWriter.bytes(of: try YAMLParser.parse(Array(text.utf8), name: "t"))
        let before = try scratch.write("before.yaml", text)
        let after = try scratch.write("after.yaml", written)
        let result = try Program(command[0], command.dropFirst() + ["-c", Self.script, before, after]).run()
        #expect(result.code == 0, "\(result)\n\(String(decoding: written, as: UTF8.self))")
    }

    @Test func `every value comes out with the type that went in`() throws {
        try compare(
            """
            strings: ["1", '1.0', "true", "null", "2026-11-20", "", " ", "yes", "0o17", "1e3", "~", "="]
            integers: [1, -1, +1, 0, 017, 0x1F, 0b101, 1_000, 190:20:30]
            floats: [1.0, 1., .5, 1.5e-06, 1.0e+3, -.inf, .nan, 190:20:30.5, 1_0.5]
            words: [1e3, 0o17, 1e-5, 09, 1.2.3, gpt-5.1, -, y, n, oN]
            truths: [yes, No, TRUE, off, On, false]
            nothing: [null, ~, Null]
            dates: [2026-11-20, 2026-11-20T09:30:00Z, 2026-11-20 09:30:00.123 +01:00, 2026-1-2]
            tagged: [!!str 1, !!int "1", !!float 1, !!bool "yes", !!null "", !!str yes, !!timestamp "2026-11-20"]
            literal: |
              one
                two

              four
            literal_keep: |+
              one

            literal_strip: |-
              one
            folded: >
              one
              two

              three
            folded_strip: >-
              one
              two
            quoted_lines: "one
              two

              three"
            plain_lines: one
              two

              three
            unicode: [ünïcödé, "\\u00e9\\U0001F600", "\\x85\\u2028\\uFEFF", 日本語]
            escapes: "\\0\\a\\b\\t\\n\\v\\f\\r\\e\\\\\\"\\/"
            anchors:
              base: &base {a: 1, b: [1, 2]}
              copy: *base
              merged: {<<: *base, b: 3}
              list: [&x "1", *x]
            1: integer key
            1.5: float key
            true: truth key
            null: null key
            2026-11-20: date key
            "quoted: key": x
            ? long \(String(repeating: "key ", count: 60))
            : value
            os: os.environ/KEY
            json: {"a": [1, "2", null, true, {"b": 1.5}]}
            windows: 'C:\\path\\to'
            comment: "not # a comment" # a comment
            url: http://127.0.0.1:8317/v1
            empty: {list: [], mapping: {}}
            """)
    }

    @Test func `JSON is understood alike`() throws {
        try compare(#"{"a":"\u00fc\n\t\"","b":[0,-1,1.5,true,false,null,{"c":{}}],"d":"1","e":"","f/g":"\/"}"#)
    }

    @Test func `random plain scalars keep their types`() throws {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789.-+:_eExXobyYnNtTfF~/ ")
        var lines: Set<String> = []
        while lines.count < 2000 {
            let text = String(
                (0..<Int.random(in: 1...9, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "0" })
            guard (try? YAMLParser.parse(Array("- \(text)".utf8), name: "t")) != nil else { continue }
            // PyYAML refuses what looks like a date and is none; then there is nothing to compare.
            if YAMLScalar(text.trimmed).resolvedType == .timestamp { continue }
            lines.insert(text)
        }
        // Values that Python itself cannot convert, such as `0b_`, make it throw; they are left out.
        try compare(lines.filter { !$0.contains("_") }.map { "- \($0)\n" }.joined())
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
