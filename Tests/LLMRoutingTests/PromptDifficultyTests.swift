// SPDX-License-Identifier: MIT

import JSONSyntax
import LLMRouting
import SystemIO
import Testing

/// The two classifiers on the labelled prompts of `Fixtures/prompts.jsonl`.
struct PromptDifficultyTests {
    struct Labelled {
        let isTuning: Bool
        let isComplex: Bool
        let prompt: Prompt
    }

    struct Accuracy: CustomStringConvertible {
        var right = 0
        var count = 0
        var complexAsSimple = 0
        var simpleAsComplex = 0
        var share: Double { Double(right) / Double(max(1, count)) }
        var description: String {
            "\(right)/\(count), complex taken for simple \(complexAsSimple), simple for complex \(simpleAsComplex)"
        }
    }

    static let prompts: [Labelled] = {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let bytes = try? FileSystem.read(folder + "/Fixtures/prompts.jsonl", limit: 1 << 20)
        return (bytes ?? []).split(separator: UInt8(ascii: "\n")).compactMap { line in
            (try? JSONParser.parse(Array(line))).map(labelled)
        }
    }()

    private static func labelled(_ value: JSONValue) -> Labelled {
        let messages =
            value["messages"]?.arrayValue.map { messages in
                messages.map { message in
                    PromptMessage(
                        role: message["role"]?.stringValue.flatMap(PromptMessage.Role.init) ?? .other,
                        text: message["content"]?.stringValue ?? "",
                        attachments: message["attachments"]?.integerValue ?? 0,
                        usesTools: message["usesTools"]?.boolValue ?? false)
                }
            } ?? [PromptMessage(role: .user, text: value["text"]?.stringValue ?? "")]
        return Labelled(
            isTuning: value["part"]?.stringValue == "tuning", isComplex: value["label"]?.stringValue == "complex",
            prompt: Prompt(messages: messages))
    }

    private func accuracy(tuning: Bool, _ score: (Prompt) -> Int) -> Accuracy {
        var accuracy = Accuracy()
        for item in Self.prompts where item.isTuning == tuning {
            let isComplex = score(item.prompt) >= 50
            accuracy.count += 1
            accuracy.right += isComplex == item.isComplex ? 1 : 0
            accuracy.complexAsSimple += item.isComplex && !isComplex ? 1 : 0
            accuracy.simpleAsComplex += isComplex && !item.isComplex ? 1 : 0
        }
        return accuracy
    }

    @Test func `the set holds at least 300 prompts in two parts`() {
        #expect(Self.prompts.count >= 300)
        #expect(Self.prompts.count { $0.isTuning } > 140 && Self.prompts.count { !$0.isTuning } > 140)
    }

    /// The numbers of docs/routing.md; a change of words or weights changes them and the page.
    @Test func `the classifier by whole words is the better one on prompts it was not tuned on`() {
        let words = accuracy(tuning: false) { PromptDifficulty($0).total }
        let vibe = accuracy(tuning: false) { ComplexityScore($0).total }
        let wordsTuning = accuracy(tuning: true) { PromptDifficulty($0).total }
        let vibeTuning = accuracy(tuning: true) { ComplexityScore($0).total }
        #expect(words.share >= 0.92, "words: test \(words), tuning \(wordsTuning)")
        #expect(vibe.share < 0.75, "vibe: test \(vibe), tuning \(vibeTuning)")
        #expect(wordsTuning.share >= 0.95)
    }

    @Test func `words count only when they stand alone`() {
        #expect(PromptDifficulty(Prompt("designation")).workWords == 0)
        #expect(PromptDifficulty(Prompt("design, then")).workWords == 1)
        #expect(PromptDifficulty(Prompt("Step--by   step")).workWords == 1)
        #expect(PromptDifficulty(Prompt("analyzing")).workWords == 1)
        #expect(PromptDifficulty(Prompt("请设计一个")).workWords == 1)
    }

    @Test func `tools, attachments and what was said before count`() {
        let plain = PromptDifficulty(Prompt("go on")).total
        let tools = PromptDifficulty(
            Prompt(messages: [PromptMessage(role: .tool, text: "error"), PromptMessage(role: .user, text: "go on")]))
        let files = PromptDifficulty(Prompt(messages: [PromptMessage(role: .user, text: "go on", attachments: 9)]))
        let followUp = PromptDifficulty(
            Prompt(messages: [
                PromptMessage(role: .user, text: "Refactor this parser and analyze its complexity"),
                PromptMessage(role: .user, text: "go on"),
            ]))
        #expect(tools.total == plain + 60)
        #expect(files.total == plain + 40)
        #expect(followUp.followUp > 50)
    }
}
