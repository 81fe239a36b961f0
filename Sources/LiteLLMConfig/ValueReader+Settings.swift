// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

extension ValueReader {
    /// The settings of one section; `timeoutKey` is what this section calls the time-out of a request.
    mutating func settings(_ section: YAMLNode.Entry, timeoutKey: String) -> RoutingSettings {
        var settings = RoutingSettings()
        owner = "`\(section.key.scalar?.text ?? "?")`"
        for entry in entries(section) ?? [] {
            let key = entry.key.scalar?.text
            if key == timeoutKey {
                settings.timeout = seconds(entry)
            } else if !readNumbers(key, entry, into: &settings), !readLists(key, entry, into: &settings) {
                settings.others.append(entry)
            }
        }
        return settings
    }

    /// False when the key is none of those.
    private mutating func readNumbers(
        _ key: String?, _ entry: YAMLNode.Entry, into settings: inout RoutingSettings
    ) -> Bool {
        switch key {
        case "num_retries": settings.numRetries = count(entry)
        case "stream_timeout": settings.streamTimeout = seconds(entry)
        case "allowed_fails": settings.allowedFails = count(entry)
        case "cooldown_time": settings.cooldownTime = seconds(entry)
        case "retry_after": settings.retryAfter = seconds(entry)
        case "enable_pre_call_checks": settings.enablePreCallChecks = flag(entry)
        case "drop_params": settings.dropParams = flag(entry)
        case "disable_cooldowns": settings.disableCooldowns = flag(entry)
        default: return false
        }
        return true
    }

    private mutating func readLists(
        _ key: String?, _ entry: YAMLNode.Entry, into settings: inout RoutingSettings
    ) -> Bool {
        switch key {
        case "routing_strategy": settings.routingStrategy = strategy(entry)
        case "fallbacks": settings.fallbacks = fallbacks(entry)
        case "default_fallbacks": settings.defaultFallbacks = texts(entry)
        case "context_window_fallbacks": settings.contextWindowFallbacks = fallbacks(entry)
        case "content_policy_fallbacks": settings.contentPolicyFallbacks = fallbacks(entry)
        case "model_group_alias": settings.modelGroupAliases = aliases(entry)
        case "retry_policy": settings.retryPolicy = retryPolicy(entry)
        default: return false
        }
        return true
    }

    private mutating func strategy(_ entry: YAMLNode.Entry) -> RoutingStrategy? {
        guard let text = text(entry) else { return nil }
        if let strategy = RoutingStrategy(rawValue: text) { return strategy }
        let names = RoutingStrategy.allCases.map(\.rawValue)
        let closest = Suggestion.closest(to: text, among: names).map { "did you mean `\($0)`?" }
        report(
            "routing-strategy", "`\(text)` is not a routing strategy", at: entry.value,
            hints: [closest ?? "use one of \(names.map { "`\($0)`" }.joined(separator: ", "))"])
        return nil
    }

    /// `[{model: [target, …]}, …]`, one key in each mapping as LiteLLM demands.
    private mutating func fallbacks(_ entry: YAMLNode.Entry) -> [Fallback]? {
        if entry.value.isNull { return nil }
        guard let elements = entry.value.elements else {
            reportShape(of: entry, at: entry.value)
            return nil
        }
        return elements.compactMap { element in
            guard let pairs = element.entries, pairs.count == 1, let model = pairs[0].key.scalar?.text else {
                reportShape(of: entry, at: element)
                return nil
            }
            return texts(pairs[0]).map { Fallback(model: model, targets: $0, span: pairs[0].key.span) }
        }
    }

    private mutating func reportShape(of entry: YAMLNode.Entry, at node: YAMLNode) {
        let name = entry.key.scalar?.text ?? "?"
        report(
            "fallback-shape", "`\(name)` must be a list of mappings with one key each, not \(node.kindInWords)",
            at: node,
            hints: ["write `\(name): [{model-a: [model-b, model-c]}]`"])
    }

    /// `{alias: model}` or `{alias: {model: …, hidden: true}}`
    private mutating func aliases(_ entry: YAMLNode.Entry) -> [ModelGroupAlias]? {
        entries(entry)?.compactMap { alias in
            guard let name = alias.key.scalar?.text else { return nil }
            guard alias.value.entries != nil else {
                return text(alias).map { ModelGroupAlias(name: name, target: $0, span: alias.key.span) }
            }
            guard let target = alias.value["model"]?.scalar?.text else {
                wrongType(alias, wanted: "a model name, or a mapping with `model`")
                return nil
            }
            let isHidden = alias.value["hidden"]?.boolValue ?? false
            return ModelGroupAlias(name: name, target: target, isHidden: isHidden, span: alias.key.span)
        }
    }

    private mutating func retryPolicy(_ entry: YAMLNode.Entry) -> [RetryRule]? {
        entries(entry)?.compactMap { rule in
            let name = rule.key.scalar?.text ?? ""
            guard let failure = RetryRule.Failure(rawValue: name) else {
                report(
                    "retry-policy", "`\(name)` is no kind of failure", at: rule.key,
                    hints: ["use \(RetryRule.Failure.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))"])
                return nil
            }
            return count(rule).map { RetryRule(failure: failure, retries: $0) }
        }
    }
}
