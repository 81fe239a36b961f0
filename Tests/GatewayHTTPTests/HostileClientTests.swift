// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// What a client can say to harm the gateway, its deployments or its other clients.
@Suite struct HostileClientTests {
    private func withUpstream(
        limits: String = "", _ body: (GatewayUnderTest, StandInServer) async throws -> Void
    ) async throws {
        let upstream = try await StandInServer.start { _ in Scripted.chat("fine") }
        try await withGateway(Scripted.config(upstream, nil, primaryLimits: limits)) { try await body($0, upstream) }
        await upstream.stop()
    }

    @Test func `absurd numbers of tokens overflow no limit`() async throws {
        try await withUpstream(limits: ", tpm: 1000000, rpm: 100") { gateway, _ in
            for number in ["9223372036854775807", "-9223372036854775808", "-1", "1e308", "1.5", "\"7\"", "true"] {
                for name in ["max_tokens", "max_completion_tokens", "max_output_tokens"] {
                    let body = "{\"model\":\"main\",\"messages\":[],\"\(name)\":\(number)}"
                    let status = try await gateway.client.post(text: body).status
                    #expect([200, 429].contains(status), "\(body): \(status)")
                }
            }
            #expect(try await gateway.client.get("/health/readiness").status == 200)
        }
    }

    @Test(arguments: [
        #"{"model":"main","Model":"other","messages":[]}"#, #"{"model":"main","MODEL":"other","messages":[]}"#,
        #"{"model":"main","\u004dodel":"other","messages":[]}"#, #"{"model":"main","mod\u0065l":"other"}"#,
        #"{"model":"main","Stream":true,"messages":[]}"#, #"{"model":"main","ſtream":true,"messages":[]}"#,
    ])
    func `a second name of the model that another reader would take is refused`(body: String) async throws {
        try await withUpstream { gateway, upstream in
            let answer = try await gateway.client.post(text: body)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "invalid_body")
            #expect(upstream.requests.isEmpty)
        }
    }

    @Test func `other members keep their case`() async throws {
        try await withUpstream { gateway, upstream in
            let body = #"{"model":"main","messages":[],"Tools":1,"mode":"x","streams":2,"MODELS":3}"#
            let answer = try await gateway.client.post(text: body)
            #expect(answer.status == 200)
            #expect(upstream.requests.first?.json?["MODELS"] == 3)
        }
    }

    @Test func `a name of a megabyte is neither logged nor repeated`() async throws {
        let upstream = try await StandInServer.start { _ in Scripted.chat("fine") }
        let config = """
            model_list:
              - {model_name: "*", litellm_params: {model: "openai/*", api_base: "\(upstream.baseURL)/v1", api_key: k}}

            """
        try await withGateway(config) { gateway in
            let name = String(repeating: "x", count: 1 << 20)
            let answer = try await gateway.client.post(text: "{\"model\":\"\(name)\",\"messages\":[]}")
            #expect(answer.status == 404)
            #expect(answer.body.count < 1000)
            #expect(upstream.requests.isEmpty)
        }
        await upstream.stop()
    }

    @Test func `keys under every name, and what Connection names, stay here`() async throws {
        try await withUpstream { gateway, upstream in
            let headers = [
                ("Authorization", "Bearer sk-mine"), ("api-key", "sk-azure"), ("x-goog-api-key", "sk-google"),
                ("X-Api-Key", "sk-anthropic"), ("Cookie", "a=sk-cookie"), ("Proxy-Authorization", "Basic sk-proxy"),
                ("Connection", "x-first"), ("x-first", "hop"), ("Connection", "keep-alive, x-second"),
                ("x-second", "hop"),
                ("x-third", "end"),
            ]
            let answer = try await gateway.client.post(plainRequest, headers: headers)
            #expect(answer.status == 200)
            let sent = try #require(upstream.requests.first)
            let text = sent.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n").lowercased()
            for word in ["sk-mine", "sk-azure", "sk-google", "sk-anthropic", "sk-cookie", "sk-proxy", "hop"] {
                #expect(!text.contains(word), "\(word)")
            }
            #expect(sent.header("x-third") == "end")
        }
    }

    @Test func `a key may be shown as Azure's clients show it`() async throws {
        let config =
            "model_list:\n  - {model_name: main, litellm_params: {model: mock/echo}}\n"
            + "general_settings: {master_key: sk-0123456789}\n"
        try await withGateway(config) { gateway in
            let right = try await gateway.client.post(plainRequest, headers: [("api-key", "sk-0123456789")])
            #expect(right.status == 200)
            let wrong = try await gateway.client.post(plainRequest, headers: [("api-key", "sk-0123456780")])
            #expect(wrong.status == 401)
        }
    }

    /// A page whose own name was made to mean 127.0.0.1 is not stopped by the browser.
    @Test(arguments: [nil, "admin-0123456789"])
    func `web pages read nothing of the operator's side`(key: String?) async throws {
        let port = try FreePort.find()
        var policy = GatewayUnderTest.usualPolicy
        var admin: JSONObject = ["port": .integer(port)]
        if let key { admin["key"] = .string(key) }
        policy["admin"] = .object(admin)
        let config = "model_list:\n  - {model_name: main, litellm_params: {model: mock/echo}}\n"
        try await withGateway(config, policy: policy) { _ in
            for path in ["/metrics", "/health", "/providers", "/routing/analytics"] {
                for more in [
                    "Host: evil.example", "Host: 127.0.0.1\r\nOrigin: http://evil.example",
                    "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site",
                ] {
                    let request = "GET \(path) HTTP/1.1\r\n\(more)\r\n\r\n"
                    let answer = try await RawClient(port: port).exchange(Array(request.utf8))
                    #expect([401, 403].contains(answer.status), "\(path) \(more): \(answer.status)")
                }
            }
            let scrape = try await RawClient(port: port).get("/metrics")
            #expect(scrape.status == 200)
            for path in ["/admin/reload", "/admin/drain", "/simulate/failure"] {
                let request =
                    "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n"
                let answer = try await RawClient(port: port).exchange(Array(request.utf8))
                #expect([401, 403].contains(answer.status), "\(path): \(answer.status)")
            }
        }
    }

    @Test func `a body of a million values holds nobody up`() async throws {
        let upstream = try await StandInServer.start { _ in Scripted.chat("fine") }
        let config = """
            model_list:
              - {model_name: plain, litellm_params: {model: openai/x, api_base: "\(upstream.baseURL)/v1", api_key: k}}
              - {model_name: claude, litellm_params: {model: anthropic/x, api_base: "\(upstream.baseURL)", api_key: k}}

            """
        var policy = GatewayUnderTest.usualPolicy
        policy["virtual_models"] = ["auto": ["mode": "vibe", "threshold": 50, "simple": "plain", "complex": "plain"]]
        try await withGateway(config, policy: policy) { gateway in
            let many = "[" + String(repeating: "1,", count: 1_000_000) + "1]"
            // What is only passed on may be as it likes; what is read as a whole has a bound.
            let cases = [
                ("\"model\":\"plain\",\"messages\":[]", "/v1/chat/completions", 200),
                ("\"model\":\"auto\",\"messages\":[]", "/v1/chat/completions", 200),
                ("\"prompt\":\"x\"", "/v1/chat/completions", 422),
                ("\"model\":\"claude\",\"messages\":[]", "/v1/chat/completions", 400),
                ("\"model\":\"plain\",\"max_tokens\":1,\"messages\":[]", "/v1/messages", 400),
            ]
            for (start, path, status) in cases {
                let answer = try await gateway.client.post(text: "{\(start),\"extra\":\(many)}", to: path)
                #expect(answer.status == status, "\(start): \(answer.text.prefix(300))")
            }
        }
        await upstream.stop()
    }

    @Test func `a pipeline that never pauses is answered and let go`() async throws {
        try await withUpstream { gateway, _ in
            let port = gateway.server.port
            let body = JSONWriter.text(of: plainRequest)
            let request = RawClient.request("POST", "/v1/chat/completions", body)
            let answers = try await RawClient.onThread {
                let connection = try RawConnection(port: port)
                // Always with the beginning of the next request behind it.
                let all = Array(repeating: request, count: 60).joined()
                var offset = 0
                let bytes = Array(all)
                while offset < bytes.count {
                    let end = min(bytes.count, offset + request.count + 7)
                    try connection.send(Array(bytes[offset..<end]))
                    offset = end
                }
                return try (0..<60).map { _ in try connection.receive().status }
            }
            #expect(answers == Array(repeating: 200, count: 60))
        }
    }
}
