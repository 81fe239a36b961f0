// SPDX-License-Identifier: MIT

import Diagnostics
import RouterProfiles
import Testing
import YAMLSyntax

@Suite struct ProfileMergerTests {
    @Test(arguments: [
        ("{a: 1, b: 2}", "{b: 3}", "{a: 1, b: 3}"),
        ("{a: {x: 1, y: 2}}", "{a: {y: 3, z: 4}}", "{a: {x: 1, y: 3, z: 4}}"),
        ("{a: [1, 2]}", "{a: [3]}", "{a: [3]}"),
        ("{a: {x: 1}}", "{a: 5}", "{a: 5}"),
        ("{a: 5}", "{a: {x: 1}}", "{a: {x: 1}}"),
        ("{a: {x: 1}}", "{a: {}}", "{a: {x: 1}}"),
        ("{a: {x: 1}}", "{a: null}", "{a: null}"),
        ("{b: 1, a: 2}", "{c: 3, a: 4}", "{b: 1, a: 4, c: 3}"),
        ("{1: a}", "{'1': b}", "{1: b}"),
        ("{'k': a}", "{k: b}", "{'k': b}"),
        ("{}", "{a: 1}", "{a: 1}"),
        ("{a: 1}", "{}", "{a: 1}"),
    ])
    func `merges mappings and replaces the rest`(base: String, overlay: String, merged: String) throws {
        let result = ProfileMerger.merge(try parse(overlay), over: try parse(base))
        #expect(text(result) == text(try parse(merged)))
    }

    @Test func `values keep the places where they were written`() throws {
        let base = try YAMLParser.parse(Array("a: 1\nb: 2\n".utf8), name: "base.yaml")
        let overlay = try YAMLParser.parse(Array("\n\nb: 3\n".utf8), name: "overlay.yaml")
        let merged = ProfileMerger.merge(overlay, over: base)
        #expect(merged["a"]?.span?.file == "base.yaml")
        #expect(merged["b"]?.span?.file == "overlay.yaml")
        #expect(merged["b"]?.span?.start.line == 3)
    }

    @Test(arguments: 0..<200)
    func `merging twice changes nothing, and the order of grouping does not matter`(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let (first, second, third) = (tree(&random), tree(&random), tree(&random))
        let once = ProfileMerger.merge(second, over: first)
        #expect(text(ProfileMerger.merge(second, over: once)) == text(once))
        #expect(text(ProfileMerger.merge(first, over: first)) == text(first))
        let left = ProfileMerger.merge(third, over: ProfileMerger.merge(second, over: first))
        let right = ProfileMerger.merge(ProfileMerger.merge(third, over: second), over: first)
        #expect(text(left) == text(right))
    }

    /// A random tree in which the kind of a value follows from its key, so that no scalar meets a mapping.
    private func tree(_ random: inout SeededRandom, depth: Int = 0) -> YAMLNode {
        var entries: [YAMLNode.Entry] = []
        for name in ["m1", "m2", "l", "s1", "s2"].shuffled(using: &random) where Bool.random(using: &random) {
            let value: YAMLNode =
                switch name.first {
                case "m": depth < 4 ? tree(&random, depth: depth + 1) : .mapping([])
                case "l": .sequence((0..<Int.random(in: 0...3, using: &random)).map { .plain("\($0)") })
                default: .plain("\(Int.random(in: 0...9, using: &random))")
                }
            entries.append(.init(key: .string(name), value: value))
        }
        return YAMLNode(.mapping(entries))
    }

    private func parse(_ text: String) throws -> YAMLNode {
        try YAMLParser.parse(Array(text.utf8), name: "test.yaml")
    }

    private func text(_ node: YAMLNode) -> String {
        // The key's own style is not part of what is compared.
        String(decoding: YAMLWriter.bytes(of: node), as: UTF8.self).replacing("'k'", with: "k")
    }
}

/// A small generator whose numbers follow from its seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &+ 0x9E37_79B9_7F4A_7C15
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
