// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// `route explain`, `route simulate` and `trace` with the built commands.
@Suite struct RouteCommandTests {
    private static let base = """
          model_list:
            - model_name: small
              litellm_params: {model: "mock/echo?delay_ms=2", api_key: os.environ/KEY_THAT_NOBODY_SETS}
              model_info: {id: small-1, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
            - model_name: large
              litellm_params: {model: "mock/echo?delay_ms=10", api_key: none, weight: 3}
              model_info: {id: large-1, input_cost_per_token: 0.00001, output_cost_per_token: 0.00002}
            - model_name: large
              litellm_params: {model: mock/error-503, api_key: none, weight: 1}
              model_info: {id: large-2}
            - model_name: pair
              litellm_params: {model: mock/error-503, api_key: none, order: 1}
              model_info: {id: pair-bad}
            - model_name: pair
              litellm_params: {model: "mock/echo?delay_ms=10", api_key: none, order: 2}
              model_info: {id: pair-good, input_cost_per_token: 0.00001, output_cost_per_token: 0.00002}
        """

    private static func gateway(port: Int) -> String {
        """
        gateway:
          port: \(port)
          virtual_models:
            chat-auto: {mode: vibe, simple: small, complex: large}
            words-auto: {simple: small, complex: large}
          traces: {dir: ../.router/traces, keep: 1000}
        """
    }

    private static func stack(port: Int = 4000) throws -> StackFixture {
        try StackFixture(
            services: """
                  gateway:
                    command: {cwd: .., args: [llm-router, gateway, serve, --config, .router/runtime/litellm.active.yaml]}
                    readiness: {http: {path: /health/readiness}, period: 100ms}
                    port: \(port)
                """, base: base, extra: gateway(port: port))
    }

    @Test func `an explanation has the score, its parts and every candidate's numbers`() throws {
        let stack = try Self.stack()
        let simple = try stack.run("route", "explain", "--model", "chat-auto", "--message", "hi")
        #expect(simple.code == 0, "\(simple)")
        #expect(
            simple.lines.prefix(8) == [
                "profile=reliability", "requested_model=chat-auto", "virtual_model=chat-auto", "mode=vibe",
                "complexity_score=-98",
                "score_parts=length:2,simple_words:1,complex_words:0,code:0,sentences:0,history:0", "threshold=50",
                "routing_reason=simple_task",
            ])
        #expect(simple.lines.contains("deployment=small-1"))
        #expect(simple.errors.contains("KEY_THAT_NOBODY_SETS"), "an unset variable is told, and nothing fails")

        let complex = try stack.json(
            "route", "explain", "--model", "chat-auto", "--message", "Implement a distributed cache")
        #expect(complex["schema"] == 1 && complex["model"] == "large" && complex["complexity_score"] == 329)
        #expect(complex["routing_reason"] == "complex_task")
        let candidates = try #require(complex["candidates"]?.arrayValue)
        #expect(candidates.map { $0["deployment"]?.stringValue } == ["large-1", "large-2"])
        #expect(candidates.map { $0["share"]?.doubleValue } == [0.75, 0.25])
    }

    @Test func `a request file is explained as the gateway reads it`() throws {
        let stack = try Self.stack()
        try stack.scratch.write(
            "request.json",
            #"{"model":"chat-auto","max_tokens":10,"messages":[{"role":"user","content":null}],"stream":true}"#)
        let explained = try stack.json("route", "explain", "--file", "request.json", "--profile", "cost")
        #expect(explained["profile"] == "cost")
        // `null` is scored as Python prints it: "none" has four letters and no word of the lists.
        #expect(explained["complexity_score"] == 4)
        #expect(explained["candidates"]?.arrayValue?.first?["estimated_cost"] == "0.000044")
        let words = try stack.json("route", "explain", "--model", "words-auto", "--message", "What time is it?")
        #expect(words["mode"] == "words" && words["model"] == "small")
    }

    @Test func `a request that names no model is explained as a ranking of all`() throws {
        let stack = try Self.stack()
        let body = #"{"prompt": "say it in 8", "preferences": {"priority": "cost", "max_cost_per_request": 0.00001}}"#
        try stack.scratch.write("prompt.json", body)
        let explained = try stack.json("route", "explain", "--file", "prompt.json")
        #expect(explained["requested_model"] == "" && explained["strategy"] == "ranked-by-cost")
        #expect(explained["task_class"] == "analysis" && explained["estimated_input_tokens"] == 3)
        let candidates = try #require(explained["candidates"]?.arrayValue)
        let unavailable = candidates.filter { $0["unavailable"] != .null }.compactMap { $0["deployment"]?.stringValue }
        #expect(unavailable.prefix(2) == ["large-1", "pair-good"], "3 tokens cost too much")
        #expect(candidates.count > unavailable.count)
        #expect(explained["deployment"] == "large-2", "free, and the first in the file")
        try stack.scratch.write("wrong.json", #"{"prompt": "x", "preferences": {"priority": "best"}}"#)
        let wrong = try stack.run("route", "explain", "--file", "wrong.json")
        #expect(wrong.code == 2 && wrong.errors.contains("wrong at `body.preferences.priority`"), "\(wrong)")
    }

    @Test(arguments: [
        (["--model", "chat-auo"], Int32(1), "did you mean `chat-auto`?"),
        (["--message", "hi"], 2, "--model is needed"),
        (["--model", "small", "--message", "x", "--file", "y"], 2, "exclude each other"),
        (["--model", "small", "--profile", "nope"], 2, "reliability"),
        (["--file", "absent.json"], 1, "absent.json"),
        (["--file", "config/routertool.yaml"], 2, "is no JSON"),
    ])
    func `what cannot be explained is an error that helps`(arguments: [String], code: Int32, words: String) throws {
        let stack = try Self.stack()
        defer { #expect(FileSystem.exists(stack.path), "the folder outlives the command") }
        let result = try stack.program(["route", "explain"] + arguments).run()
        #expect(result.code == code && result.errors.contains(words) && result.output.isEmpty, "\(result)")
    }

    @Test func `the log of a real gateway replays against two profiles, and its attempts have traces`() throws {
        let port = try FreePort.find()
        let stack = try Self.stack(port: port)
        #expect(try stack.run("profile", "set", "balanced").code == 0)
        let start = try stack.run(
            "service", "start", "gateway", "--wait", "--timeout", "30", environment: ["KEY_THAT_NOBODY_SETS": "x"])
        try #require(start.code == 0, "\(start)")
        for index in 0..<20 {
            let model = index % 2 == 0 ? "pair" : "chat-auto"
            let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"hello"}]}"#
            let answer = try Program(
                "/usr/bin/curl",
                ["-sS", "--fail", "-H", "content-type: application/json", "-d", body, Self.url(port)]
            ).run()
            #expect(answer.code == 0, "\(answer)")
        }
        #expect(try stack.run("service", "stop", "gateway").code == 0)

        let log = ".router/runtime/process-logs/gateway.log"
        let text = try stack.scratch.read(log)
        #expect(text.contains("ROUTING DECISION: chat-auto -> small (score -95, threshold 50, SIMPLE)"))
        let replay = try stack.json("route", "simulate", log, "--profile", "balanced", "--profile", "cost")
        #expect(replay["log"]?["requests"] == 20 && replay["log"]?["failures"] == 0)
        #expect(replay["log"]?["answers"]?["small-1"] == 10 && replay["log"]?["answers"]?["pair-good"] == 10)
        let profiles = try #require(replay["profiles"]?.arrayValue)
        #expect(profiles.map { $0["profile"]?.stringValue } == ["balanced", "cost"])
        for profile in profiles {
            // The same deployments answer in the end, so the costs are the log's to the last digit.
            #expect(profile["requests"] == 20 && profile["failures"] == 0)
            #expect(profile["cost"] == replay["log"]?["cost"])
        }
        let again = try stack.run("route", "simulate", log, "--profile", "balanced", "--profile", "cost")
        #expect(again.lines.map { $0.prefix { $0 != " " } } == ["log", "profile=balanced", "profile=cost"])
        try expectTraces(stack, text)
    }

    private func expectTraces(_ stack: StackFixture, _ log: String) throws {
        let traces = try stack.json("trace", "--last", "100")["traces"]?.arrayValue ?? []
        let attempts = log.split(separator: "\n").compactMap { try? JSONParser.parse(String($0)) }
            .reduce(0) { $0 + ($1["attempts"]?.integerValue ?? 0) }
        #expect(traces.count == attempts && attempts >= 20)
        let first = try #require(traces.first?.objectValue)
        #expect(
            first.names == [
                "request_id", "role", "provider", "model", "started_at", "attempt", "work_package_id", "workspace",
                "elapsed_ms", "failure_type", "error", "usage", "route", "score", "status", "ttft_ms", "cost",
            ])
        let id = try #require(first["request_id"]?.stringValue)
        let one = try stack.run("trace", "--request", String(id.prefix(8)))
        #expect(one.code == 0 && one.lines.allSatisfy { $0.hasPrefix(id.prefix(8)) } && one.lines.count <= 2, "\(one)")
    }

    @Test func `a log without requests and no log at all are told apart`() throws {
        let stack = try Self.stack()
        try stack.scratch.write("empty.log", "llm-router-gateway: listening\n{\"half\":\n")
        let empty = try stack.run("route", "simulate", "empty.log", "--profile", "cost")
        #expect(empty.code == 1 && empty.errors.contains("no request that was routed"), "\(empty)")
        #expect(empty.errors.contains("lines that are no requests: 2"))
        #expect(try stack.run("route", "simulate", "absent.log").code == 1)
    }

    @Test func `following begins with the last ones and goes on with new ones alone`() throws {
        let stack = try Self.stack()
        let trace = { (number: Int) in
            """
            {"request_id":"0000000\(number)-aaaa","role":"r","provider":"p","model":"m","attempt":0,"error":null,
             "started_at":"2026-01-01T00:00:00.000000+00:00","elapsed_ms":1}
            """
        }
        for number in 1...5 { try stack.scratch.write("traces/20260101/\(number)-0-p.json", trace(number)) }
        let following = try stack.program(["trace", "--dir", "traces", "--last", "1", "--follow"]).start()
        #expect(waitUntil(.seconds(20)) { following.output.contains("\n") ? true : nil } == true)
        try stack.scratch.write("traces/20260101/9-0-p.json", trace(9))
        #expect(waitUntil(.seconds(20)) { following.output.contains("00000009") ? true : nil } == true)
        #expect(following.output.split(separator: "\n").count == 2, "\(following.output)")
    }

    private static func url(_ port: Int) -> String { "http://127.0.0.1:\(port)/v1/chat/completions" }
}
