// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import Testing

/// Streams that break in the middle, and what another deployment makes of the rest.
@Suite struct ResumeTests {
    private static func cut(_ pieces: [StandInResponse.Piece]) -> StandInResponse {
        var response = StandInResponse.events(pieces)
        response.ending = .close
        return response
    }

    private static func event(_ json: String) -> StandInResponse.Piece { .init("data: \(json)\n\n") }

    private static func delta(_ json: String, finish: String = "null") -> StandInResponse.Piece {
        event(#"{"choices":[{"index":0,"delta":\#(json),"finish_reason":\#(finish)}]}"#)
    }

    /// What the client gets of a stream that breaks as `first` does, with `second` as the fallback.
    private func stream(
        _ first: StandInResponse, then second: StandInResponse, policy: JSONObject = GatewayUnderTest.usualPolicy,
        path: String = "/v1/chat/completions", request: JSONValue = streamRequest
    ) async throws -> (answer: RawAnswer, asked: Int, log: JSONValue) {
        let primary = try await StandInServer.start { _ in first }
        let backup = try await StandInServer.start { _ in second }
        var result: (RawAnswer, Int, JSONValue)?
        try await withGateway(Scripted.config(primary, backup, settings: "num_retries: 0"), policy: policy) { gateway in
            let answer = try await gateway.client.post(request, to: path)
            let line = try #require(try await gateway.logLines(1).first)
            result = (answer, backup.requests.count, line)
        }
        await primary.stop()
        await backup.stop()
        return try #require(result)
    }

    private func expectBroken(_ answer: RawAnswer) {
        #expect(answer.streamError != nil)
        #expect(answer.events.filter { $0.contains("\"error\"") }.count == 1)
        #expect(!answer.text.contains("[DONE]"))
        #expect(answer.isWhole, "the framing ends as it should")
    }

    @Test(arguments: [
        ["hello world"], ["h", "e", "l", "l", "o", " ", "w", "orld"], ["hello", " world"], ["hell", "o wor", "ld"],
        ["", "hello wor", "", "ld"],
    ])
    func `pieces need not be the same`(pieces: [String]) async throws {
        let (answer, asked, log) = try await stream(
            Self.cut([Self.delta(#"{"role":"assistant","content":""}"#)] + Scripted.pieces(["hel", "lo"])),
            then: Scripted.events(pieces))
        #expect(answer.streamedText == "hello world")
        #expect(answer.events.last == "[DONE]")
        #expect(answer.events.filter { $0.contains("\"role\"") }.count == 1)
        #expect(answer.text.contains("\"total_tokens\":10"))
        #expect(asked == 1)
        #expect(log["attempts"] == 2)
        #expect(log["output_tokens"] == 3)
        #expect(log["upstream_model"] == "second")
    }

    @Test func `texts are compared, not their spelling`() async throws {
        let (answer, _, _) = try await stream(
            Self.cut([Self.delta(#"{"content":"caf\u00e9 \ud83d\ude00 \"a\u005cb\" "}"#)]),
            then: Scripted.events(["café 😀 \"a\\", "b\" and on"]))
        #expect(answer.streamedText == "café 😀 \"a\\b\" and on")
        #expect(answer.events.last == "[DONE]")
    }

    @Test(arguments: [
        ["other"], ["hello", "World"], ["hell"], ["hello\u{0301} wor"], [], ["hello w"],
    ])
    func `another text, or a shorter one, is no continuation`(pieces: [String]) async throws {
        let (answer, asked, log) = try await stream(
            Self.cut(Scripted.pieces(["hello", " wo"])), then: Scripted.events(pieces))
        #expect(answer.streamedText == "hello wo")
        #expect(asked == 1)
        #expect(log["error"] != nil)
        expectBroken(answer)
    }

    @Test(arguments: [
        #"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{"}}]}"#,
        #"{"reasoning_content":"hm"}"#,
    ])
    func `what is not text is not repeated`(delta: String) async throws {
        let (answer, asked, _) = try await stream(
            Self.cut([Self.delta(#"{"content":"a"}"#), Self.delta(delta)]), then: Scripted.events(["a", "b"]))
        #expect(asked == 0)
        expectBroken(answer)
    }

    @Test func `several answers at once are not repeated`() async throws {
        let second = Self.event(#"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}"#)
        let (answer, asked, _) = try await stream(
            Self.cut([Self.delta(#"{"content":"a"}"#), second]), then: Scripted.events(["a", "b"]))
        #expect(asked == 0)
        expectBroken(answer)
    }

    @Test func `who does not want it gets the error at once`() async throws {
        var policy = GatewayUnderTest.usualPolicy
        policy["resume"] = false
        let (answer, asked, _) = try await stream(
            Self.cut(Scripted.pieces(["hello"])), then: Scripted.events(["hello", " world"]), policy: policy)
        #expect(answer.streamedText == "hello")
        #expect(asked == 0)
        expectBroken(answer)
    }

    @Test func `an error in the middle is as good as a cut`() async throws {
        let (answer, _, _) = try await stream(
            .events([
                .init(Scripted.chunk("hello ")), Self.event(#"{"error":{"message":"overloaded","code":529}}"#),
                .init(Scripted.chunk("never seen")), .init(Scripted.done),
            ]), then: Scripted.events(["hello ", "world"]))
        #expect(answer.streamedText == "hello world")
        #expect(!answer.text.contains("overloaded"))
        #expect(answer.events.last == "[DONE]")
    }

    @Test func `a cut behind the last word is no cut`() async throws {
        let (answer, asked, log) = try await stream(
            Self.cut([.init(Scripted.chunk("all")), .init(Scripted.chunk(nil, finish: "stop")), .init(Scripted.usage)]),
            then: Scripted.events(["no"]))
        #expect(answer.streamedText == "all")
        #expect(answer.events.last == "[DONE]")
        #expect(asked == 0)
        #expect(log["output_tokens"] == 3)
        #expect(log["error"] == nil)
    }

    @Test func `a continuation that breaks too is continued by the next`() async throws {
        let servers = [
            try await StandInServer.start { _ in Self.cut(Scripted.pieces(["one "])) },
            try await StandInServer.start { _ in Self.cut(Scripted.pieces(["one ", "two "])) },
            try await StandInServer.start { _ in Scripted.events(["one two", " three"]) },
        ]
        let entries = ["main", "backup", "last"].enumerated().map { index, name in
            "  - {model_name: \(name), litellm_params: {model: openai/\(name), api_base: \"\(servers[index].baseURL)/v1\", api_key: k}}"
        }
        let config =
            "model_list:\n" + entries.joined(separator: "\n")
            + "\nrouter_settings: {num_retries: 0, fallbacks: [{main: [backup, last]}]}\n"
        try await withGateway(config) { gateway in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "one two three")
            #expect(answer.events.last == "[DONE]")
            #expect(answer.isWhole)
            #expect(servers.map(\.requests.count) == [1, 1, 1])
        }
        for server in servers { await server.stop() }
    }

    @Test func `completions are continued as well`() async throws {
        func text(_ text: String) -> StandInResponse.Piece {
            Self.event(#"{"object":"text_completion","choices":[{"index":0,"text":"\#(text)","finish_reason":null}]}"#)
        }
        let end = Self.event(#"{"object":"text_completion","choices":[{"index":0,"text":"","finish_reason":"stop"}]}"#)
        let (answer, _, _) = try await stream(
            Self.cut([text("a b")]), then: .events([text("a "), text("b c"), end, .init(Scripted.done)]),
            path: "/v1/completions", request: ["model": "main", "stream": true, "prompt": "x"])
        let said = answer.events.compactMap {
            (try? JSONParser.parse($0))?["choices"]?.arrayValue?.first?["text"]?.stringValue
        }
        #expect(said.joined() == "a b c")
        #expect(answer.events.last == "[DONE]")
    }

    @Test func `a stream of responses breaks in its own words`() async throws {
        let created = Self.event(#"{"type":"response.created","response":{"id":"r"}}"#)
        let delta = Self.event(#"{"type":"response.output_text.delta","delta":"a"}"#)
        let (answer, _, _) = try await stream(
            Self.cut([created, delta]), then: .events([created, delta]), path: "/v1/responses",
            request: ["model": "main", "stream": true, "input": "x"])
        #expect(answer.events.filter { $0.contains("\"error\"") }.count == 1)
        #expect(!answer.text.contains("response.completed"))
        #expect(!answer.text.contains("[DONE]"))
        #expect(answer.isWhole)
    }

    @Test func `nothing is resumed for a client of HTTP 1.0 in another framing`() async throws {
        let primary = try await StandInServer.start { _ in Self.cut(Scripted.pieces(["from "])) }
        let backup = try await StandInServer.start { _ in Scripted.events(["from ", "backup"]) }
        try await withGateway(Scripted.config(primary, backup, settings: "num_retries: 0")) { gateway in
            let body = JSONWriter.text(of: streamRequest)
            let head = "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            let answer = try await gateway.client.exchange(Array((head + body).utf8))
            #expect(answer.header("transfer-encoding") == nil)
            #expect(answer.streamedText == "from backup")
            #expect(answer.events.last == "[DONE]")
        }
        await primary.stop()
        await backup.stop()
    }
}
