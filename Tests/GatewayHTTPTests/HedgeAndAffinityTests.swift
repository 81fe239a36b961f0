// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// Two deployments of one group, at servers of their own.
private func pair(_ first: StandInServer, _ second: StandInServer) -> String {
    """
    model_list:
      - {model_name: main, litellm_params: {model: openai/first, api_base: "\(first.baseURL)/v1", api_key: none, order: 1}}
      - {model_name: main, litellm_params: {model: openai/second, api_base: "\(second.baseURL)/v1", api_key: none, order: 2}}
    router_settings: {num_retries: 0}

    """
}

@Suite struct HedgeTests {
    private static func policy(extra: String) -> JSONObject {
        ["hedge": ["after": "50ms", "extra": .string(extra)], "timeouts": ["first_token": "20s", "answer": "20s"]]
    }

    @Test(arguments: [false, true])
    func `a slow call is overtaken by a second one and taken back`(isStream: Bool) async throws {
        let slow = try await StandInServer.start { _ in .hang }
        let quick = try await StandInServer.start {
            $0.isStream ? Scripted.events(["quick"]) : Scripted.chat("quick")
        }
        try await withGateway(pair(slow, quick), policy: Self.policy(extra: "100%")) { gateway in
            let start = MonotonicTime.now()
            let answer = try await gateway.client.post(isStream ? streamRequest : plainRequest)
            #expect(answer.status == 200)
            #expect(answer.text.contains("quick"))
            #expect(answer.header("x-llm-router-model") == "second")
            #expect(answer.header("x-llm-router-attempts") == "2")
            #expect(MonotonicTime.now() - start < .seconds(5))
            #expect(slow.requests.count == 1)
            #expect(waits { slow.openConnections == 0 }, "the call that lost goes on")
        }
        await slow.stop()
        await quick.stop()
    }

    @Test func `a quick call is never doubled`() async throws {
        let first = try await StandInServer.start { _ in Scripted.chat("first") }
        let second = try await StandInServer.start { _ in Scripted.chat("second") }
        var policy = Self.policy(extra: "100%")
        policy["hedge"] = ["after": "10s", "extra": "100%"]
        try await withGateway(pair(first, second), policy: policy) { gateway in
            for _ in 0..<20 {
                let answer = try await gateway.client.post(plainRequest)
                #expect(answer.text.contains("first"))
            }
            #expect(second.requests.isEmpty)
        }
        await first.stop()
        await second.stop()
    }

    @Test func `second calls stay below a twentieth of the requests`() async throws {
        let slow = try await StandInServer.start { _ in
            var answer = Scripted.chat("slow")
            answer.delay = .milliseconds(150)
            return answer
        }
        let quick = try await StandInServer.start { _ in Scripted.chat("quick") }
        try await withGateway(pair(slow, quick), policy: Self.policy(extra: "5%")) { gateway in
            let count = 120
            try await withThrowingTaskGroup(of: RawAnswer.self) { group in
                for _ in 0..<count { group.addTask { try await gateway.client.post(plainRequest) } }
                for try await answer in group { #expect(answer.status == 200) }
            }
            #expect(slow.requests.count == count)
            #expect((1...(count / 20)).contains(quick.requests.count), "\(quick.requests.count) second calls")
        }
        await slow.stop()
        await quick.stop()
    }
}

@Suite struct AffinityTests {
    @Test func `a session stays at its deployment, and moves when that is gone`() async throws {
        let servers = [
            try await StandInServer.start { _ in Scripted.chat("at first") },
            try await StandInServer.start { _ in Scripted.chat("at second") },
        ]
        let config = """
            model_list:
              - {model_name: main, litellm_params: {model: openai/first, api_base: "\(servers[0].baseURL)/v1", api_key: none}}
              - {model_name: main, litellm_params: {model: openai/second, api_base: "\(servers[1].baseURL)/v1", api_key: none}}
            router_settings: {num_retries: 0}

            """
        // Nobody may look slow here: a session leaves a deployment that failed.
        let policy: JSONObject = ["affinity": ["header": "x-conversation"]]
        try await withGateway(config, policy: policy) { gateway in
            var homes: [Int: String] = [:]
            for session in 0..<16 {
                for _ in 0..<4 {
                    let answer = try await gateway.client.post(
                        plainRequest, headers: [("X-Conversation", "\(session)")])
                    let model = try #require(answer.header("x-llm-router-model"))
                    #expect(homes[session, default: model] == model)
                    homes[session] = model
                }
            }
            // Sixteen sessions at one of two places would be an accident of one in thirty thousand.
            #expect(Set(homes.values).count == 2)
            let moved = try #require(homes.first { $0.value == "first" }?.key)
            await servers[0].stop()
            let answer = try await gateway.client.post(plainRequest, headers: [("X-Conversation", "\(moved)")])
            #expect(answer.text.contains("at second"))
        }
        await servers[1].stop()
    }
}
