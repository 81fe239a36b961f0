// SPDX-License-Identifier: MIT

import GatewayConfig
import GatewayHTTP
import JSONSyntax
import StandInHTTP
import Testing

@Suite struct TranslationTests {
    private func toOpenAI(_ request: JSONObject) throws -> JSONValue {
        .object(try #require(Translation(client: .messages, target: .openAI)).request(request, model: "m"))
    }

    private func toAnthropic(_ request: JSONObject) throws -> JSONValue {
        .object(try #require(Translation(client: .chatCompletions, target: .anthropic)).request(request, model: "m"))
    }

    @Test func `Anthropic's blocks become OpenAI's messages`() throws {
        let chat = try toOpenAI([
            "model": "x", "max_tokens": 9,
            "system": [["type": "text", "text": "be"], ["type": "text", "text": "brief"]],
            "stop_sequences": ["END"], "metadata": ["user_id": "u"],
            "thinking": ["type": "enabled", "budget_tokens": 2000],
            "tools": [["name": "f", "description": "d", "input_schema": ["type": "object"]]],
            "tool_choice": ["type": "tool", "name": "f", "disable_parallel_tool_use": true],
            "messages": [
                ["role": "user", "content": "hi"],
                [
                    "role": "assistant",
                    "content": [
                        ["type": "text", "text": "ok"],
                        ["type": "tool_use", "id": "t1", "name": "f", "input": ["a": 1]],
                    ],
                ],
                [
                    "role": "user",
                    "content": [
                        ["type": "tool_result", "tool_use_id": "t1", "content": [["type": "text", "text": "42"]]],
                        ["type": "text", "text": "so"],
                    ],
                ],
                ["role": "user", "content": [["type": "image", "source": ["type": "url", "url": "http://x/y.png"]]]],
            ],
        ])
        #expect(chat["model"] == "m")
        #expect(chat["stop"] == ["END"])
        #expect(chat["user"] == "u")
        #expect(chat["reasoning_effort"] == "low")
        #expect(chat["parallel_tool_calls"] == false)
        #expect(chat["tool_choice"] == ["type": "function", "function": ["name": "f"]])
        #expect(
            chat["tools"] == [
                ["type": "function", "function": ["name": "f", "description": "d", "parameters": ["type": "object"]]]
            ])
        let messages = try #require(chat["messages"]?.arrayValue)
        #expect(messages.count == 6)
        #expect(messages[0] == ["role": "system", "content": "be\nbrief"])
        #expect(
            messages[2]["tool_calls"] == [
                ["id": "t1", "type": "function", "function": ["name": "f", "arguments": "{\"a\":1}"]]
            ])
        #expect(messages[3] == ["role": "tool", "tool_call_id": "t1", "content": "42"])
        #expect(messages[4] == ["role": "user", "content": "so"])
        #expect(messages[5]["content"]?.arrayValue?.first?["image_url"] == ["url": "http://x/y.png"])
    }

    @Test func `OpenAI's messages become Anthropic's blocks, roles taking turns`() throws {
        let messages = try toAnthropic([
            "model": "x", "temperature": 1.7, "stop": "END", "max_completion_tokens": 5, "tool_choice": "required",
            "tools": [["type": "function", "function": ["name": "f", "parameters": ["type": "object"]]]],
            "messages": [
                ["role": "developer", "content": "rules"], ["role": "user", "content": "a"],
                ["role": "user", "content": "b"],
                [
                    "role": "assistant", "content": nil,
                    "tool_calls": [
                        ["id": "t", "type": "function", "function": ["name": "f", "arguments": "{\"x\":2}"]]
                    ],
                ],
                ["role": "tool", "tool_call_id": "t", "content": "r"],
                [
                    "role": "user",
                    "content": [["type": "image_url", "image_url": ["url": "data:image/png;base64,QUJD"]]],
                ],
            ],
        ])
        #expect(messages["system"] == [["type": "text", "text": "rules"]])
        #expect(messages["max_tokens"] == 5)
        #expect(messages["temperature"]?.doubleValue == 1)
        #expect(messages["stop_sequences"] == ["END"])
        #expect(messages["tool_choice"] == ["type": "any"])
        let turns = try #require(messages["messages"]?.arrayValue)
        #expect(turns.map { $0["role"] } == ["user", "assistant", "user"])
        #expect(turns[0]["content"]?.arrayValue?.count == 2)
        #expect(turns[1]["content"] == [["type": "tool_use", "id": "t", "name": "f", "input": ["x": 2]]])
        let last = try #require(turns[2]["content"]?.arrayValue)
        #expect(last[0] == ["type": "tool_result", "tool_use_id": "t", "content": "r"])
        #expect(last[1]["source"] == ["type": "base64", "media_type": "image/png", "data": "QUJD"])
    }

    @Test func `what has no counterpart is refused, not dropped`() throws {
        #expect(throws: TranslationError.self) {
            try toAnthropic(["messages": [["role": "user", "content": [["type": "input_audio", "input_audio": [:]]]]]])
        }
        #expect(throws: TranslationError.self) { try toAnthropic(["n": 2, "messages": []]) }
        #expect(throws: TranslationError.self) {
            try toOpenAI(["messages": [], "tools": [["type": "web_search_20250305", "name": "w"]]])
        }
    }

    @Test(arguments: [
        ("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("content_filter", "refusal"),
    ])
    func `reasons and usage are carried over`(openAI: String, anthropic: String) throws {
        let there = try #require(Translation(client: .messages, target: .openAI)).answer(
            [
                "id": "c", "choices": [["message": ["content": "t"], "finish_reason": .string(openAI)]],
                "usage": ["prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": ["cached_tokens": 3]],
            ], model: "m")
        #expect(there["stop_reason"] == .string(anthropic))
        #expect(there["usage"]?["input_tokens"] == 7)
        #expect(there["usage"]?["cache_read_input_tokens"] == 3)
        let back = try #require(Translation(client: .chatCompletions, target: .anthropic)).answer(
            [
                "id": "c", "content": [["type": "text", "text": "t"]], "stop_reason": .string(anthropic),
                "usage": ["input_tokens": 7, "output_tokens": 4, "cache_read_input_tokens": 3],
            ], model: "m")
        #expect(back["choices"]?.arrayValue?.first?["finish_reason"] == .string(openAI))
        #expect(back["usage"]?["prompt_tokens"] == 10)
        #expect(back["usage"]?["total_tokens"] == 14)
    }

    @Test func `a native Anthropic deployment gets its own bytes, key and version`() async throws {
        let upstream = try await StandInServer.start { _ in
            .json([
                "id": "m", "type": "message", "role": "assistant", "content": [["type": "text", "text": "native"]],
                "stop_reason": "end_turn", "usage": ["input_tokens": 1, "output_tokens": 2],
            ])
        }
        let config = """
            model_list:
              - {model_name: main, litellm_params: {model: anthropic/claude-x, api_base: "\(upstream.baseURL)", api_key: sk-ant-secret}}

            """
        try await withGateway(config) { gateway in
            let body = "{\"model\":\"main\",\"max_tokens\":5 ,\"new_field\":[1.50],\"messages\":[]}"
            let answer = try await gateway.client.post(
                text: body, to: "/v1/messages", headers: [("anthropic-beta", "b1")])
            #expect(answer.json["content"]?.arrayValue?.first?["text"] == "native")
            let sent = try #require(upstream.requests.first)
            #expect(sent.target == "/v1/messages")
            #expect(String(decoding: sent.body, as: UTF8.self) == body.replacing("\"main\"", with: "\"claude-x\""))
            #expect(sent.header("x-api-key") == "sk-ant-secret")
            #expect(sent.header("authorization") == nil)
            #expect(sent.header("anthropic-version") == "2023-06-01")
            #expect(sent.header("anthropic-beta") == "b1")
        }
        await upstream.stop()
    }

    @Test func `a broken translated stream ends with Anthropic's error event`() async throws {
        try await withGateway("model_list:\n  - {model_name: main, litellm_params: {model: mock/cut}}\n") { gateway in
            let answer = try await gateway.client.post(
                [
                    "model": "main", "stream": true, "max_tokens": 5,
                    "messages": [["role": "user", "content": "a b c d e"]],
                ],
                to: "/v1/messages")
            #expect(answer.text.contains("event: message_start"))
            #expect(answer.text.contains("event: error\ndata: "))
            #expect(!answer.text.contains("message_stop"))
        }
    }
}
