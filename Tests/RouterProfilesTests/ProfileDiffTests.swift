// SPDX-License-Identifier: MIT

import JSONSyntax
import RouterProfiles
import Testing
import YAMLSyntax

@Suite struct ProfileDiffTests {
    @Test func `shows each value that differs by its path`() throws {
        let diff = ProfileDiff(
            from: try parse("{a: {x: 1, y: [1, 2]}, b: gone, same: s}"),
            to: try parse("{a: {x: 2, y: [1]}, same: s, c: {d.e: []}}"))
        #expect(
            diff.text == """
                - a.x: 1
                + a.x: 2
                - a.y[1]: 2
                - b: gone
                + c."d.e": []

                """)
    }

    @Test func `tells a string from the number that looks like it`() throws {
        let diff = ProfileDiff(from: try parse("{a: 1}"), to: try parse("{a: '1'}"))
        #expect(diff.text == "- a: 1\n+ a: \"1\"\n")
        #expect(ProfileDiff(from: try parse("{a: 'x'}"), to: try parse("{a: x}")).changes.isEmpty)
    }

    @Test func `secrets are told apart but not shown`() throws {
        let diff = ProfileDiff(
            from: try parse("{p: {api_key: sk-one, extra_headers: {X: one}}, master_key: os.environ/A}"),
            to: try parse("{p: {api_key: sk-two, extra_headers: {X: two}}, master_key: sk-three}"))
        #expect(
            diff.text == """
                - p.api_key: <redacted>
                + p.api_key: <redacted>
                - p.extra_headers.X: <redacted>
                + p.extra_headers.X: <redacted>
                - master_key: os.environ/A
                + master_key: <redacted>

                """)
        #expect(!JSONWriter.text(of: diff.json(from: "a", to: "b")).contains("sk-"))
    }

    @Test func `the shipped profiles differ in their numbers`() throws {
        let catalog = try Samples.shipped()
        let diff = ProfileDiff(from: try catalog.rendered("balanced").root, to: try catalog.rendered("cost").root)
        #expect(diff.text.contains("- litellm_settings.num_retries: 2\n+ litellm_settings.num_retries: 1\n"))
        #expect(diff.text.contains("- litellm_settings.fallbacks[0].router-default[0]: router-cheap\n"))
        #expect(
            ProfileDiff(from: try catalog.rendered("cost").root, to: try catalog.rendered("cost").root).changes == [])
    }

    @Test func `the JSON form has the same facts`() throws {
        let diff = ProfileDiff(from: try parse("{a: 1}"), to: try parse("{b: 2}"))
        #expect(
            diff.json(from: "x", to: "y") == [
                "schema": 1, "from": "x", "to": "y",
                "changes": [
                    ["path": "a", "old": "1", "new": nil],
                    ["path": "b", "old": nil, "new": "2"],
                ],
            ])
    }

    private func parse(_ text: String) throws -> YAMLNode {
        try YAMLParser.parse(Array(text.utf8), name: "test.yaml")
    }
}
