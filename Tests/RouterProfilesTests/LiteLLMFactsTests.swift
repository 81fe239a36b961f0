// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import LiteLLMConfig
import RouterProfiles
import SystemIO
import TestSupport
import Testing
import YAMLSyntax

/// What the lint claims about LiteLLM and what the renderer does about it, checked with LiteLLM's own loader.
@Suite(.serialized, LiteLLMInstallation.condition) struct LiteLLMFactsTests {
    private static let model = "{model_name: a, litellm_params: {model: openai/x, api_key: k}}"
    private static let misplaced = """
        model_list: [\(model)]
        litellm_settings:
          routing_strategy: least-busy
          cooldown_time: 77
          enable_pre_call_checks: true
          allowed_fails: 9
          num_retries: 7
          request_timeout: 33
          fallbacks: [{a: [b]}]
          model_group_alias: {z: a}
        router_settings: {drop_params: true}
        """

    private static let virtualBase = """
        model_list:
          - {model_name: mini, litellm_params: {model: openai/m, api_key: mini}}
          - {model_name: big, litellm_params: {model: openai/b, api_key: big}, model_info: {id: b}}
        """
    private static let virtualModels = "virtual_models: {auto: {simple: mini, complex: big}}"
    private static let fails = [
        "{allowed_fails: 3}", "{allowed_fails: 3, allowed_fails_policy: {}}", "{allowed_fails: 4}",
    ].map { "model_list: [\(model)]\nrouter_settings: \($0)" }
    private static let swallowed = """
        model_list:
          - {model_name: tier, litellm_params: {model: openai/x, api_key: k}, model_info: {tier: fast}}
          - {model_name: provider, litellm_params: {model: opnai/x, api_key: k}}
          - {model_name: bare, litellm_params: {model: zzz, api_key: k}}
          - {model_name: number, litellm_params: {model: openai/x, api_key: k, rpm: many}}
          - {model_name: shell, litellm_params: {model: openai/x, api_key: '${HOME}'}}
          - {model_name: unset, litellm_params: {model: openai/x, api_key: os.environ/NOT_SET_ANYWHERE}}
        """
    private static let fatal = [
        "model_list: [{model_name: a}]", "model_list: [{model_name: a, litellm_params: {api_key: k}}]",
        "model_list: [{litellm_params: {model: openai/x, api_key: k}}]",
        "model_list: [\(model)]\nrouter_settings: {routing_strategy: fast}",
        "model_list: [\(model)]\nrouter_settings: {fallbacks: [a]}",
        "model_list: [\(model)]\nlitellm_settings: {fallbacks: [{a: [a], b: [a]}]}",
        "model_list: [\(model)]\nrouter_settings: {content_policy_fallbacks: [{a: [a], b: [a]}]}",
        "model_list: [\(model)]\nrouter_settings: {health_check_interval: 5}",
    ]

    init() throws {
        try LiteLLMInstallation.prepare()
    }

    @Test func `settings in the wrong section have no effect, and rendering gives them one`() throws {
        let outcomes = try load([Self.misplaced, Self.rendered(Self.misplaced)])
        let (before, after) = (outcomes[0], outcomes[1])
        #expect(before["strategy"] == "simple-shuffle")
        #expect(before["cooldown_time"] == 5)
        #expect(before["pre_call_checks"] == false)
        #expect(before["heeds_allowed_fails"] == false)
        #expect(before["aliases"] == [:])
        #expect(before["drop_params"] == false)
        #expect(after["strategy"] == "least-busy")
        #expect(after["cooldown_time"] == 77)
        #expect(after["pre_call_checks"] == true)
        #expect(after["heeds_allowed_fails"] == true)
        #expect(after["allowed_fails"] == 9)
        #expect(after["aliases"] == ["z": "a"])
        for outcome in outcomes {
            #expect(outcome["retries"] == 7)
            #expect(outcome["timeout"] == 33)
            #expect(outcome["fallbacks"] == [["a": ["b"]]])
        }
    }

    @Test func `allowed_fails that equals the default is not heeded without a policy`() throws {
        let outcomes = try load(Self.fails)
        #expect(outcomes.map { $0["heeds_allowed_fails"] } == [false, true, true])
    }

    @Test func `virtual models are routed to the deployments of their stronger group`() throws {
        let text = try Self.rendered(Self.virtualBase, gateway: Self.virtualModels)
        let outcome = try #require(try load([text]).first)
        #expect(outcome["models"] == ["auto", "big", "mini"])
        #expect(outcome["keys"] == ["mini", "big", "big"])
    }

    @Test func `what is swallowed without a word`() throws {
        let outcome = try #require(try load([Self.swallowed]).first)
        #expect(outcome["models"] == ["shell", "unset"])
        #expect(outcome["keys"] == ["${HOME}", nil])
        let findings = LiteLLMLint.check(
            try Self.parse(Self.swallowed), .init(engine: .litellm, completion: .byRenderer, environment: { _ in nil }))
        #expect(
            findings.map(\.code).sorted()
                == [
                    "litellm/provider-missing", "litellm/shell-variable", "litellm/tier", "litellm/type",
                    "litellm/unknown-provider", "litellm/unset-variable",
                ])
        #expect(findings.allSatisfy { $0.severity == .warning })
    }

    @Test func `what the lint calls an error keeps LiteLLM from starting`() throws {
        for (text, outcome) in zip(Self.fatal, try load(Self.fatal)) {
            #expect(outcome["error"]?.stringValue != nil, "\(text)")
            let findings = LiteLLMLint.check(try Self.parse(text), .init(engine: .litellm, completion: .byRenderer))
            #expect(findings.contains { $0.severity == .error }, "\(text)")
        }
    }

    /// What LiteLLM makes of each text; asked once for all of them, since a start of its Python takes seconds.
    private func load(_ texts: [String]) throws -> [JSONValue] {
        try texts.map { text in try #require(try Self.outcomes.get()[text], "\(text) is not in `texts`") }
    }

    private static let outcomes = Result { () throws -> [String: JSONValue] in
        let scratch = try ScratchFolder()
        let texts = try Self.texts()
        let files = try texts.enumerated().map { index, text in
            let key = "general_settings: {master_key: sk-0123456789abcdef0123456789abcdef}"
            return try scratch.write("\(index).yaml", text.contains("master_key") ? text : text + "\n" + key)
        }
        let result = try Program(
            LiteLLMInstallation.python, [LiteLLMInstallation.script("load_configs.py")] + files,
            environment: LiteLLMInstallation.environment.merging(["LITELLM_MASTER_KEY": "sk-test"]) { _, new in new }
        ).run(limit: .seconds(300))
        try #require(result.code == 0 && result.lines.count == texts.count, "\(result)")
        return Dictionary(uniqueKeysWithValues: zip(texts, try result.lines.map { try JSONParser.parse($0) }))
    }

    private static func texts() throws -> [String] {
        [misplaced, try rendered(misplaced), try rendered(virtualBase, gateway: virtualModels), swallowed] + fails
            + fatal
    }

    private static func rendered(_ base: String, gateway: String? = nil) throws -> String {
        let source = ProfileSource(
            base: try parse(base), gateway: try gateway.map(parse), engine: .litellm, configDirectory: "/")
        let profile = ProfileRenderer.render(source, profile: .mapping([]), name: "test")
        return String(decoding: profile.activeFile, as: UTF8.self)
    }

    private static func parse(_ text: String) throws -> YAMLNode {
        try YAMLParser.parse(Array(text.utf8), name: "test.yaml")
    }
}
