// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import SystemIO
import TestSupport
import Testing
import Transfer

/// The played server's HTTP contract, in both generations.
@Suite struct StandInServerTests {
    private static let chat = """
        {"model": "router-default", "messages": [{"role": "user", "content": "hello there"}]}
        """

    private func run(
        _ release: String, _ variables: [String: String] = [:], secret: String = PlayedServer.key,
        _ body: (PlayedServer) throws -> Void
    ) throws {
        let server = try PlayedServer(release, variables, secret: secret)
        let process = try server.start()
        let result = Result { try body(server) }
        try process.kill9()
        try result.get()
    }

    @Test(arguments: LoginTests.releases)
    func `says who it is to anybody`(release: String) throws {
        try run(release) { (server: PlayedServer) throws in
            let root = try server.get("/", key: nil)
            #expect(root.json?["message"] == "CLI Proxy API Server")
            #expect(root.head["access-control-allow-origin"] == "*")
            let health = try server.get("/healthz", key: nil)
            #expect(health.head.status == (release == "current" ? 200 : 404))
            #expect(try server.send("OPTIONS", "/anything", key: nil).head.status == 204)
            #expect(try server.get("/nothing", key: nil).text == "404 page not found")
        }
    }

    @Test(arguments: LoginTests.releases)
    func `the models want a key, in any of its places`(release: String) throws {
        try run(release, ["STANDIN_MODELS": "router-default,router-cheap"]) { (server: PlayedServer) throws in
            #expect(try server.get("/v1/models", key: nil).json == ["error": "Missing API key"])
            #expect(try server.get("/v1/models", key: "x").json == ["error": "Invalid API key"])
            let list = try server.get("/v1/models", key: PlayedServer.apiKey).json
            #expect(
                list?["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["router-default", "router-cheap"])
            for fields in [[("X-Api-Key", PlayedServer.apiKey)], [("X-Goog-Api-Key", PlayedServer.apiKey)]] {
                #expect(try server.get("/v1/models", key: nil, fields: fields).head.status == 200)
            }
            #expect(try server.get("/v1/models?key=" + PlayedServer.apiKey, key: nil).head.status == 200)
            let claude = try server.get(
                "/v1/models", key: PlayedServer.apiKey, fields: [("User-Agent", "claude-cli/1")])
            #expect(claude.json?["has_more"] == false)
        }
    }

    @Test(arguments: LoginTests.releases)
    func `models follow the credential files`(release: String) throws {
        try run(release) { (server: PlayedServer) throws in
            func count() throws -> Int {
                try server.json("/v1/models", key: PlayedServer.apiKey)["data"]?.arrayValue?.count ?? -1
            }
            #expect(try count() == 0)
            let path = try server.scratch.write(
                "auths/codex-a.json", CodexFile.text(["type": "codex", "access_token": "a"]))
            let appears = try becomesTrue { try count() > 0 }
            #expect(appears)
            try FileSystem.remove(path)
            let goes = try becomesTrue { try count() == 0 }
            #expect(goes)
        }
    }

    @Test func `template keys are refused by the new generation`() throws {
        for (release, status) in [("legacy", 200), ("current", 403)] {
            let server = try PlayedServer(release)
            try server.scratch.write(
                "config.yaml",
                "host: 127.0.0.1\nport: \(server.port)\nauth-dir: \(server.folder)\napi-keys: [your-api-key-1]\n")
            let process = try server.start()
            let answer = try server.get("/v1/models", key: "your-api-key-1")
            #expect(answer.head.status == status)
            #expect(answer.head["x-cpa-safe-mode"] == (status == 403 ? "example-api-key" : nil))
            try process.kill9()
        }
    }

    @Test(arguments: LoginTests.releases)
    func `answers chats, streamed and not, in four dialects`(release: String) throws {
        try run(release, ["STANDIN_MODELS": "router-default"]) { (server: PlayedServer) throws in
            func post(_ path: String, _ body: String) throws -> TransferResponse {
                try server.send("POST", path, key: PlayedServer.apiKey, body: body)
            }
            let whole = try post("/v1/chat/completions", Self.chat).json
            #expect(whole?["choices"]?.arrayValue?.first?["message"]?["content"] == "stand-in: hello there")
            #expect(whole?["usage"]?["total_tokens"] == 8)
            let streamed = try post("/v1/chat/completions", Self.chat.replacing("}]}", with: "}], \"stream\": true}"))
            #expect(streamed.head["content-type"] == "text/event-stream")
            #expect(streamed.text.hasSuffix("data: [DONE]\n\n"))
            #expect(
                try post("/v1/messages", Self.chat).json?["content"]?.arrayValue?.first?["text"]
                    == "stand-in: hello there")
            let response = try post("/v1/responses", "{\"model\":\"router-default\",\"input\":\"hi\"}").json
            #expect(response?["status"] == "completed")
            let unknown = try post("/v1/chat/completions", "{\"model\":\"x\"}")
            #expect(unknown.head.status == 502)
            #expect(unknown.json?["error"]?["message"] == "unknown provider for model x")
        }
    }

    @Test(arguments: [("500", 500), ("429", 429), ("503", 503)])
    func `chat faults have their status`(fault: String, status: Int) throws {
        try run("legacy", ["STANDIN_MODELS": "router-default", "STANDIN_CHAT": fault]) {
            (server: PlayedServer) throws in
            let answer = try server.send("POST", "/v1/chat/completions", key: PlayedServer.apiKey, body: Self.chat)
            #expect(answer.head.status == status)
            #expect(answer.json?["error"]?["type"] != nil)
        }
    }

    @Test func `a credential that cannot be renewed is no longer used`() throws {
        let server = try PlayedServer("legacy", ["STANDIN_REFRESH": "reused"])
        try server.scratch.write("auths/a.json", "{\"type\":\"codex\",\"access_token\":\"a\",\"refresh_token\":\"r\"}")
        let process = try server.start()
        var answer: TransferResponse?
        let isRefused = try becomesTrue {
            answer = try server.send(
                "POST", "/v1/chat/completions", key: PlayedServer.apiKey, body: "{\"model\":\"gpt-5\"}")
            return answer?.head.status == 500
        }
        #expect(isRefused)
        #expect(answer?.json?["error"]?["message"] == "auth_unavailable: no auth available")
        try process.kill9()
    }

    // MARK: - Management

    @Test(arguments: LoginTests.releases)
    func `without a secret there is no management`(release: String) throws {
        try run(release, secret: "") { (server: PlayedServer) throws in
            let answer = try server.get("/v0/management/config")
            #expect(answer.head.status == 404)
            #expect(answer.text == (release == "legacy" ? "404 page not found" : ""))
            #expect(answer.head["x-cpa-version"] == nil)
        }
        try run(release, ["MANAGEMENT_PASSWORD": "env-key"], secret: "") { (server: PlayedServer) throws in
            #expect(try server.get("/v0/management/config", key: "env-key").head.status == 200)
        }
    }

    @Test func `five wrong keys ban, in the old generation never this machine`() throws {
        for (release, banned) in [("legacy", false), ("current", true)] {
            try run(release) { (server: PlayedServer) throws in
                for _ in 0..<5 { #expect(try server.get("/v0/management/config", key: "x").head.status == 401) }
                let answer = try server.get("/v0/management/config")
                #expect(answer.head.status == (banned ? 403 : 200))
                #expect(answer.head["x-cpa-version"] != nil)
            }
        }
        try run("current") { (server: PlayedServer) throws in
            for _ in 0..<5 {
                #expect(try server.get("/v0/management/config", key: nil).json == ["error": "missing management key"])
            }
            #expect(try server.get("/v0/management/config").text.contains("IP banned due to too many failed attempts"))
        }
    }

    @Test(arguments: LoginTests.releases)
    func `states have the answers that mislead`(release: String) throws {
        try run(release) { (server: PlayedServer) throws in
            func status(_ query: String) throws -> JSONValue {
                try server.json("/v0/management/get-auth-status" + query)
            }
            #expect(try status("") == ["status": "ok"])
            #expect(try status("?state=a/b") == ["status": "error", "error": "invalid state"])
            let unknown: JSONValue =
                release == "legacy" ? ["status": "ok"] : ["status": "error", "error": "unknown or expired state"]
            #expect(try status("?state=never-seen") == unknown)
            let ticket = try server.json("/v0/management/codex-auth-url")
            let state = try #require(ticket["state"]?.stringValue)
            #expect(state.count == 32)
            #expect(try status("?state=" + state) == ["status": "wait"])
        }
    }

    @Test(arguments: LoginTests.releases)
    func `callbacks are refused with the right status`(release: String) throws {
        try run(release) { (server: PlayedServer) throws in
            let state = try #require(try server.json("/v0/management/codex-auth-url")["state"]?.stringValue)
            func post(_ body: String, key: String? = PlayedServer.key) throws -> Int {
                try server.send("POST", "/v0/management/oauth-callback", key: key, body: body).head.status
            }
            #expect(try post("nonsense") == 400)
            #expect(try post("{\"provider\":\"nobody\",\"code\":\"c\",\"state\":\"\(state)\"}") == 400)
            #expect(try post("{\"provider\":\"codex\",\"code\":\"c\"}") == 400)
            #expect(try post("{\"provider\":\"codex\",\"state\":\"\(state)\"}") == 400)
            #expect(try post("{\"provider\":\"claude\",\"code\":\"c\",\"state\":\"\(state)\"}") == 400)
            #expect(try post("{\"provider\":\"codex\",\"code\":\"c\",\"state\":\"unknown\"}") == 404)
            let withoutKey = try post("{\"provider\":\"openai\",\"code\":\"c\",\"state\":\"\(state)\"}", key: nil)
            #expect(withoutKey == (release == "legacy" ? 401 : 200))
            if release == "legacy" {
                #expect(try post("{\"provider\":\"openai\",\"code\":\"c\",\"state\":\"\(state)\"}") == 200)
            }
            #expect(
                becomesTrue {
                    FileSystem.exists(server.folder)
                        && ((try? FileSystem.list(server.folder)) ?? []).contains { $0.hasSuffix("plus.json") }
                })
        }
    }

    @Test(arguments: LoginTests.releases)
    func `the forwarder sends the browser to the main port`(release: String) throws {
        try run(release) { (server: PlayedServer) throws in
            let ticket = try server.json("/v0/management/codex-auth-url?is_webui=1")
            let state = try #require(ticket["state"]?.stringValue)
            let hop = try Web.send("GET", "http://127.0.0.1:\(server.callbackPort)/auth/callback?code=c&state=\(state)")
            #expect(hop.head.status == 302)
            let target = try #require(hop.head["location"])
            #expect(target == "http://127.0.0.1:\(server.port)/codex/callback?code=c&state=\(state)")
            #expect(try server.get("/v0/management/codex-auth-url?is_webui=1").head.status == 500)
            #expect(try Web.send("GET", target).head.status == 200)
            #expect(becomesTrue { (try? CallbackListener.open(port: server.callbackPort).port) != nil })
        }
    }

    @Test(arguments: LoginTests.releases)
    func `credential files can be managed`(release: String) throws {
        try run(release) { (server: PlayedServer) throws in
            let path = "/v0/management/auth-files"
            func status(_ method: String, _ suffix: String, _ body: String? = nil) throws -> Int {
                try server.send(method, path + suffix, body: body).head.status
            }
            #expect(try status("POST", "?name=a.txt", "{}") == 400)
            #expect(try status("POST", "?name=../a.json", "{}") == 400)
            #expect(try status("POST", "?name=a.json", "{\"type\":\"codex\",\"access_token\":\"t\"}") == 200)
            #expect(try FileSystem.status(server.folder + "/a.json")?.mode == 0o600)
            #expect(try status("PATCH", "/status", "{\"name\":\"a.json\",\"disabled\":true}") == 200)
            #expect(try server.json(path)["files"]?.arrayValue?.first?["status"] == "disabled")
            #expect(try server.get(path + "/download?name=a.json").json?["access_token"] == "t")
            #expect(try status("GET", "/download?name=none.json") == 404)
            #expect(try status("DELETE", "?name=none.json") == 404)
            #expect(try status("DELETE", "?name=a.json") == 200)
            #expect(try server.json(path)["files"] == [])
        }
    }

    @Test(arguments: LoginTests.releases)
    func `what differs between the generations differs`(release: String) throws {
        let isLegacy = release == "legacy"
        try run(release) { (server: PlayedServer) throws in
            func status(_ path: String) throws -> Int { try server.get("/v0/management/" + path).head.status }
            #expect(try status("github-auth-url") == (isLegacy ? 200 : 404))
            #expect(try status("usage") == (isLegacy ? 200 : 404))
            #expect(try status("latest-version") == (isLegacy ? 502 : 200))
            // The paths that older configs name exist nowhere.
            #expect(try status("oauth/codex/auth-url") == 404)
            #expect(try status("oauth/codex/status?state=x") == 404)
            #expect(try server.send("PUT", "/v0/management/config.yaml", body: "port: [").head.status == 400)
            #expect(try server.send("PUT", "/v0/management/config.yaml", body: "port: many").head.status == 422)
            #expect(try server.send("PUT", "/v0/management/debug", body: "{\"value\":true}").json == ["status": "ok"])
            #expect(try server.scratch.read("config.yaml").contains("debug: true"))
        }
    }
}
