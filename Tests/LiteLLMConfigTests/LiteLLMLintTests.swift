// SPDX-License-Identifier: MIT

import Diagnostics
import LiteLLMConfig
import Testing
import YAMLSyntax

@Suite struct LiteLLMLintTests {
    /// A config, the finding it must give, and the text that the finding must point at.
    struct Trap: Sendable, CustomTestStringConvertible {
        let text: String
        let code: String
        let at: String
        var severity = Diagnostic.Severity.warning
        var hint: String?

        var testDescription: String { "\(code): \(text)" }
    }

    private static let model = "{model_name: a, litellm_params: {model: openai/x, api_key: k}}"

    static let traps: [Trap] = [
        // References.
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: '${KEY}'}}]",
            code: "shell-variable", at: "'${KEY}'", hint: "write `os.environ/KEY`, as the whole value"),
        Trap(
            text:
                "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k, api_base: 'http://${HOST:-h}/v1'}}]",
            code: "shell-variable", at: "'http://${HOST:-h}/v1'"),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: $KEY}}]",
            code: "shell-variable",
            at: "****"),
        Trap(
            text:
                "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k, extra_headers: {A: Bearer os.environ/K}}}]",
            code: "reference-inside-text", at: "*******************"),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: os.environ/UNSET}}]",
            code: "unset-variable", at: "os.environ/UNSET"),
        // Models.
        Trap(text: "model_list: []", code: "no-models", at: "[]"),
        Trap(text: "litellm_settings: {}", code: "no-models", at: "litellm_settings"),
        Trap(
            text:
                "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k}, model_info: {tier: fast}}]",
            code: "tier", at: "fast", hint: "keep it under another name, such as `class: fast`"),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: opnai/x, api_key: k}}]",
            code: "unknown-provider",
            at: "opnai/x", hint: "did you mean `openai/`?"),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: x, api_key: k}}]", code: "provider-missing",
            at: "x",
            hint: "write `provider/x`, such as `openai/x`"),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: openai/x}}]", code: "api-key-missing",
            at: "openai/x"),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k, max_retrys: 3}}]",
            code: "unknown-key", at: "max_retrys", hint: "did you mean `max_retries`?"),
        Trap(
            text:
                "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: k}, model_info: {max_input_token: 3}}]",
            code: "unknown-key", at: "max_input_token", hint: "did you mean `max_input_tokens`?"),
        Trap(
            text: "model_list: [{model_name: a}]", code: "params-missing", at: "{", severity: .error),
        Trap(
            text: "model_list: [{model_name: a, litellm_params: {api_key: k}}]", code: "upstream-model-missing",
            at: "{",
            severity: .error),
        Trap(
            text: """
                model_list:
                  - {model_name: a, litellm_params: {model: openai/x, api_key: k}}
                  - {model_name: a, litellm_params: {model: openai/y, api_key: k}, model_info: {fallback_order: 2}}
                """, code: "order-ignored", at: "2", hint: "write `order: 2` into its `litellm_params`"),
        Trap(
            text: """
                model_list:
                  - {model_name: a, litellm_params: {model: openai/x, api_key: k}, model_info: {id: one}}
                  - {model_name: b, litellm_params: {model: openai/y, api_key: k}, model_info: {id: one}}
                """, code: "duplicate-id", at: "one"),
        // Targets.
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {fallbacks: [{a: [bb]}]}", code: "unknown-target", at: "bb"
        ),
        Trap(text: "model_list: [\(model)]\nrouter_settings: {fallbacks: [{b: [a]}]}", code: "unknown-target", at: "b"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {context_window_fallbacks: [{a: [big]}]}",
            code: "unknown-target",
            at: "big"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {content_policy_fallbacks: [{a: [big]}]}",
            code: "unknown-target", at: "big"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {default_fallbacks: [big]}", code: "unknown-target",
            at: "big"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {model_group_alias: {x: {model: big}}}",
            code: "unknown-target",
            at: "big"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {fallbacks: {a: [a]}}", code: "fallback-shape", at: "{",
            severity: .error),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {fallbacks: [{a: [a], '*': [a]}]}", code: "fallback-shape",
            at: "{",
            severity: .error),
        // Sections and keys.
        Trap(
            text: "model_list: [\(model)]\nmodel_lst: []", code: "unknown-section", at: "model_lst",
            hint: "did you mean `model_list`?"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_setings: {}", code: "unknown-section", at: "litellm_setings",
            hint: "did you mean `litellm_settings`?"),
        Trap(
            text: "model_list: [\(model)]\nmaster_key: x", code: "wrong-section", at: "master_key",
            hint: "move it to `general_settings`"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {cooldown_time: 5}", code: "wrong-section",
            at: "cooldown_time",
            hint: "move it to `router_settings`"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {routing_strategy: least-busy}", code: "wrong-section",
            at: "routing_strategy"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {allowed_fails: 2}", code: "wrong-section",
            at: "allowed_fails"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {drop_params: true}", code: "wrong-section",
            at: "drop_params",
            hint: "move it to `litellm_settings`"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {master_key: os.environ/SET}", code: "wrong-section",
            at: "master_key", hint: "move it to `general_settings`"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {health_check_interval: 5}", code: "wrong-section",
            at: "health_check_interval", severity: .error),
        Trap(
            text: "model_list: [\(model)]\ngeneral_settings: {callbacks: [x.y]}", code: "callbacks-section",
            at: "callbacks",
            hint: "move them to `litellm_settings`"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {num_retry: 3}", code: "unknown-key", at: "num_retry",
            hint: "did you mean `num_retries`?"),
        Trap(text: "model_list: [\(model)]\nrouter_settings: {zzz: 3}", code: "unknown-key", at: "zzz"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {reqest_timeout: 3}", code: "unknown-key",
            at: "reqest_timeout",
            hint: "did you mean `request_timeout`?"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {routing_strategy: fast}", code: "routing-strategy",
            at: "fast", severity: .error),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {routing_strategy: simple-shufle}",
            code: "routing-strategy",
            at: "simple-shufle", severity: .error, hint: "did you mean `simple-shuffle`?"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {allowed_fails: 3}", code: "allowed-fails-default", at: "3",
            hint: "add `allowed_fails_policy: {}` to `router_settings`"),
        Trap(
            text: "model_list: [\(model)]\nrouter_settings: {num_retries: '3'}", code: "number-as-text", at: "'3'",
            hint: "write `num_retries: 3` without quotes"),
        // What keeps LiteLLM from starting.
        Trap(
            text: "model_list: [\(model)]\ngeneral_settings: {master_key: sk-1234}", code: "master-key-weak",
            at: "*******",
            severity: .error),
        Trap(
            text: "model_list: [\(model)]\ngeneral_settings: {master_key: change-me-please-now}",
            code: "master-key-weak",
            at: "********************"),
        Trap(
            text: "model_list: [\(model)]\ngeneral_settings: {database_url: os.environ/SET}", code: "database",
            at: "os.environ/SET"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {callbacks: [prometheus]}", code: "prometheus-package",
            at: "prometheus"),
        Trap(
            text: "model_list: [\(model)]\nlitellm_settings: {success_callback: prometheus}",
            code: "prometheus-package",
            at: "prometheus"),
    ]

    @Test(arguments: traps) func `finds the trap and points at it`(trap: Trap) throws {
        let findings = try check(trap.text)
        #expect(findings.map(\.code) == ["litellm/\(trap.code)"])
        let finding = try #require(findings.first)
        #expect(finding.severity == trap.severity)
        if let hint = trap.hint { #expect(finding.hints == [hint]) }
        let span = try #require(finding.span)
        let scalars = span.lineText.unicodeScalars.dropFirst(span.start.column - 1).prefix(max(1, trap.at.count))
        #expect(String(String.UnicodeScalarView(scalars)) == trap.at)
    }

    @Test func `a config without traps has no findings`() throws {
        let findings = try check(
            """
            model_list:
              - model_name: a
                litellm_params: {model: openai/x, api_key: os.environ/SET, rpm: 5, order: 1, temperature: 0.5}
                model_info: {tier: paid, my_own_key: 1}
              - {model_name: a, litellm_params: {model: azure/y, api_key: k, order: 2}}
              - {model_name: claude-*, litellm_params: {model: anthropic/*, api_key: k}}
              - {model_name: local, litellm_params: {model: ollama/llama3}}
              - {model_name: bare, litellm_params: {model: gpt-4o, api_key: k}}
              - {model_name: own, litellm_params: {model: x, custom_llm_provider: openai, api_key: k}}
            router_settings:
              routing_strategy: simple-shuffle
              fallbacks: [{a: [claude-3, nick]}, {"*": [a]}]
              model_group_alias: {nick: a, hidden: {model: a, hidden: true}}
              allowed_fails: 2
              cooldown_time: 10
            litellm_settings: {num_retries: 2, drop_params: true, callbacks: [vibe.instance], my_own: 1}
            general_settings: {master_key: os.environ/SET}
            environment_variables: {X: y}
            """)
        #expect(findings == [])
    }

    @Test func `a missing master key is an error for LiteLLM alone`() throws {
        let text = "model_list: [\(Self.model)]"
        #expect(try check(text, masterKey: nil).map(\.code) == ["litellm/master-key-missing"])
        #expect(try check(text, engine: .embedded, masterKey: nil) == [])
        #expect(try check(text, completion: .byRenderer, masterKey: nil) == [])
        #expect(try check(text, masterKey: "sk-" + String(repeating: "0f", count: 32)) == [])
        let permitted = text + "\ngeneral_settings: {dangerously_permit_weak_or_unset_master_key: true}"
        #expect(try check(permitted, masterKey: nil) == [])
    }

    @Test func `a weak key behind a variable is found as well`() throws {
        let text = "model_list: [\(Self.model)]\ngeneral_settings: {master_key: os.environ/LITELLM_MASTER_KEY}"
        let findings = try check(text, masterKey: "sk-local-test-0123456789")
        #expect(findings.map(\.code) == ["litellm/master-key-weak"])
        #expect(!String(describing: findings).contains("sk-local-test"))
    }

    @Test func `what the renderer puts right is only noted`() throws {
        let text = "model_list: [\(Self.model)]\nlitellm_settings: {cooldown_time: 5, allowed_fails: 3, num_retries: 1}"
        let findings = try check(text, completion: .byRenderer)
        #expect(findings.map(\.code) == ["litellm/wrong-section", "litellm/wrong-section"])
        #expect(findings.allSatisfy { $0.severity == .note })
    }

    @Test func `the embedded gateway has other providers`() throws {
        let mock = "model_list: [{model_name: a, litellm_params: {model: mock/x}}]"
        #expect(try check(mock, engine: .embedded) == [])
        #expect(try check(mock).map(\.code) == ["litellm/unknown-provider"])
        let azure = "model_list: [{model_name: a, litellm_params: {model: azure/x, api_key: k}}]"
        let finding = try #require(try check(azure, engine: .embedded).first)
        #expect(finding.severity == .error)
        #expect(finding.message.hasSuffix("does not serve the provider `azure` of model `a`; LiteLLM serves it"))
    }

    @Test func `virtual models must lead somewhere and be listed`() throws {
        let models = [
            VirtualModel(name: "auto", simple: "a", complex: "bg"), VirtualModel(name: "a", simple: "a", complex: "a"),
            VirtualModel(name: "fine", simple: "a", complex: "a"),
        ]
        let text = "model_list: [\(Self.model)]"
        let written = try check(text, virtualModels: models)
        #expect(
            written.map(\.code)
                == ["unknown-target", "virtual-model-missing", "virtual-model-missing"].map { "litellm/\($0)" })
        let rendered = try check(text, completion: .byRenderer, virtualModels: models)
        #expect(rendered.map(\.code) == ["litellm/unknown-target", "litellm/virtual-model-missing"])
    }

    @Test func `known packages and variables quieten what depends on them`() throws {
        let prometheus = "model_list: [\(Self.model)]\nlitellm_settings: {callbacks: [prometheus]}"
        #expect(try check(prometheus, modules: ["prometheus_client": true]) == [])
        #expect(try check(prometheus, modules: ["prometheus_client": false]).map(\.severity) == [.error])
        let keyless = "model_list: [{model_name: a, litellm_params: {model: groq/x}}]"
        #expect(try check(keyless, variables: ["GROQ_API_KEY": "g"]) == [])
        #expect(
            try check("model_list: [\(Self.model)]", variables: ["DATABASE_URL": "x"]).map(\.code) == [
                "litellm/database"
            ])
    }

    @Test func `a secret on the line of a finding is blotted out`() throws {
        let findings = try check(
            "model_list: [{model_name: a, litellm_params: {model: opnai/x, api_key: sk-planted, extra_headers: {X: planted}}}]"
        )
        #expect(findings.count == 1)
        #expect(!String(describing: findings).contains("planted"))
    }

    private func check(
        _ text: String, engine: GatewayEngine = .litellm, completion: LiteLLMLint.Completion = .asWritten,
        virtualModels: [VirtualModel] = [], masterKey: String? = "sk-0123456789abcdef0123456789abcdef",
        variables: [String: String] = [:], modules: [String: Bool] = [:]
    ) throws -> [Diagnostic] {
        var known = ["SET": "sk-0123456789abcdef0123456789abcdef"].merging(variables) { _, new in new }
        known["LITELLM_MASTER_KEY"] = masterKey
        let environment = known
        let context = LiteLLMLint.Context(
            engine: engine, completion: completion, virtualModels: virtualModels, environment: { environment[$0] },
            hasPythonModule: { modules[$0] })
        return LiteLLMLint.check(try YAMLParser.parse(Array(text.utf8), name: "config.yaml"), context)
    }
}
