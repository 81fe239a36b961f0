// SPDX-License-Identifier: MIT

import Diagnostics
import GatewayConfig
import GatewayHTTP
import JSONSyntax
import LiteLLMConfig
import StandInHTTP
import SystemIO
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A gateway in this process, with a config of its own and time-outs that suit a test.
final class GatewayUnderTest: Sendable {
    let server: GatewayServer
    let client: RawClient
    let folder: ScratchFolder
    private let logDescriptor: Int32

    /// Nothing here runs out because the machine is busy; what is about time-outs has short ones of its own.
    static let usualPolicy: JSONObject = [
        "timeouts": ["connect": "20s", "first_token": "20s", "idle": "20s", "total": "60s", "drain": "2s"],
        "breaker": ["failures": 3, "open": "700ms", "probes": 1],
    ]

    /// `subfolder` is where relative paths of the policy start.
    init(
        _ config: String, policy: JSONObject = usualPolicy, environment: [String: String] = [:],
        subfolder: String? = nil, loops: Int = 2, extraRoots: String? = nil
    ) async throws {
        let folder = try ScratchFolder()
        self.folder = folder
        if let subfolder { try PrivateDirectory.create(folder.path(subfolder)) }
        try Self.write(config, policy, folder, subfolder)
        let log = open(folder.path("access.log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        logDescriptor = log
        server = try await RawClient.onThread {
            let settings = try Self.settings(folder, environment)
            var options = ServerOptions()
            options.port = 0
            options.loops = loops
            options.extraRoots = extraRoots
            options.logDescriptor = log
            return try GatewayServer(settings, options: options)
        }
        client = RawClient(port: server.port)
    }

    private static func write(
        _ config: String, _ policy: JSONObject, _ folder: ScratchFolder, _ subfolder: String? = nil
    ) throws {
        _ = try folder.write("litellm.yaml", config)
        let base = subfolder.map { folder.path($0) } ?? folder.path
        let file: JSONValue = ["schema": 1, "base_directory": .string(base), "gateway": .object(policy)]
        _ = try folder.write("litellm.gateway.json", JSONWriter.text(of: file))
    }

    private static func settings(_ folder: ScratchFolder, _ environment: [String: String]) throws -> GatewaySettings {
        try SettingsReader { environment[$0] }.read(folder.path("litellm.yaml"))
    }

    func reload(_ config: String, policy: JSONObject = usualPolicy) throws {
        try Self.write(config, policy, folder)
        try server.reload(try Self.settings(folder, [:]))
    }

    /// The lines of the access log, once there are `count` of them.
    func logLines(_ count: Int) async throws -> [JSONValue] {
        let path = folder
        return try await RawClient.onThread {
            waitUntil(.seconds(5)) {
                let lines = ((try? path.read("access.log")) ?? "").split(separator: "\n").compactMap {
                    try? JSONParser.parse(String($0))
                }
                return lines.count >= count ? lines : nil
            } ?? []
        }
    }

    @discardableResult
    func stop(within limit: Duration = .seconds(2)) async throws -> Bool {
        let server = self.server
        let isDone = try await RawClient.onThread { server.drain(within: limit) }
        close(logDescriptor)
        return isDone
    }
}

/// Runs `body` with a gateway and ends the gateway afterwards.
func withGateway(
    _ config: String, policy: JSONObject = GatewayUnderTest.usualPolicy, environment: [String: String] = [:],
    loops: Int = 2, extraRoots: String? = nil, _ body: (GatewayUnderTest) async throws -> Void
) async throws {
    let gateway = try await GatewayUnderTest(
        config, policy: policy, environment: environment, loops: loops, extraRoots: extraRoots)
    do {
        try await body(gateway)
    } catch {
        _ = try? await gateway.stop()
        throw error
    }
    try await gateway.stop()
}

/// What upstreams of tests say.
enum Scripted {
    static func chat(_ text: String, usage: (Int, Int) = (7, 3)) -> StandInResponse {
        .json([
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served",
            "choices": [
                ["index": 0, "message": ["role": "assistant", "content": .string(text)], "finish_reason": "stop"]
            ],
            "usage": [
                "prompt_tokens": .integer(usage.0), "completion_tokens": .integer(usage.1),
                "total_tokens": .integer(usage.0 + usage.1),
            ],
        ])
    }

    static func chunk(_ text: String?, finish: String? = nil) -> String {
        var delta: JSONObject = [:]
        if let text { delta["content"] = .string(text) }
        let event: JSONValue = [
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served",
            "choices": [["index": 0, "delta": .object(delta), "finish_reason": JSONValue(finish)]],
        ]
        return "data: \(JSONWriter.text(of: event))\n\n"
    }

    static let done = "data: [DONE]\n\n"
    static let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}\n\n"

    static func events(_ texts: [String], after delay: Duration = .zero) -> StandInResponse {
        .events(pieces(texts, after: delay) + [.init(chunk(nil, finish: "stop")), .init(usage), .init(done)])
    }

    static func pieces(_ texts: [String], after delay: Duration = .zero) -> [StandInResponse.Piece] {
        texts.map { StandInResponse.Piece(chunk($0), after: delay) }
    }

    static func error(_ status: Int, code: String = "some_error", message: String = "it failed") -> StandInResponse {
        .json(
            ["error": ["message": .string(message), "type": "server_error", "param": nil, "code": .string(code)]],
            status: status)
    }

    /// A LiteLLM config with a model `main` at `primary` that falls back to `backup` at another server.
    static func config(
        _ primary: StandInServer, _ backup: StandInServer?, settings: String = "num_retries: 2", more: String = "",
        primaryLimits: String = ""
    ) -> String {
        var text = """
            model_list:
              - model_name: main
                litellm_params: {model: openai/first, api_base: "\(primary.baseURL)/v1", api_key: sk-first-secret-key\(primaryLimits)}

            """
        if let backup {
            text += """
                  - model_name: backup
                    litellm_params: {model: openai/second, api_base: "\(backup.baseURL)/v1", api_key: sk-second-secret-key}

                """
        }
        text += "router_settings:\n  \(settings)\n"
        if backup != nil { text += "  fallbacks: [{main: [backup]}]\n" }
        return text + more
    }
}

let plainRequest: JSONValue = ["model": "main", "messages": [["role": "user", "content": "hi"]]]
let streamRequest: JSONValue = ["model": "main", "stream": true, "messages": [["role": "user", "content": "hi"]]]
