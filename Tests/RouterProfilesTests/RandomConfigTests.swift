// SPDX-License-Identifier: MIT

import Diagnostics
import LiteLLMConfig
import RouterProfiles
import Testing
import YAMLSyntax

/// Whatever stands in a config, reading, linting, rendering and comparing it ends without a trap.
@Suite struct RandomConfigTests {
    private static let keys =
        [
            "model_list", "model_name", "litellm_params", "model_info", "model", "api_key", "api_base", "rpm",
            "timeout", "order",
            "weight", "input_cost_per_token", "extra_headers", "custom_llm_provider", "tier", "id", "fallback_order",
            "router_settings", "litellm_settings", "general_settings", "environment_variables", "routing_strategy",
            "num_retries", "allowed_fails", "cooldown_time", "fallbacks", "default_fallbacks", "model_group_alias",
            "hidden",
            "retry_policy", "TimeoutErrorRetries", "allowed_fails_policy", "master_key", "callbacks", "database_url",
            "nonsense",
        ]
    private static let scalars = [
        "", "~", "true", "yes", "0", "-1", "3", "99999999999999999999", "1e308", "1e9999", ".inf", ".nan",
        "0x7fffffffffffffff",
        "9223372036854775807", "59:59:59", "2024-01-01", "a", "openai/x", "/", "*", "openai/*", "os.environ/SET",
        "os.environ/",
        "os.environ/UNSET", "${SET}", "$", "${", "$SET", "prometheus", "free", "fast", "simple-shuffle", "sk-1234",
        "é😀",
    ]

    @Test(arguments: 0..<60) func `nothing traps`(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let text = String(decoding: YAMLWriter.bytes(of: root(&random)), as: UTF8.self)
        let base = try YAMLParser.parse(Array(text.utf8), name: "base.yaml")
        let overlay = root(&random)
        let environment: EnvironmentLookup = { $0 == "SET" ? "value" : nil }
        for engine in [GatewayEngine.litellm, .embedded] {
            let source = ProfileSource(base: base, gateway: overlay, engine: engine, configDirectory: "/")
            let rendered = ProfileRenderer.render(source, profile: overlay, name: "random")
            let written = try YAMLParser.parse(rendered.activeFile, name: "active.yaml")
            #expect(ProfileDiff(from: rendered.root, to: written).changes == [])
            _ = ProfileDiff(from: base, to: rendered.root).text
            _ = ProfileText.redacted(rendered)
            _ = try? LiteLLMConfiguration.read(written, environment: environment)
            let virtual = VirtualModel.all(in: overlay) + [VirtualModel(name: "v", simple: "a", complex: "b")]
            for completion in [LiteLLMLint.Completion.asWritten, .byRenderer] {
                let findings = LiteLLMLint.check(
                    rendered.merged,
                    .init(engine: engine, completion: completion, virtualModels: virtual, environment: environment))
                #expect(findings.allSatisfy { $0.code.hasPrefix("litellm/") && !$0.message.isEmpty })
            }
        }
    }

    /// A mapping of the known sections; what is in them is random, but likely to have the right shape.
    private func root(_ random: inout SeededRandom) -> YAMLNode {
        .mapping(
            Self.keys.shuffled(using: &random).prefix(6).map { ($0, value(&random, depth: 1)) }
                .filter { $0.0 != "model_list" } + [("model_list", models(&random))])
    }

    private func models(_ random: inout SeededRandom) -> YAMLNode {
        guard Int.random(in: 0..<8, using: &random) > 0 else { return value(&random, depth: 3) }
        return .sequence(
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                .mapping([
                    ("model_name", scalar(&random)), ("litellm_params", mapping(&random, depth: 3)),
                    ("model_info", mapping(&random, depth: 3)),
                ])
            })
    }

    private func value(_ random: inout SeededRandom, depth: Int) -> YAMLNode {
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where depth < 5: mapping(&random, depth: depth)
        case 1 where depth < 5:
            .sequence((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth + 1) })
        default: scalar(&random)
        }
    }

    private func mapping(_ random: inout SeededRandom, depth: Int) -> YAMLNode {
        .mapping(Self.keys.shuffled(using: &random).prefix(5).map { ($0, value(&random, depth: depth + 1)) })
    }

    private func scalar(_ random: inout SeededRandom) -> YAMLNode {
        .plain(Self.scalars.randomElement(using: &random) ?? "")
    }
}
