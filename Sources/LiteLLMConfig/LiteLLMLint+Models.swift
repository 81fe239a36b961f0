// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

extension LiteLLMLint {
    mutating func checkModels() {
        guard !modelEntries.isEmpty else {
            let place = root["model_list"]?.span ?? root.span
            report(
                "no-models", "there is no model in `model_list`; LiteLLM starts all the same and says it is healthy",
                at: place, hints: ["add `model_list: [{model_name: …, litellm_params: {model: …}}]`"])
            return
        }
        var places: [String: YAMLNode] = [:]
        for entry in modelEntries {
            guard let name = entry["model_name"]?.scalar?.text else { continue }
            checkParameters(of: entry, name: name)
            checkFacts(of: entry, name: name)
            guard let id = entry["model_info"]?["id"], let text = id.scalar?.text else { continue }
            if let first = places.updateValue(id, forKey: text), first.span != id.span {
                warn(
                    "duplicate-id", "two deployments have the id `\(text)`; LiteLLM mixes up their failures and limits",
                    at: id,
                    hint: "give each `model_info.id` a name of its own, or leave it out")
            }
        }
        checkOrder()
    }

    private mutating func checkParameters(of entry: YAMLNode, name: String) {
        guard let params = entry["litellm_params"], let model = params["model"], let text = model.scalar?.text else {
            return
        }
        let upstream = UpstreamModel(text, provider: params["custom_llm_provider"]?.scalar?.text)
        checkProvider(upstream, name: name, at: params["custom_llm_provider"] ?? model)
        checkKey(of: params, upstream: upstream, name: name)
        for pair in params.entries ?? [] {
            guard let key = pair.key.scalar?.text, !LiteLLMKeys.parameters.contains(key) else { continue }
            guard let closest = suggestion(for: key, in: "litellm_params", LiteLLMKeys.parameters) else { continue }
            warn(
                "unknown-key", "LiteLLM knows no `\(key)` in `litellm_params` and sends it to the provider",
                at: pair.key,
                hint: "did you mean `\(closest)`?")
        }
    }

    private mutating func checkProvider(_ upstream: UpstreamModel, name: String, at node: YAMLNode) {
        guard let prefix = upstream.prefix else {
            if !upstream.isWildcard, context.engine == .embedded || !Self.hasFamiliarName(upstream.name) {
                warn(
                    "provider-missing", "`\(upstream.text)` names no provider", at: node,
                    hint: "write `provider/\(upstream.text)`, such as `openai/\(upstream.text)`")
            }
            return
        }
        switch context.engine {
        case .litellm:
            guard !ProviderPrefix.isKnownToLiteLLM(prefix) else { return }
            let closest = suggestion(for: prefix, in: "litellm", ProviderPrefix.knownToLiteLLM)
            let served = ProviderPrefix.servedByGateway.contains(prefix) ? "; the embedded gateway serves it" : ""
            warn(
                "unknown-provider",
                "LiteLLM knows no provider `\(prefix)` and leaves this deployment of `\(name)` out without a word\(served)",
                at: node,
                hint: closest.map { "did you mean `\($0)/`?" }
                    ?? "for a server that speaks OpenAI's API, write `openai/…`")
        case .embedded:
            guard !ProviderPrefix.servedByGateway.contains(prefix) else { return }
            let closest = suggestion(for: prefix, in: "gateway", ProviderPrefix.servedByGateway)
            let other = ProviderPrefix.isKnownToLiteLLM(prefix) ? "; LiteLLM serves it" : ""
            report(
                "unknown-provider",
                "the embedded gateway does not serve the provider `\(prefix)` of model `\(name)`\(other)",
                severity: .error, at: node.span, hints: closest.map { ["did you mean `\($0)/`?"] } ?? [])
        }
    }

    private mutating func checkKey(of params: YAMLNode, upstream: UpstreamModel, name: String) {
        let prefix = upstream.prefix ?? "openai"
        let needsNone = ProviderPrefix.withoutKey.contains(prefix) || ProviderPrefix.withOwnCredentials.contains(prefix)
        if let key = params["api_key"], !key.isNull { return }
        guard !needsNone, params["litellm_credential_name"] == nil, params["mock_response"] == nil else { return }
        let variable = prefix.uppercased().replacing("-", with: "_") + "_API_KEY"
        guard context.environment?(variable) == nil else { return }
        warn(
            "api-key-missing",
            "model `\(name)` has no `api_key`; LiteLLM starts, then answers 500 \"Missing credentials\"",
            at: params["model"] ?? params,
            hint: "add `api_key: os.environ/\(variable)`, or any text when the server wants none")
    }

    private mutating func checkFacts(of entry: YAMLNode, name: String) {
        guard let facts = entry["model_info"] else { return }
        for pair in facts.entries ?? [] {
            guard let key = pair.key.scalar?.text else { continue }
            if key == "tier", let tier = pair.value.scalar?.text, tier != "free", tier != "paid", !pair.value.isNull {
                warn(
                    "tier",
                    "LiteLLM takes only `free` and `paid` as `tier`, and leaves this deployment of `\(name)` out without a word",
                    at: pair.value, hint: "keep it under another name, such as `class: \(tier)`")
            } else if !LiteLLMKeys.facts.contains(key),
                let closest = suggestion(for: key, in: "model_info", LiteLLMKeys.facts)
            {
                warn(
                    "unknown-key", "LiteLLM knows no `\(key)` in `model_info`", at: pair.key,
                    hint: "did you mean `\(closest)`?")
            }
        }
    }

    /// `fallback_order` means nothing to LiteLLM: it picks among the deployments of a group at random.
    private mutating func checkOrder() {
        let strategy = root["router_settings"]?["routing_strategy"]?.scalar?.text
        guard strategy == nil || strategy == RoutingStrategy.simpleShuffle.rawValue else { return }
        let groups = Dictionary(grouping: modelEntries) { $0["model_name"]?.scalar?.text ?? "" }
        for entry in modelEntries {
            guard let name = entry["model_name"]?.scalar?.text, groups[name, default: []].count > 1 else { continue }
            guard let order = entry["model_info"]?["fallback_order"] else { continue }
            guard entry["litellm_params"]?["order"] == nil, entry["model_info"]?["order"] == nil else { continue }
            warn(
                "order-ignored",
                "`fallback_order` has no effect: under simple-shuffle LiteLLM picks one of the \(groups[name, default: []].count) deployments of `\(name)` at random",
                at: order, hint: "write `order: \(order.scalar?.text ?? "1")` into its `litellm_params`")
        }
    }

    private static let afterwards: [GatewayEngine: String] = [
        .litellm: "LiteLLM starts all the same, then answers 500 \"Missing credentials\"",
        .embedded: "its provider will refuse every request",
    ]

    /// Bare names whose provider LiteLLM finds in its price list.
    private static func hasFamiliarName(_ name: String) -> Bool {
        familiarBeginnings.contains { name.hasPrefix($0) }
    }

    private static let familiarBeginnings = [
        "chatgpt-", "claude-", "codex-", "command-", "dall-e-", "davinci-", "gemini-", "gpt-", "mistral-", "o1", "o3",
        "o4",
        "omni-moderation-", "text-", "tts-", "whisper-",
    ]
}
