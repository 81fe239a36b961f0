// SPDX-License-Identifier: MIT

import Testing
import YAMLSyntax

@Suite struct YAMLWriterTests {
    private func written(_ text: String) throws -> String {
        String(decoding: YAMLWriter.bytes(of: try YAMLParser.parse(Array(text.utf8), name: "t")), as: UTF8.self)
    }

    @Test func `block style comes out as it went in`() throws {
        let text = """
            name: value
            quoted: "1"
            single: 'it''s'
            number: 1.0
            exponent: 1e3
            octal: 0o17
            word: yes
            nothing:
            tilde: ~
            date: 2026-11-20
            tagged: !!str 5
            list:
            - a
            - - nested
              - list
            - b: 1
              c: 2
            - []
            empty: {}
            deep:
              deeper:
                deepest: true
            block: |
              line one
                line two

              line four
            stripped: |-
              no break at the end
            kept: |+
              two breaks

            last: ünïcödé 😀

            """
        #expect(try written(text) == text)
    }

    @Test(arguments: [
        ("{a: [1, {b: c}]}", "a:\n- 1\n- b: c\n"), ("[]", "[]\n"), ("{}", "{}\n"), ("just text", "just text\n"),
        ("{? [a, b] : c}", "? - a\n  - b\n: c\n"), ("{? {a: b} : {c: d}}", "? a: b\n: c: d\n"),
        ("?\n: x", "null: x\n"), ("[,]", nil), ("a: >\n  folded\n  text\n", "a: |\n  folded text\n"),
        ("a: 'x\n\n  y'", "a: \"x\\ny\"\n"), ("a: \"tab\\there\"", "a: \"tab\\there\"\n"),
        ("- |\n  x\n- y\n", "- |\n  x\n- y\n"), ("a: \"\\u2028\\x85\\U0001F600\"", "a: \"\\u2028\\x85😀\"\n"),
        ("a: !mine b", "a: !mine b\n"), ("a: ''", "a: ''\n"), ("- \n- a", "-\n- a\n"),
        ("a: !!null ''", "a: !!null ''\n"),
    ])
    func `other forms come out in block style`(input: String, output: String?) throws {
        guard let output else {
            #expect(throws: (any Error).self) { try written(input) }
            return
        }
        #expect(try written(input) == output)
        #expect(try written(output) == output)
    }

    @Test func `made strings are quoted where they would be something else`() throws {
        let texts = [
            "", "yes", "1", "1.5", "null", "~", "2026-11-20", " lead", "trail ", "a: b", "a #b", "- a", "[x", "{x",
            "*x",
            "&x", "!x", "%x", "@x", "`x", "a:", "x\ny", "\n", "a\n\n", "\t", "=", "<<", "---", "... x", "\u{7F}",
            "\u{FEFF}x",
            "it's", "say \"x\"", "back\\slash", "?", "-", ":", "? x", "-x", "?x", ":x", "a,b", "a]b", "ü", "\u{2028}",
            String(repeating: "long ", count: 100), "a\n  b", "  a\nb", "a \nb", "a\n \nb", "\r\n", "\u{1}",
        ]
        let root = YAMLNode.mapping(
            texts.map { ($0, YAMLNode.string($0)) } + [("list", .sequence(texts.map(YAMLNode.string)))])
        let bytes = YAMLWriter.bytes(of: root)
        let read = try YAMLParser.parse(bytes, name: "t")
        for text in texts { #expect(read[text]?.stringValue == text, "\(text.debugDescription)") }
        #expect(read["list"]?.elements?.map(\.stringValue) == texts)
    }

    @Test func `a plain text that cannot stand plainly is quoted`() throws {
        let root = YAMLNode.sequence([.plain("a: b"), .plain("x\ny"), .plain("# no"), .plain("1e3"), .plain("")])
        #expect(
            String(decoding: YAMLWriter.bytes(of: root), as: UTF8.self)
                == "- \"a: b\"\n- \"x\\ny\"\n- \"# no\"\n- 1e3\n-\n")
    }

    @Test func `block texts of every ending come back whole`() throws {
        for text in ["a", "a\n", "a\n\n", "a\nb", "a\n\nb\n\n\n", "a\n b\n", "é\n", "a\n# no comment\n", "a: b\n- c\n"]
        {
            let node = YAMLNode(.scalar(YAMLScalar(text, style: .literal)))
            let root = YAMLNode.mapping([
                ("first", node), ("list", .sequence([node, .sequence([node]), .mapping([("x", node)])])),
                ("last", node),
            ])
            let read = try YAMLParser.parse(YAMLWriter.bytes(of: root), name: "t")
            #expect(read["first"]?.stringValue == text)
            #expect(read["list"]?.elements?[0].stringValue == text)
            #expect(read["list"]?.elements?[1].elements?[0].stringValue == text)
            #expect(read["list"]?.elements?[2]["x"]?.stringValue == text)
            #expect(read["last"]?.stringValue == text)
        }
    }

    @Test func `random trees come back as they were`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let tree = RandomTree.node(depth: 4, &random)
            let bytes = YAMLWriter.bytes(of: tree)
            let read = try YAMLParser.parse(bytes, name: "t")
            let isSame = RandomTree.isSame(tree, read)
            #expect(isSame, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}

/// Trees with strings that are hard to write.
private enum RandomTree {
    static func node(depth: Int, _ random: inout some RandomNumberGenerator) -> YAMLNode {
        switch depth == 0 ? 0 : Int.random(in: 0...3, using: &random) {
        case 1:
            return .sequence((0..<Int.random(in: 0...4, using: &random)).map { _ in node(depth: depth - 1, &random) })
        case 2:
            var names: Set<String> = []
            let entries = (0..<Int.random(in: 0...4, using: &random)).compactMap { _ -> (String, YAMLNode)? in
                let name = text(&random)
                return names.insert(name).inserted ? (name, node(depth: depth - 1, &random)) : nil
            }
            return .mapping(entries)
        default:
            let styles: [YAMLScalar.Style] = [.singleQuoted, .doubleQuoted, .literal, .folded]
            let style = styles[Int.random(in: 0..<styles.count, using: &random)]
            return YAMLNode(.scalar(YAMLScalar(text(&random), style: style)))
        }
    }

    private static func text(_ random: inout some RandomNumberGenerator) -> String {
        let parts = [
            "a", "B", "1", " ", "\n", "\t", ":", "#", "-", "'", "\"", "\\", "{", "]", ",", "&", "*", "!", "|", ">", "%",
            "@",
            "`", "?", "~", "é", "😀", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{7}", "yes", "<<", "---", "\r",
        ]
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in
            parts[Int.random(in: 0..<parts.count, using: &random)]
        }.joined()
    }

    static func isSame(_ left: YAMLNode, _ right: YAMLNode) -> Bool {
        switch (left.content, right.content) {
        case (.scalar(let left), .scalar(let right)):
            return left.text.unicodeScalars.elementsEqual(right.text.unicodeScalars)
                && left.resolvedType == right.resolvedType
        case (.sequence(let left), .sequence(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        case (.mapping(let left), .mapping(let right)):
            return left.count == right.count
                && zip(left, right).allSatisfy { isSame($0.key, $1.key) && isSame($0.value, $1.value) }
        default: return false
        }
    }
}
