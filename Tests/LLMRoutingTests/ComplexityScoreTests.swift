// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// The score of `mode: vibe`, with every side effect of its substring tests.
struct ComplexityScoreTests {
    @Test(arguments: [
        ("hi", -98), ("hello", -95), ("this", -96), ("which think", -89), ("architecture", 62), ("machine", -93),
        ("philosophical history", 71), ("implications", -88), ("tools", -95), ("form performance", -84),
        ("the latest", -90), ("they say", -92), ("helpful", -93), ("implementations", 165), ("analysis", 8),
        ("analyze", 157), ("你好", -98), ("", 0), ("   hi   ", -98), ("none", 4), ("```x```", 107), ("def f", 105),
        ("function x", 110), ("A. B? C!", 58), ("a.b.c", 5), ("HELLO", -95), ("ls pwd", -194),
        ("Write a recursive algorithm", 327), ("\u{130}\u{130}", 4), ("\u{212a}elvin", 6),
        ("\u{2003}x\u{2003}", 1), ("\u{1c}x\u{1f}", 1), (String(repeating: "x", count: 300), 200),
        ("[{'type': 'text', 'text': 'hello'}]", -65), ("defx functions", 14),
    ])
    func `a text scores exactly`(_ text: String, _ score: Int) {
        #expect(ComplexityScore(text: text, messageCount: 1).total == score)
    }

    @Test func `more than five messages add thirty`() {
        #expect(ComplexityScore(text: "hi", messageCount: 5).total == -98)
        #expect(ComplexityScore(text: "hi", messageCount: 6).total == -68)
    }

    @Test func `only the last message is read, whatever its role`() {
        let prompt = Prompt(messages: [
            PromptMessage(role: .user, text: "implement a distributed algorithm"),
            PromptMessage(role: .assistant, text: "hi"),
        ])
        #expect(ComplexityScore(prompt).total == -98)
        #expect(ComplexityScore(Prompt()).total == 0)
    }

    @Test(arguments: [
        (#"null"#, "None"), (#""hi \"you\"\n""#, "hi \"you\"\n"), (#"[]"#, "[]"),
        (#"[{"type":"text","text":"hello"}]"#, "[{'type': 'text', 'text': 'hello'}]"),
        (#"[{"text":"it's"}, true, false, null, 1, 1.5]"#, #"[{'text': "it's"}, True, False, None, 1, 1.5]"#),
        (#"["a\nb", "c\\d", "é", "\u0007"]"#, #"['a\nb', 'c\\d', 'é', '\x07']"#),
        (#"["both ' and \""]"#, #"['both \' and "']"#),
    ])
    func `content that is no string is printed as Python does`(_ json: String, _ printed: String) {
        #expect(PythonText.printed(json.utf8) == printed)
    }

    @Test(arguments: ["", "[", "[1,", "{\"a\"}", "nul", "\"open", "[1] 2", String(repeating: "[", count: 9999)])
    func `what is no JSON is not printed`(_ text: String) {
        #expect(PythonText.printed(text.utf8) == nil)
    }

    @Test func `printed content is what counts`() {
        let message = PromptMessage(role: .user, text: "hello", printedContent: "[{'type': 'text', 'text': 'hello'}]")
        #expect(ComplexityScore(Prompt(messages: [message])).total == -65)
    }
}

/// Classes of the routing service's prompts, substring effects included.
struct TaskClassTests {
    @Test(arguments: [
        ("default", TaskClass.code), ("important", .code), ("classic", .code), ("undefined", .code),
        ("Write a Python function to sort", .analysis),
        ("Write an essay about the importance of clean code.", .code), ("an EXCEPTION", .code),
        ("Write an essay", .writing), ("a blog", .writing), ("Email me", .writing), ("SUMMARIZE it", .writing),
        ("What is this?", .analysis), ("", .analysis),
    ])
    func `a prompt has its class`(_ prompt: String, _ expected: TaskClass) {
        #expect(TaskClass(prompt: prompt) == expected)
    }
}
