// SPDX-License-Identifier: MIT

import GatewayConfig
import LLMRouting
import Testing

/// A request's body as the two scores read it.
struct PromptReaderTests {
    /// What Python 3 prints for the last message's content: `str(json.loads(body)["messages"][-1]["content"])`.
    private static let printed: [(String, String)] = [
        (#"["\u3000\u200b\u2028\ufeff\ue000"]"#, #"['\u3000\u200b\u2028\ufeff\ue000']"#),
        (
            "[123456789012345678901234567890, -0, 1e16, 12345678901234567.0, 1e-5, 100.0, -2.5e20, 1.5e16]",
            "[123456789012345678901234567890, 0, 1e+16, 1.2345678901234568e+16, 1e-05, 100.0, -2.5e+20, 1.5e+16]"
        ),
        (#"[{"text":"a","x":1,"text":"b"},{},[]]"#, "[{'text': 'b', 'x': 1}, {}, []]"),
        (
            #"["\ud800 \ude00 \ud83d\ude00 \u00ad\u00e9\ud83f\udfff"]"#,
            #"['\ud800 \ude00 😀 \xadé\U0001ffff']"#
        ),
        (#"["it's", "\"it's\"", "\\ \u007f\u0085"]"#, #"["it's", '"it\'s"', '\\ \x7f\x85']"#),
        (#"{"a":[{"b":{"c":"d ] } \" ,"}}]}"#, #"{'a': [{'b': {'c': 'd ] } " ,'}}]}"#), ("5", "5"),
        ("null", "None"), ("true", "True"),
    ]

    @Test(arguments: printed)
    func `the old score reads content as it was written`(content: String, text: String) {
        let body =
            #"{"messages":[7], "messages" : [{"content":"first"}, {"content":1, "role":"user","content": \#(content)}]}"#
        let prompt = PromptReader.read(body.utf8, printing: true)
        #expect(prompt.messages.last?.printedContent == text)
        #expect(PromptReader.read(body.utf8, printing: false).messages.last?.printedContent == nil)
    }

    @Test func `the old score counts messages alone`() {
        let five = (1...5).map { _ in #"{"role":"user","content":"x"}"# }.joined(separator: ",")
        let body = #"{"system":"be brief","messages":[\#(five)]}"#
        #expect(ComplexityScore(PromptReader.read(body.utf8, printing: true)).total == 1)
        #expect(PromptReader.read(body.utf8, printing: false).messages.count == 6)
    }

    @Test(arguments: [#"{"prompt":"hi"}"#, #"{"input":"hi"}"#, #"{"messages":[],"prompt":"hi"}"#, "{}", "x"])
    func `the old score leaves a request without messages alone`(body: String) {
        #expect(PromptReader.read(body.utf8, printing: true).messages.isEmpty)
    }

    @Test func `the new score reads the other shapes too`() {
        #expect(PromptReader.read(#"{"prompt":"hi"}"#.utf8, printing: false) == Prompt("hi"))
        #expect(PromptReader.read(#"{"input":[{"role":"user","content":"hi"}]}"#.utf8, printing: false) == Prompt("hi"))
    }

    @Test func `much content is printed in time in proportion to it`() {
        let part = #"{"type":"text","text":"x"}"#
        let body = #"{"messages":[{"content":[\#(Array(repeating: part, count: 20_000).joined(separator: ","))]}]}"#
        let text = PythonText.contentOfLastMessage(in: Array(body.utf8))
        #expect(text?.utf8.count == 20_000 * "{'type': 'text', 'text': 'x'}, ".utf8.count)
    }
}
