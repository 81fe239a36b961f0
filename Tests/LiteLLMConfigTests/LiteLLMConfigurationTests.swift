// SPDX-License-Identifier: MIT

import Diagnostics
import LiteLLMConfig
import Testing
import YAMLSyntax

@Suite struct LiteLLMConfigurationTests {
    @Test func `reads a deployment with everything a gateway needs`() throws {
        let configuration = try read(
            """
            model_list:
              - model_name: chat
                litellm_params:
                  model: openai/meta/llama-3
                  api_base: http://127.0.0.1:8317/v1
                  api_key: os.environ/KEY
                  timeout: 2.5
                  stream_timeout: "30"
                  max_retries: 0
                  rpm: 100
                  tpm: "2000"
                  weight: 0.5
                  order: 2
                  input_cost_per_token: 0.00002
                  output_cost_per_token: 6e-05
                  organization: org
                  extra_headers: {X-Team: os.environ/TEAM}
                  temperature: 0.2
                model_info: {id: one, mode: chat, max_input_tokens: 8192, tag: x}
            """, ["KEY": "sk-secret", "TEAM": "blue"])
        let entry = try #require(configuration.models.first)
        #expect(entry.modelName == "chat")
        #expect(entry.params.model.prefix == "openai")
        #expect(entry.params.model.name == "meta/llama-3")
        #expect(entry.params.apiBase == "http://127.0.0.1:8317/v1")
        #expect(entry.params.apiKey?.variable == "KEY")
        #expect(entry.params.apiKey?.value?.reveal() == "sk-secret")
        #expect(entry.params.timeout == .milliseconds(2500))
        #expect(entry.params.streamTimeout == .seconds(30))
        #expect(entry.params.maxRetries == 0)
        #expect(entry.params.rpm == 100)
        #expect(entry.params.tpm == 2000)
        #expect(entry.params.weight == 0.5)
        #expect(entry.params.order == 2)
        #expect(entry.inputCostPerToken?.text == "0.00002")
        #expect(entry.outputCostPerToken?.text == "6e-05")
        #expect(entry.params.extraHeaders.map(\.name) == ["X-Team"])
        #expect(entry.params.extraHeaders.map { $0.value.reveal() } == ["blue"])
        #expect(entry.params.others.compactMap { $0.key.scalar?.text } == ["temperature"])
        #expect(entry.info.maxInputTokens == 8192)
        #expect(entry.info.others.compactMap { $0.key.scalar?.text } == ["tag"])
        #expect(entry.span?.start.line == 2)
        #expect(entry.params.apiBaseSpan?.start.line == 5)
    }

    @Test func `router settings win, and litellm settings fill what they leave out`() throws {
        let configuration = try read(
            """
            router_settings:
              routing_strategy: least-busy
              num_retries: 0
              fallbacks: []
              model_group_alias: {gpt: chat, old: {model: chat, hidden: true}}
              retry_policy: {TimeoutErrorRetries: 3}
            litellm_settings:
              num_retries: 4
              request_timeout: 30
              allowed_fails: 2
              cooldown_time: 10
              fallbacks: [{chat: [cheap, free]}, {"*": [cheap]}]
              drop_params: true
            """)
        let settings = configuration.effectiveSettings
        #expect(settings.routingStrategy == .leastBusy)
        #expect(settings.numRetries == 0)
        #expect(settings.timeout == .seconds(30))
        #expect(settings.allowedFails == 2)
        #expect(settings.cooldownTime == .seconds(10))
        #expect(settings.fallbacks?.map(\.model) == ["chat", "*"])
        #expect(settings.fallbacks?.first?.targets == ["cheap", "free"])
        #expect(settings.modelGroupAliases?.map(\.target) == ["chat", "chat"])
        #expect(settings.modelGroupAliases?.map(\.isHidden) == [false, true])
        #expect(settings.retryPolicy == [RetryRule(failure: .timeout, retries: 3)])
        #expect(settings.dropParams == true)
    }

    @Test func `an unset variable is an error that names the model`() throws {
        let list = try problems(
            """
            model_list:
              - model_name: chat
                litellm_params: {model: openai/x, api_key: os.environ/NOPE}
            """)
        #expect(list.map(\.code) == ["litellm/unset-variable"])
        #expect(list.first?.message == "the environment variable `NOPE`, which model `chat` needs, is not set")
        #expect(list.first?.span?.start == SourcePosition(line: 3, column: 48))
    }

    @Test func `without an environment, references are left alone`() throws {
        let root = try parse("model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: os.environ/K}}]")
        let configuration = try LiteLLMConfiguration.read(root, environment: nil)
        #expect(configuration.models.first?.params.apiKey?.variable == "K")
        #expect(configuration.models.first?.params.apiKey?.value == nil)
    }

    @Test func `environment_variables of the file come before the environment`() throws {
        let configuration = try read(
            """
            general_settings: {master_key: os.environ/MASTER}
            environment_variables: {MASTER: sk-own}
            """, ["MASTER": "sk-outer"])
        #expect(configuration.generalSettings.masterKey?.value?.reveal() == "sk-own")
    }

    @Test(arguments: [
        ("model_list: {a: b}", "litellm/type"),
        ("model_list: [3]", "litellm/type"),
        ("model_list: [{litellm_params: {model: openai/x}}]", "litellm/model-name-missing"),
        ("model_list: [{model_name: a}]", "litellm/params-missing"),
        ("model_list: [{model_name: a, litellm_params: {api_key: k}}]", "litellm/upstream-model-missing"),
        ("model_list: [{model_name: a, litellm_params: {model: openai/x, rpm: many}}]", "litellm/type"),
        ("model_list: [{model_name: a, litellm_params: {model: openai/x, rpm: -1}}]", "litellm/type"),
        ("model_list: [{model_name: a, litellm_params: {model: openai/x, timeout: -3}}]", "litellm/type"),
        ("model_list: [{model_name: a, litellm_params: {model: openai/x, timeout: .inf}}]", "litellm/type"),
        ("router_settings: {routing_strategy: fastest}", "litellm/routing-strategy"),
        ("router_settings: {fallbacks: {a: [b]}}", "litellm/fallback-shape"),
        ("router_settings: {fallbacks: [a]}", "litellm/fallback-shape"),
        ("router_settings: {retry_policy: {Oops: 1}}", "litellm/retry-policy"),
        ("[1]", "litellm/type"),
    ])
    func `says what is wrong`(text: String, code: String) throws {
        #expect(try problems(text).map(\.code) == [code])
    }

    @Test func `all problems come together`() throws {
        let list = try problems(
            """
            model_list:
              - {model_name: a, litellm_params: {model: openai/x, rpm: x, tpm: y}}
              - {model_name: b}
            router_settings: {num_retries: often}
            """)
        #expect(list.count == 4)
    }

    @Test func `a secret in the file appears neither in values nor in the lines of their spans`() throws {
        let configuration = try read(
            "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: sk-planted}}]")
        #expect(!String(reflecting: configuration).contains("sk-planted"))
    }

    @Test(arguments: [
        ("2", "2"), ("0.00002", "0.00002"), ("1_000.5", "1000.5"), ("2e-05", "2e-05"), ("1.", "1."), (".5", ".5"),
    ])
    func `decimal text keeps its digits`(text: String, kept: String) {
        #expect(DecimalText(text)?.text == kept)
    }

    @Test(arguments: ["", ".", "e5", "1e", "0x10", "1.2.3", "nan", ".inf", "1e99999", "--1", "１"])
    func `what is no decimal number is refused`(text: String) {
        #expect(DecimalText(text) == nil)
    }

    private func parse(_ text: String) throws -> YAMLNode {
        try YAMLParser.parse(Array(text.utf8), name: "config.yaml")
    }

    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> LiteLLMConfiguration {
        try LiteLLMConfiguration.read(parse(text), environment: { environment[$0] })
    }

    private func problems(_ text: String) throws -> [Diagnostic] {
        do {
            _ = try LiteLLMConfiguration.read(parse(text), environment: { _ in nil })
            return []
        } catch let list as DiagnosticList {
            return list.diagnostics
        }
    }
}

@Suite struct SecretScalarsTests {
    @Test(arguments: [
        "api_key", "API_KEY", "master_key", "aws_secret_access_key", "password", "redis_password", "client_secret",
        "hf_token", "token", "database_url", "vertex_credentials", "alert_to_webhook_url", "OPENAI_API_KEY",
    ])
    func `knows a secret by its key`(key: String) {
        #expect(SecretScalars.isSecretKey(key))
    }

    @Test(arguments: [
        "max_tokens", "input_cost_per_token", "output_cost_per_reasoning_token", "citation_cost_per_token", "model",
        "max_budget", "rpm", "cache_read_input_token_cost", "api_base", "keys", "tokens", "max_parallel_requests",
    ])
    func `takes prices and limits for what they are`(key: String) {
        #expect(!SecretScalars.isSecretKey(key))
    }
}
