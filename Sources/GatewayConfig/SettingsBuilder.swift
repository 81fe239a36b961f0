// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import LLMRouting
internal import LiteLLMConfig
internal import YAMLSyntax

/// Turns LiteLLM's config into settings of the gateway.
struct SettingsBuilder {
    private let configuration: LiteLLMConfiguration
    let environment: EnvironmentLookup
    var settings = GatewaySettings()

    init(_ configuration: LiteLLMConfiguration, environment: @escaping EnvironmentLookup) {
        self.configuration = configuration
        self.environment = environment
    }

    mutating func build() {
        for (index, entry) in configuration.models.enumerated() { add(entry, index) }
        applyRouting(configuration.effectiveSettings)
        if let key = configuration.generalSettings.masterKey?.value {
            settings.keys.append(ClientKeySpec(name: "master", proof: .key(key)))
        }
        noteIgnored()
    }

    // MARK: Deployments

    private mutating func add(_ entry: ModelEntry, _ index: Int) {
        let params = entry.params
        guard let (provider, dialect) = provider(of: entry) else { return }
        var deployment = Deployment(
            id: entry.info.id ?? stableID(entry), group: entry.modelName, provider: params.model.prefix ?? "openai",
            upstreamModel: params.model.name)
        deployment.prices = prices(of: entry)
        deployment.requestsPerMinute = params.rpm
        deployment.tokensPerMinute = params.tpm
        deployment.maximumParallelRequests = params.maxParallelRequests
        deployment.weight = params.weight
        deployment.order = params.order ?? entry.info.fallbackOrder ?? 1
        deployment.maximumInputTokens = entry.info.maxInputTokens
        deployment.maximumOutputTokens = entry.info.maxOutputTokens
        deployment.mode = entry.info.mode.flatMap(Self.mode) ?? .any
        settings.policy.deployments.append(deployment)
        // A wildcard name keeps the provider's prefix in front of what matched, where the model says so.
        var target = TargetSpec(id: deployment.id, provider: provider, dialect: dialect, key: params.apiKey?.value)
        target.organization = params.organization
        target.extraHeaders = params.extraHeaders
        target.answerTimeout = params.timeout ?? configuration.effectiveSettings.timeout
        target.firstEventTimeout = params.streamTimeout ?? configuration.effectiveSettings.streamTimeout
        settings.targets.append(target)
        noteIgnored(entry)
    }

    private mutating func provider(of entry: ModelEntry) -> (TargetSpec.Provider, Dialect)? {
        let params = entry.params
        switch params.model.prefix {
        case "mock": return (.mock, .openAI)
        case nil, "openai", "openai_like", "custom_openai":
            return base(of: entry, default: "https://api.openai.com/v1").map { (.http($0), .openAI) }
        case "litellm_proxy": return base(of: entry, default: nil).map { (.http($0), .openAI) }
        case "openrouter": return base(of: entry, default: "https://openrouter.ai/api/v1").map { (.http($0), .openAI) }
        case "ollama_chat":
            guard let base = base(of: entry, default: "http://127.0.0.1:11434") else { return nil }
            // Ollama serves OpenAI's API under /v1.
            let isBare = base.path.isEmpty
            let scheme = base.origin.isSecure ? "https" : "http"
            return (isBare ? BaseURL("\(scheme)://\(base.origin.authority)/v1") : base).map { (.http($0), .openAI) }
        case "anthropic":
            guard let base = base(of: entry, default: "https://api.anthropic.com/v1") else { return nil }
            // LiteLLM's own convention leaves the /v1 out of api_base.
            let isVersioned = base.path.hasSuffix("/v1")
            let scheme = base.origin.isSecure ? "https" : "http"
            return (isVersioned ? base : BaseURL("\(scheme)://\(base.origin.authority)\(base.path)/v1")).map {
                (.http($0), .anthropic)
            }
        case let prefix?:
            settings.findings.append(
                Diagnostic(
                    "gateway/unknown-provider",
                    "the embedded gateway does not serve the provider `\(prefix)` of `\(entry.modelName)`",
                    at: params.modelSpan ?? entry.span,
                    notes: [
                        "served: " + ProviderPrefix.servedByGateway.sorted().map { "\($0)/" }.joined(separator: ", ")
                    ],
                    hints: [
                        "run this model with the litellm engine, or use `openai/` if the server speaks OpenAI's API"
                    ]))
            return nil
        }
    }

    private mutating func base(of entry: ModelEntry, default fallback: String?) -> BaseURL? {
        guard let text = entry.params.apiBase ?? fallback else {
            settings.findings.append(
                Diagnostic(
                    "gateway/missing-api-base", "`\(entry.modelName)` needs an `api_base`",
                    at: entry.params.modelSpan ?? entry.span))
            return nil
        }
        guard let base = BaseURL(text) else {
            settings.findings.append(
                Diagnostic(
                    "gateway/invalid-api-base",
                    "the `api_base` of `\(entry.modelName)` is not an http(s) URL without user and query",
                    at: entry.params.apiBaseSpan ?? entry.span))
            return nil
        }
        return base
    }

    /// The same over reloads as long as the deployment is called in the same way.
    private func stableID(_ entry: ModelEntry) -> String {
        "\(entry.modelName)@\(entry.params.model.text)"
            + (entry.params.apiBase.flatMap(BaseURL.init).map { "@\($0.origin.authority)" } ?? "")
    }

    private mutating func prices(of entry: ModelEntry) -> TokenPrices {
        let input = money(entry.inputCostPerToken, entry)
        let output = money(entry.outputCostPerToken, entry)
        return TokenPrices(input: input, output: output)
    }

    private mutating func money(_ amount: DecimalText?, _ entry: ModelEntry) -> Money {
        guard let amount else { return .zero }
        do throws(MoneyError) {
            return try Money(nearest: amount.text)
        } catch {
            settings.findings.append(
                Diagnostic(
                    "gateway/invalid-price", "the price `\(amount)` of `\(entry.modelName)` cannot be kept exactly",
                    at: entry.span, hints: ["use at most twelve decimals"]))
            return .zero
        }
    }

    private static func mode(_ text: String) -> DeploymentMode? {
        switch text {
        case "audio_speech": .speech
        case "audio_transcription": .transcription
        case "image_generation": .image
        default: DeploymentMode(rawValue: text)
        }
    }

    // MARK: Routing

    private mutating func applyRouting(_ routing: RoutingSettings) {
        settings.policy.strategy =
            routing.routingStrategy.flatMap { LLMRouting.RoutingStrategy(liteLLMName: $0.rawValue) } ?? .shuffle
        settings.policy.retry.count = routing.numRetries ?? LiteLLMDefaults.numRetries
        if let pause = routing.retryAfter { settings.policy.retry.minimumDelay = pause }
        settings.policy.allowedFails = routing.allowedFails
        if let time = routing.cooldownTime { settings.policy.cooldown = time }
        if let time = routing.timeout { settings.answerTimeout = time }
        settings.policy.fallbacks = Self.map(routing.fallbacks)
        settings.policy.defaultFallbacks = routing.defaultFallbacks ?? []
        settings.policy.contextWindowFallbacks = Self.map(routing.contextWindowFallbacks)
        settings.policy.contentPolicyFallbacks = Self.map(routing.contentPolicyFallbacks)
        for alias in routing.modelGroupAliases ?? [] {
            settings.policy.aliases[alias.name] = alias.target
            if alias.isHidden { settings.hiddenModels.insert(alias.name) }
        }
        for rule in routing.retryPolicy ?? [] {
            for kind in Self.kinds(rule.failure) { settings.policy.retry.countByFailure[kind] = rule.retries }
        }
        settings.policy.checksContextWindow = routing.enablePreCallChecks ?? false
    }

    private static func map(_ fallbacks: [Fallback]?) -> [String: [String]] {
        Dictionary((fallbacks ?? []).map { ($0.model, $0.targets) }) { $0 + $1 }
    }

    private static func kinds(_ failure: RetryRule.Failure) -> [FailureKind] {
        switch failure {
        case .badRequest: [.badRequest]
        case .authentication: [.authentication]
        case .timeout: [.connectTimeout, .firstTokenTimeout, .idleTimeout]
        case .rateLimit: [.rateLimited]
        case .contentPolicy: [.contentPolicy]
        case .internalServer: [.serverError]
        case .serviceUnavailable: [.unavailable]
        }
    }

    // MARK: What is ignored

    private mutating func noteIgnored(_ entry: ModelEntry) {
        for other in entry.params.others { noteIgnored(other, "litellm_params of `\(entry.modelName)`") }
    }

    private mutating func noteIgnored() {
        for section in configuration.otherSections { noteIgnored(section, "the file") }
        for (name, routing) in [
            ("router_settings", configuration.routerSettings), ("litellm_settings", configuration.litellmSettings),
        ] {
            for other in routing.others { noteIgnored(other, name) }
        }
        for other in configuration.generalSettings.others { noteIgnored(other, "general_settings") }
    }

    private mutating func noteIgnored(_ entry: YAMLNode.Entry, _ place: String) {
        let key = entry.key.scalar?.text ?? "?"
        settings.findings.append(
            Diagnostic(
                "gateway/ignored", "`\(key)` in \(place) has no effect in the embedded gateway", severity: .note,
                at: entry.key.span))
    }

    /// What can only be judged when everything is read.
    mutating func check() {
        if settings.policy.deployments.isEmpty, !settings.findings.hasErrors {
            settings.findings.append(
                Diagnostic(
                    "gateway/no-models", "the config has no deployment that the gateway can call",
                    hints: ["add one to `model_list`, for example `model: mock/echo`"]))
        }
        let groups = Set(settings.policy.deployments.map(\.group))
        let known = groups.union(settings.policy.aliases.keys).union(settings.policy.virtualModels.keys)
        let hasWildcard = groups.contains { $0.contains("*") }
        for fallback in (configuration.effectiveSettings.fallbacks ?? [])
            + (configuration.effectiveSettings.contextWindowFallbacks ?? [])
            + (configuration.effectiveSettings.contentPolicyFallbacks ?? [])
        {
            for target in fallback.targets where !known.contains(target) && !hasWildcard {
                settings.findings.append(
                    Diagnostic(
                        "gateway/unknown-fallback",
                        "the fallback `\(target)` of `\(fallback.model)` is not in `model_list`",
                        severity: .warning, at: fallback.span,
                        hints: Suggestion.closest(to: target, among: known.sorted()).map { ["did you mean `\($0)`?"] }
                            ?? []))
            }
        }
    }
}
