// SPDX-License-Identifier: MIT

import JSONSyntax
import LiteLLMConfig
import RouterProfiles
import SystemIO
import TestSupport
import Testing
import YAMLSyntax

/// What the real LiteLLM makes of what we render. Serialized: each proxy takes a core for seconds.
@Suite(.serialized, LiteLLMInstallation.condition) struct LiteLLMTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
        try LiteLLMInstallation.prepare()
    }

    @Test func `starts with each shipped profile, and does what its numbers say`() throws {
        let proxies = try ["reliability", "balanced", "cost"].map(start)
        for proxy in proxies {
            let answer = try drive(proxy)
            let name = Comment(rawValue: "\(proxy.profile): \(answer)\n\(proxy.program.output)\(proxy.program.errors)")
            #expect(answer["models_status"] == 200, name)
            #expect(answer["models"] == ["router-default", "router-cheap"], name)
            #expect(answer["wrong_key_status"] != 200, name)
            #expect(answer["other_model_status"] == 200, name)
            // The upstream fails: after `allowed_fails` and one more, the deployment is left alone.
            let failures = Array(repeating: JSONValue.integer(500), count: proxy.allowedFails + 1)
            #expect(answer["answers"] == .array(failures + [429]), name)
            #expect(answer["failed_calls"] == .integer(proxy.allowedFails + 1), name)
            proxy.program.signal(15)
            let status = try proxy.program.finish(limit: .seconds(30)).status
            #expect(status == .code(143) || status == .signal(15, dumpedCore: false), name)
        }
    }

    @Test func `knows the providers and keys that our tables hold`() throws {
        let result = try Program(
            LiteLLMInstallation.python, [LiteLLMInstallation.script("known_keys.py")],
            environment: LiteLLMInstallation.environment
        ).run()
        try #require(result.code == 0, "\(result)")
        let known = try JSONParser.parse(try #require(result.lines.last))
        let tables: [(name: String, keys: Set<String>)] = [
            ("providers", ProviderPrefix.knownToLiteLLM), ("router", LiteLLMKeys.router),
            ("general", LiteLLMKeys.general),
            ("litellm", LiteLLMKeys.litellm), ("parameters", LiteLLMKeys.parameters), ("facts", LiteLLMKeys.facts),
        ]
        for table in tables {
            let real = Set((known[table.name]?.arrayValue ?? []).compactMap(\.stringValue))
            #expect(table.keys.symmetricDifference(real).sorted() == [], "\(table.name)")
        }
        #expect(LiteLLMKeys.readOnlyFromRouterSettings.isSubset(of: LiteLLMKeys.router))
    }

    private struct Proxy {
        let profile: String
        let program: RunningProgram
        let port: Int
        let upstreamPort: Int
        let variables: [String: String]
        let allowedFails: Int
    }

    /// Renders the profile with its deployments moved to an upstream of our own, and starts LiteLLM with it.
    private func start(_ profile: String) throws -> Proxy {
        let (port, upstreamPort) = (try FreePort.find(), try FreePort.find())
        let base = "api_base: http://127.0.0.1:\(upstreamPort)/v1"
        let catalog = try Samples.shipped(editing: { text in
            text.replacing("api_base: http://127.0.0.1:8317/v1", with: base)
                .replacing("model: openai/gpt-4o-mini", with: "model: openai/gpt-4o-mini\n        \(base)")
        })
        let rendered = try catalog.rendered(profile)
        let files = ProfileSwitch(
            activeConfig: scratch.path("\(profile)/active.yaml"), stateFile: scratch.path("\(profile)/state.json"),
            secretsFile: scratch.path("\(profile)/secrets.env"))
        _ = try files.perform(rendered, now: .now())
        let key = try #require(try scratch.read("\(profile)/secrets.env").split(separator: "=").last)
        let variables = [
            "LITELLM_MASTER_KEY": String(key.dropLast()), "ROUTER_UPSTREAM_API_KEY": "upstream",
            "CUSTOM_API_KEY": "custom",
        ]
        let program = try LiteLLMInstallation.proxy(config: files.activeConfig, port: port, variables: variables)
        return Proxy(
            profile: profile, program: program, port: port, upstreamPort: upstreamPort, variables: variables,
            allowedFails: try #require(rendered.root["router_settings"]?["allowed_fails"]?.integerValue))
    }

    private func drive(_ proxy: Proxy) throws -> JSONValue {
        let result = try Program(
            LiteLLMInstallation.python,
            [
                LiteLLMInstallation.script("drive_proxy.py"), "\(proxy.port)", "\(proxy.upstreamPort)",
                "\(proxy.allowedFails + 2)", "120",
            ], environment: LiteLLMInstallation.environment.merging(proxy.variables) { _, new in new }
        ).run(limit: .seconds(240))
        try #require(result.code == 0, "\(result)\n\(proxy.program.output)\(proxy.program.errors)")
        return try JSONParser.parse(result.output)
    }
}
