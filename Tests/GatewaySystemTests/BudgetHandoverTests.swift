// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A cap of a dollar while one gateway takes over from another.
@Suite struct BudgetHandoverTests {
    /// An answer of 35 tokens, each a cent; a call reserves what `max_tokens` may cost.
    private static let config = """
        model_list:
          - model_name: slow
            litellm_params: {model: "mock/slow?delay_ms=2500&text=\(String(repeating: "x", count: 140))"}
            model_info: {id: slow, input_cost_per_token: 0, output_cost_per_token: 0.01}
          - model_name: quick
            litellm_params: {model: "mock/echo?text=\(String(repeating: "x", count: 80))"}
            model_info: {id: quick, input_cost_per_token: 0, output_cost_per_token: 0.01}

        """

    @Test func `the successor counts what its predecessor's last calls may cost and then what they did`() throws {
        let folder = try ScratchFolder()
        try folder.write("litellm.yaml", Self.config)
        let budgets: JSONValue = ["users": ["default": "1.00"], "store": .string(folder.path("budgets.sqlite"))]
        let policy: JSONValue = [
            "schema": 1, "base_directory": .string(folder.path), "gateway": ["budgets": budgets],
        ]
        try folder.write("litellm.gateway.json", JSONWriter.text(of: policy))
        let port = try FreePort.find()
        let gateway = try Program.built(
            "llm-router-gateway", ["serve", "--config", folder.path("litellm.yaml"), "--port", "\(port)"]
        ).start()
        try #require(becomesTrue { gateway.errors.contains("listening on") })

        let calls = try (0..<2).map { _ in try Self.call("slow", tokens: 40, port: port).start() }
        try #require(becomesTrue { try Self.call("quick", tokens: 40, port: port).run().output.contains("402") })
        gateway.signal(SIGUSR2)
        try #require(becomesTrue { gateway.errors.ranges(of: "listening on").count == 2 })
        let words = gateway.errors.split { " \n".contains($0) }
        let place = try #require(words.firstIndex(of: "successor"))
        let successor = try #require(Int32(words[place + 1]))
        defer { kill(successor, SIGKILL) }
        try #require(becomesTrue { gateway.errors.contains("draining") })

        // 80 cents are held by two calls that still run in the old process: 20 more go, 21 do not.
        #expect(gateway.isRunning)
        let refused = try Self.call("quick", tokens: 21, port: port).run().output
        #expect(refused.contains("402") && refused.contains("0.20 of 1.00 dollars left"), "\(refused)")
        for call in calls { #expect(try call.finish().output.contains("200")) }
        #expect(try gateway.finish(limit: .seconds(20)).code == 0)

        // They cost 70 cents: 30 are left, of which this call takes 20.
        let answer = waitUntil(.seconds(10)) {
            try? Self.call("quick", tokens: 30, port: port).run().output.contains("200") ? true : nil
        }
        #expect(answer == true)
        let last = try Self.call("quick", tokens: 11, port: port).run().output
        #expect(last.contains("402") && last.contains("0.10 of 1.00 dollars left"), "\(last)")
        kill(successor, SIGTERM)
        #expect(becomesTrue { ProcessIdentity.of(pid: successor) == nil })
    }

    /// A chat of the user `ann`; prints the answer and its status.
    private static func call(_ model: String, tokens: Int, port: Int) -> Program {
        let body: JSONValue = [
            "model": .string(model), "max_tokens": .integer(tokens), "user": "ann",
            "messages": [["role": "user", "content": "hi"]],
        ]
        return Program(
            "/usr/bin/curl",
            [
                "--silent", "--max-time", "20", "--write-out", " %{http_code}", "--header",
                "content-type: application/json", "--data", JSONWriter.text(of: body),
                "http://127.0.0.1:\(port)/v1/chat/completions",
            ])
    }
}
