// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import Testing

/// What clients see when deployments fail in every way that is known of them.
@Suite struct FaultWallTests {
    private func wall(
        settings: String = "num_retries: 2", more: String = "", primaryLimits: String = "",
        policy: JSONObject = GatewayUnderTest.usualPolicy, first: @escaping StandInServer.Handler,
        second: @escaping StandInServer.Handler = {
            $0.isStream ? Scripted.events(["from ", "backup"]) : Scripted.chat("from backup")
        },
        _ body: (GatewayUnderTest, StandInServer, StandInServer) async throws -> Void
    ) async throws {
        let primary = try await StandInServer.start(handler: first)
        let backup = try await StandInServer.start(handler: second)
        let config = Scripted.config(primary, backup, settings: settings, more: more, primaryLimits: primaryLimits)
        try await withGateway(config, policy: policy) {
            try await body($0, primary, backup)
        }
        await primary.stop()
        await backup.stop()
    }

    @Test func `a healthy deployment answers with its own bytes`() async throws {
        try await wall { _ in
            Scripted.chat("fine")
        } _: { gateway, primary, _ in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 200)
            #expect(answer.text.contains("\"fine\""))
            #expect(answer.header("x-llm-router-model") == "first")
            #expect(answer.header("x-llm-router-attempts") == "1")
            let sent = try #require(primary.requests.first)
            #expect(sent.target == "/v1/chat/completions")
            #expect(sent.header("authorization") == "Bearer sk-first-secret-key")
            #expect(sent.json?["model"] == "first")
            #expect(sent.json?["messages"] == plainRequest["messages"])
        }
    }

    @Test(arguments: [429, 500, 502, 503])
    func `a deployment that answers with an error is left for another`(status: Int) async throws {
        try await wall { _ in
            Scripted.error(status)
        } _: { gateway, primary, _ in
            for request in [plainRequest, streamRequest] {
                let answer = try await gateway.client.post(request)
                #expect(answer.status == 200)
                #expect(answer.text.contains("backup"))
                #expect(answer.header("x-llm-router-model") == "second")
            }
            #expect(primary.requests.count <= 4)
        }
    }

    @Test func `429 with Retry-After is honoured when nobody else can answer`() async throws {
        let calls = Counter()
        let server = try await StandInServer.start { _ in
            calls.next() == 1 ? Scripted.error(429).adding("Retry-After", "1") : Scripted.chat("later")
        }
        try await withGateway(Scripted.config(server, nil)) { gateway in
            let start = MonotonicTime.now()
            let answer = try await gateway.client.post(plainRequest)
            let elapsed = MonotonicTime.now() - start
            #expect(answer.status == 200)
            #expect(server.requests.count == 2)
            #expect(elapsed >= .milliseconds(990))
        }
        await server.stop()
    }

    @Test func `429 for ever reaches the client with its cause and Retry-After`() async throws {
        let server = try await StandInServer.start { _ in
            Scripted.error(429, message: "quota is gone").adding("Retry-After", "30")
        }
        try await withGateway(Scripted.config(server, nil)) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 429)
            #expect(answer.text.contains("quota is gone"))
            #expect(answer.header("retry-after") == "30")
            #expect(server.requests.count <= 2)
        }
        await server.stop()
    }

    @Test func `one 500 is repeated at the same deployment`() async throws {
        let calls = Counter()
        try await wall { _ in
            calls.next() == 1 ? Scripted.error(500) : Scripted.chat("recovered")
        } _: { gateway, _, backup in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.text.contains("recovered"))
            #expect(answer.header("x-litellm-attempted-retries") == "1")
            #expect(backup.requests.isEmpty)
        }
    }

    @Test(arguments: [StandInResponse.disconnect, .raw([], ending: .reset)])
    func `a connection that ends before the head is left for another`(fault: StandInResponse) async throws {
        try await wall { _ in
            fault
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "from backup")
        }
    }

    @Test(arguments: [plainRequest, streamRequest])
    func `silence fails over at the first time-out and is not called again`(request: JSONValue) async throws {
        try await wall(primaryLimits: ", timeout: 0.3, stream_timeout: 0.3") { _ in
            .hang
        } _: { gateway, primary, _ in
            let answer = try await gateway.client.post(request)
            #expect(answer.status == 200)
            #expect(answer.text.contains("backup"))
            #expect(primary.requests.count == 1)
        }
    }

    @Test func `a first token that comes too late is not waited for`() async throws {
        try await wall(primaryLimits: ", stream_timeout: 0.3") { _ in
            .events([.init(": waiting\n\n"), .init(Scripted.chunk("late"), after: .seconds(9)), .init(Scripted.done)])
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "from backup")
        }
    }

    @Test func `a stream cut in the middle goes on at another deployment that says the same`() async throws {
        try await wall { _ in
            var cut = StandInResponse.events(Scripted.pieces(["from "]))
            cut.ending = .close
            return cut
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "from backup")
            #expect(answer.events.last == "[DONE]")
            #expect(answer.isWhole)
        }
    }

    @Test func `a cut stream that nobody continues ends with one error and no end mark`() async throws {
        try await wall { _ in
            var cut = StandInResponse.events(Scripted.pieces(["something ", "else"]))
            cut.ending = .close
            return cut
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "something else")
            #expect(answer.streamError?["code"] == "stream_interrupted")
            #expect(answer.events.count == 3)
            #expect(!answer.text.contains("[DONE]"))
            #expect(answer.header("connection") == nil)
        }
    }

    @Test func `a stream that stalls is taken over`() async throws {
        // The other one answers in one piece, so that nothing of it can be late for as long.
        var policy = GatewayUnderTest.usualPolicy
        policy["timeouts"] = ["idle": "1s", "first_token": "20s"]
        try await wall(policy: policy) { _ in
            .events([
                .init(Scripted.chunk("fr")), .init(Scripted.chunk("om "), after: .milliseconds(50)),
                .init("", after: .seconds(9)),
            ])
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "from backup")
        }
    }

    @Test func `a malformed event is dropped and the rest arrives`() async throws {
        try await wall { _ in
            .events([
                .init(Scripted.chunk("a")), "data: {\"choices\":[{\"delta\n\n",
                .init(Scripted.chunk("b", finish: "stop")), .init(Scripted.done),
            ])
        } _: { gateway, _, backup in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "ab")
            #expect(answer.events.count == 3)
            #expect(backup.requests.isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func `a missing end mark costs nothing and keeps the usage`(staysOpen: Bool) async throws {
        try await wall { _ in
            var pieces = Scripted.pieces(["all"]) + [.init(Scripted.chunk(nil, finish: "stop")), .init(Scripted.usage)]
            if staysOpen { pieces.append(.init("", after: .seconds(9))) }
            return .events(pieces)
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.streamedText == "all")
            #expect(answer.text.contains("\"completion_tokens\":3"))
            #expect(answer.events.last == "[DONE]")
            #expect(answer.isWhole)
        }
    }

    @Test func `a prompt that does not fit goes to the context-window fallback only`() async throws {
        let more = """
              context_window_fallbacks: [{main: [large]}]
            """
        let large = try await StandInServer.start { _ in Scripted.chat("large enough") }
        let primary = try await StandInServer.start { _ in
            Scripted.error(400, code: "context_length_exceeded", message: "maximum context length is 8")
        }
        let config =
            Scripted.config(primary, nil).replacing(
                "router_settings:",
                with: """
                      - model_name: large
                        litellm_params: {model: openai/large, api_base: "\(large.baseURL)/v1", api_key: sk-large-secret-key}
                    router_settings:
                    """) + more + "\n"
        try await withGateway(config) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.text.contains("large enough"))
            #expect(primary.requests.count == 1)
        }
        await primary.stop()
        await large.stop()
    }

    @Test func `a content-policy refusal reaches the client and nobody else is asked`() async throws {
        try await wall { _ in
            Scripted.error(400, code: "content_policy_violation", message: "refused")
        } _: { gateway, primary, backup in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "content_policy_violation")
            #expect(primary.requests.count == 1)
            #expect(backup.requests.isEmpty)
        }
    }

    @Test(arguments: [
        StandInResponse.bytes([], type: "application/json"), .json(["choices": []]), .json([:]),
        .bytes(Array("<html>hello</html>".utf8), type: "text/html"),
        .bytes(Array("<html>".utf8), type: "application/json"),
        .text("not json"), .json(["error": ["message": "no"]]),
        .bytes(Array("{\"choices\":[{".utf8), type: "application/json"),
    ])
    func `an answer that only looks like one is a failure`(fault: StandInResponse) async throws {
        try await wall { _ in
            fault
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status == 200)
            #expect(answer.text.contains("from backup"))
        }
    }

    @Test(arguments: [
        StandInResponse.events(["data: {\"error\":{\"message\":\"overloaded\",\"code\":529}}\n\n"]),
        .events([.init(Scripted.done)]), .events([]), .bytes(Array("<html>".utf8), type: "text/html"),
        .events(["event: error\ndata: {\"message\":\"no\"}\n\n"]), .events(["data: {broken\n\n"]),
        Scripted.chat("not a stream"),
    ])
    func `a stream that begins badly is a failure before the client sees a head`(fault: StandInResponse) async throws {
        try await wall { _ in
            fault
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(streamRequest)
            #expect(answer.status == 200)
            #expect(answer.header("x-llm-router-model") == "second")
            #expect(answer.streamedText == "from backup")
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "ICY 200 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
    ])
    func `an answer that is no valid HTTP is a failure`(wire: String) async throws {
        try await wall { _ in
            .raw([.init(wire)])
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.text.contains("from backup"))
        }
    }

    @Test func `a dead deployment is asked a few times, then left alone, then found again`() async throws {
        let isDown = Flag(true)
        try await wall(settings: "num_retries: 1") { _ in
            isDown.value ? Scripted.error(503) : Scripted.chat("primary again")
        } _: {
            gateway, primary, _ in
            let start = MonotonicTime.now()
            for _ in 0..<30 {
                let answer = try await gateway.client.post(plainRequest)
                #expect(answer.status == 200)
            }
            // On a slow machine the breaker lets one probe through each time that it was open for long enough.
            let probes = Int((MonotonicTime.now() - start) / .milliseconds(700))
            #expect(primary.requests.count <= 4 + probes)
            isDown.value = false
            let deadline = MonotonicTime.now() + .seconds(5)
            var isBack = false
            while !isBack, MonotonicTime.now() < deadline {
                isBack = try await gateway.client.post(plainRequest).text.contains("primary again")
            }
            #expect(isBack)
        }
    }

    @Test func `the log names who served and what was used`() async throws {
        try await wall { _ in
            Scripted.error(503)
        } _: { gateway, _, _ in
            let answer = try await gateway.client.post(plainRequest, headers: [("X-Request-ID", "mine-1")])
            #expect(answer.header("x-request-id") == "mine-1")
            let line = try #require(try await gateway.logLines(1).first)
            #expect(line["request_id"] == "mine-1")
            #expect(line["upstream_model"] == "second")
            #expect(line["input_tokens"] == 7)
            #expect(line["output_tokens"] == 3)
        }
    }

    @Test func `a client that leaves takes its upstream call with it`() async throws {
        let (stream, feed) = AsyncStream<[UInt8]>.makeStream()
        feed.yield(Array(Scripted.chunk("one").utf8))
        try await wall { _ in
            StandInResponse(headers: [("Content-Type", "text/event-stream")], body: .live(stream), framing: .chunked)
        } _: { gateway, primary, backup in
            let port = gateway.server.port
            try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: streamRequest)))
                #expect(try connection.readUntil("one"))
            }
            // The upstream's next write finds out.
            let deadline = MonotonicTime.now() + .seconds(20)
            while primary.openConnections > 0, MonotonicTime.now() < deadline {
                feed.yield(Array(": ping\n\n".utf8))
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(primary.openConnections == 0)
            #expect(backup.requests.isEmpty)
        }
    }

    @Test func `a request is not tried for a client that has left`() async throws {
        try await wall { _ in
            .hang
        } _: { gateway, primary, backup in
            let port = gateway.server.port
            try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                try connection.send(
                    RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: plainRequest)))
                #expect(waits { !primary.requests.isEmpty })
                // The connection is closed here.
            }
            #expect(try await gateway.logLines(1).first?["status"] == 499)
            #expect(backup.requests.isEmpty)
        }
    }
}
