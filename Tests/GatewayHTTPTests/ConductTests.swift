// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// What the fault wall does not show: fallbacks of their own kind, outages, and what can be traced afterwards.
@Suite struct ConductTests {
    @Test(arguments: [plainRequest, streamRequest])
    func `a refusal by content policy goes where the configuration says`(request: JSONValue) async throws {
        let primary = try await StandInServer.start { _ in
            Scripted.error(400, code: "content_policy_violation", message: "refused")
        }
        let backup = try await StandInServer.start {
            $0.isStream ? Scripted.events(["allowed"]) : Scripted.chat("allowed")
        }
        let config = Scripted.config(primary, backup, more: "  content_policy_fallbacks: [{main: [backup]}]\n")
        try await withGateway(config) { gateway in
            let answer = try await gateway.client.post(request)
            #expect(answer.status == 200)
            #expect(answer.text.contains("allowed"))
            #expect(primary.requests.count == 1)
        }
        await primary.stop()
        await backup.stop()
    }

    @Test func `a prompt that does not fit is not sent to the same model again, streamed or not`() async throws {
        let primary = try await StandInServer.start { _ in
            Scripted.error(400, code: "context_length_exceeded", message: "maximum context length is 8")
        }
        try await withGateway(Scripted.config(primary, nil, settings: "num_retries: 3")) { gateway in
            for request in [plainRequest, streamRequest] {
                let answer = try await gateway.client.post(request)
                #expect(answer.status == 400)
                #expect(answer.errorCode == "context_length_exceeded")
            }
            #expect(primary.requests.count == 2)
        }
        await primary.stop()
    }

    @Test func `an outage costs the first requests a call and the others nothing`() async throws {
        let primary = try await StandInServer.start { _ in Scripted.error(503) }
        let backup = try await StandInServer.start { _ in Scripted.chat("from backup") }
        var policy = GatewayUnderTest.usualPolicy
        policy["breaker"] = ["failures": 3, "open": "600s", "probes": 1]
        try await withGateway(Scripted.config(primary, backup, settings: "num_retries: 0"), policy: policy) { gateway in
            var attempts: [String] = []
            for _ in 0..<50 {
                let answer = try await gateway.client.post(plainRequest)
                #expect(answer.status == 200)
                attempts.append(answer.header("x-llm-router-attempts") ?? "")
            }
            #expect(primary.requests.count == 3)
            #expect(attempts == Array(repeating: "2", count: 3) + Array(repeating: "1", count: 47))
        }
        await primary.stop()
        await backup.stop()
    }

    @Test func `a provider that comes and goes loses no request`() async throws {
        let turn = Counter()
        // Ten good ones, ten bad ones, as it is asked.
        let flapping = try await StandInServer.start { _ in
            turn.next() / 10 % 2 == 0 ? Scripted.chat("flapping") : Scripted.error(503)
        }
        let backup = try await StandInServer.start { _ in Scripted.chat("from backup") }
        var policy = GatewayUnderTest.usualPolicy
        policy["breaker"] = ["failures": 3, "open": "50ms", "probes": 1]
        try await withGateway(Scripted.config(flapping, backup, settings: "num_retries: 1"), policy: policy) {
            gateway in
            let start = MonotonicTime.now()
            var served = Set<String>()
            var asked = 0
            while asked < 200 || served.count < 2 && MonotonicTime.now() - start < .seconds(20) {
                let answer = try await gateway.client.post(plainRequest)
                #expect(answer.status == 200)
                served.insert(answer.header("x-llm-router-model") ?? "")
                #expect((Int(answer.header("x-llm-router-attempts") ?? "") ?? 9) <= 3)
                asked += 1
            }
            #expect(served == ["first", "second"])
        }
        await flapping.stop()
        await backup.stop()
    }

    @Test(arguments: [("mine-0.1:a_B", true), ("../../etc/passwd", false), ("two words", false), (nil, false)])
    func `one id names a request everywhere`(id: String?, isKept: Bool) async throws {
        let primary = try await StandInServer.start { _ in Scripted.error(503) }
        let backup = try await StandInServer.start { _ in Scripted.chat("x") }
        var policy = GatewayUnderTest.usualPolicy
        policy["traces"] = ["dir": "traces", "keep": 10]
        try await withGateway(Scripted.config(primary, backup, settings: "num_retries: 0"), policy: policy) { gateway in
            let answer = try await gateway.client.post(plainRequest, headers: id.map { [("X-Request-ID", $0)] } ?? [])
            let known = try #require(answer.header("x-request-id"))
            #expect((known == id) == isKept)
            #expect(answer.header("x-llm-router-request-id") == known)
            #expect(primary.requests.first?.header("x-request-id") == known)
            #expect(backup.requests.first?.header("x-request-id") == known)
            #expect(try await gateway.logLines(1).first?["request_id"]?.stringValue == known)
            let folder = gateway.folder.path("traces")
            func names() -> [String] {
                ((try? FileSystem.list(folder)) ?? []).flatMap { (try? FileSystem.list(folder + "/" + $0)) ?? [] }
            }
            #expect(waits { names().count == 2 })
            #expect(names().allSatisfy { $0.hasPrefix(known) })
            let failed = try await gateway.client.post(["model": "absent"], headers: [("X-Request-ID", "failed-1")])
            #expect(failed.header("x-request-id") == "failed-1")
        }
        await primary.stop()
        await backup.stop()
    }

    @Test func `metrics have OpenTelemetry's names, and labels that no client chooses`() async throws {
        let upstream = try await StandInServer.start {
            $0.isStream ? Scripted.events(["a"]) : Scripted.chat("b")
        }
        let config = """
            model_list:
              - {model_name: "*", litellm_params: {model: "openai/*", api_base: "\(upstream.baseURL)/v1", api_key: k, output_cost_per_token: 0.001}}

            """
        try await withGateway(config) { gateway in
            for number in 0..<20 {
                let name = JSONValue.string("evil\"name\n\(number)")
                let request: JSONValue = ["model": name, "stream": .bool(number % 2 == 0), "messages": []]
                #expect(try await gateway.client.post(request).status == 200)
            }
            let text = try await gateway.client.get("/metrics").text
            for name in [
                "gen_ai_server_request_duration_seconds_count", "gen_ai_server_time_to_first_token_seconds_count",
                "gen_ai_server_time_per_output_token_seconds_count", "gen_ai_client_token_usage_total",
                "llm_router_requests_total", "llm_router_upstream_attempts_total", "llm_router_cost_dollars_total",
                "llm_router_breaker_state", "llm_router_upstream_connections", "llm_router_requests_waiting",
            ] {
                #expect(text.contains("\n\(name)"), "\(name)")
            }
            #expect(!text.contains("evil"))
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(lines.allSatisfy { $0.split(separator: " ").last.flatMap { Double($0) } != nil })
            #expect(lines.filter { $0.hasPrefix("llm_router_requests_total") }.count == 1)
        }
        await upstream.stop()
    }
}

/// What a front makes of a file that names nobody.
@Suite struct FrontTargetTests {
    @Test func `a broken target is nobody, whatever it is, and a whole one is found again`() async throws {
        let upstream = try await StandInServer.start { _ in Scripted.chat("behind") }
        let port = upstream.port
        let scratch = try ScratchFolder()
        let path = scratch.path("target.json")
        try scratch.write("target.json", "{\"port\": \(port)}")
        let front = try await RawClient.onThread {
            var options = FrontServer.Options(target: path)
            options.port = 0
            options.patience = .milliseconds(1)
            return try FrontServer(options)
        }
        let own = front.port
        let client = RawClient(port: own)
        #expect(try await client.post(plainRequest).text.contains("behind"))
        func replace(_ make: (String) throws -> Void) throws {
            _ = try Program("/usr/bin/rm", ["-rf", path]).run()
            try make(path)
        }
        let broken: [(String, (String) throws -> Void)] = [
            ("fifo", { _ = try Program("/usr/bin/mkfifo", [$0]).run() }),
            ("folder", { try PrivateDirectory.create($0) }),
            ("device", { _ = try Program("/usr/bin/ln", ["-s", "/dev/zero", $0]).run() }),
            ("itself", { _ = try Program("/usr/bin/ln", ["-s", $0, $0]).run() }),
            ("huge", { _ = try Program("/usr/bin/truncate", ["-s", "20G", $0]).run() }),
            ("torn", { _ in try scratch.write("target.json", "{\"port\": ") }),
            ("no port", { _ in try scratch.write("target.json", "{\"port\": 70000}") }),
            ("deep", { _ in try scratch.write("target.json", String(repeating: "[", count: 4000)) }),
            ("the front", { _ in try scratch.write("target.json", "{\"port\": \(own)}") }),
        ]
        for (name, make) in broken {
            try replace(make)
            let answer = try await client.post(plainRequest)
            #expect(answer.status == 503, "\(name)")
            #expect(answer.header("retry-after") == "1", "\(name)")
        }
        try replace { _ in try scratch.write("target.json", "{\"port\": \(port), \"host\": \"127.0.0.1\"}") }
        #expect(try await client.post(plainRequest).text.contains("behind"))
        _ = try await RawClient.onThread { front.drain(within: .seconds(5)) }
        await upstream.stop()
    }
}
