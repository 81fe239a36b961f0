// SPDX-License-Identifier: MIT

import GatewayConfig
import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

@Suite struct LifecycleTests {
    private static func config(_ text: String) -> String {
        "model_list:\n  - {model_name: main, litellm_params: {model: \"mock/echo?text=\(text)&chunks=40&chunk_delay_ms=5\"}}\n"
    }

    @Test func `reloads under load fail no request and cut no stream`() async throws {
        // The usual time limits: those of the other tests are short, and a busy machine has nothing to do with this.
        try await withGateway(Self.config("first"), policy: [:]) { gateway in
            let isOver = Flag(false)
            let failures = Words()
            let answered = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<16 {
                    group.addTask {
                        while !isOver.value {
                            let answer = try await gateway.client.post(index % 2 == 0 ? streamRequest : plainRequest)
                            let isWhole = index % 2 == 0 ? answer.events.last == "[DONE]" : answer.isWhole
                            if answer.status == 200, isWhole {
                                _ = answered.next()
                            } else {
                                failures.add("\(answer.status) \(answer.text.suffix(200))")
                            }
                        }
                    }
                }
                group.addTask {
                    for number in 0..<100 {
                        try gateway.reload(Self.config("generation\(number)"), policy: [:])
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    isOver.value = true
                }
                try await group.waitForAll()
            }
            #expect(failures.all == [])
            #expect(answered.value > 32)
            #expect(gateway.server.generation == 101)
            let answer1 = try await gateway.client.post(plainRequest)
            #expect(answer1.text.contains("generation99"))
        }
    }

    @Test func `a bad file changes nothing`() async throws {
        try await withGateway(Self.config("good")) { gateway in
            #expect(throws: (any Error).self) { try gateway.reload("model_list: [") }
            #expect(throws: (any Error).self) {
                try gateway.reload("model_list:\n  - {model_name: x, litellm_params: {model: bedrock/y}}\n")
            }
            let answer2 = try await gateway.client.post(plainRequest)
            #expect(answer2.text.contains("good"))
        }
    }

    @Test func `a drain finishes what runs and refuses what comes`() async throws {
        let gateway = try await GatewayUnderTest(Self.config("drained"))
        let port = gateway.server.port
        async let stream = gateway.client.post(streamRequest)
        let idle = try await RawClient.onThread {
            let connection = try RawConnection(port: port)
            try connection.send("GET /health/readiness HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            _ = try connection.receive()
            return connection
        }
        let isDone = try await gateway.stop()
        let answer = try await stream
        #expect(isDone)
        #expect(answer.events.last == "[DONE]")
        #expect(answer.isWhole)
        #expect(idle.isClosedByPeer())
        // The socket stays open for a successor; nobody accepts from it.
        await #expect(throws: (any Error).self) {
            try await RawClient.onThread {
                try RawConnection(port: port, seconds: 1).ask(
                    "GET /health/readiness HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            }
        }
    }

    @Test func `a drain does not wait for ever`() async throws {
        let config = "model_list:\n  - {model_name: main, litellm_params: {model: mock/silent}}\n"
        var policy = GatewayUnderTest.usualPolicy
        policy["timeouts"] = ["first_token": "60s"]
        let gateway = try await GatewayUnderTest(config, policy: policy)
        let port = gateway.server.port
        let connection = try await RawClient.onThread {
            let connection = try RawConnection(port: port)
            try connection.send(RawClient.request("POST", "/v1/chat/completions", JSONWriter.text(of: plainRequest)))
            // The answer to a later request says that the gateway has read the one before.
            _ = try RawConnection(port: port).ask("GET /health/readiness HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return connection
        }
        let start = MonotonicTime.now()
        let isDone = try await gateway.stop(within: .milliseconds(200))
        #expect(!isDone)
        #expect(MonotonicTime.now() - start < .seconds(30))
        #expect(connection.isClosedByPeer())
    }

    @Test func `what was spent survives the process and the cap holds`() async throws {
        let config = """
            model_list:
              - {model_name: main, litellm_params: {model: mock/echo, input_cost_per_token: 0.001, output_cost_per_token: 0.001}, model_info: {max_output_tokens: 10}}

            """
        var policy = GatewayUnderTest.usualPolicy
        policy["budgets"] = ["users": ["default": "0.08", "window": "1h"], "store": "spent.sqlite"]
        let request: JSONValue = [
            "model": "main", "user": "ann", "max_tokens": 10, "messages": [["role": "user", "content": "hi"]],
        ]
        let first = try await GatewayUnderTest(config, policy: policy)
        var answered = 0
        while try await first.client.post(request).status == 200 { answered += 1 }
        #expect(answered > 0)
        let refusal = try await first.client.post(request)
        #expect(refusal.status == 402)
        #expect(refusal.text.contains("resets at"))
        let database = try FileSystem.read(first.folder.path("spent.sqlite"), limit: 1 << 20)
        #expect(!database.isEmpty)
        let settings = try SettingsReader { _ in nil }.read(first.folder.path("litellm.yaml"))
        var options = ServerOptions()
        options.port = 0
        options.loops = 1
        let second = try GatewayServer(settings, options: options)
        let answer3 = try await RawClient(port: second.port).post(request)
        #expect(answer3.status == 402)
        _ = try await RawClient.onThread { second.drain(within: .seconds(1)) }
        try await first.stop()
    }
}
