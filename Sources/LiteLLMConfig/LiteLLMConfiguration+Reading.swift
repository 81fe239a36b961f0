// SPDX-License-Identifier: MIT

package import Diagnostics
package import YAMLSyntax

extension LiteLLMConfiguration {
    /// The typed form of `root`, the document of a LiteLLM config file.
    ///
    /// - Parameter environment: resolves `os.environ/NAME`; nil leaves such values out instead of complaining.
    /// - Throws: all problems together: wrong types, entries without a model, variables that are not set.
    package static func read(_ root: YAMLNode, environment: EnvironmentLookup?) throws(DiagnosticList)
        -> LiteLLMConfiguration
    {
        try read(blotted: SecretScalars.blottingLines(of: root), environment: environment)
    }

    /// The same for a tree whose spans show no secrets any more.
    static func read(blotted root: YAMLNode, environment: EnvironmentLookup?) throws(DiagnosticList)
        -> LiteLLMConfiguration
    {
        guard let sections = root.entries else {
            throw DiagnosticList([
                Diagnostic("litellm/type", "a LiteLLM config is a mapping, not \(root.kindInWords)", at: root.span)
            ])
        }
        var configuration = LiteLLMConfiguration()
        var reader = ValueReader(environment: environment)
        if let variables = root["environment_variables"]?.entries {
            configuration.environmentVariables = reader.variables(variables)
            reader.overrides = Dictionary(
                configuration.environmentVariables.map { ($0.name, $0.value) }
            ) { _, last in last }
        }
        for section in sections {
            configuration.read(section, with: &reader)
        }
        guard reader.problems.isEmpty else { throw DiagnosticList(reader.problems) }
        return configuration
    }

    private mutating func read(_ section: YAMLNode.Entry, with reader: inout ValueReader) {
        reader.owner = ""
        switch section.key.scalar?.text {
        case "model_list": models = reader.models(section)
        case "router_settings": routerSettings = reader.settings(section, timeoutKey: "timeout")
        case "litellm_settings": litellmSettings = reader.settings(section, timeoutKey: "request_timeout")
        case "general_settings": generalSettings = reader.generalSettings(section)
        case "environment_variables": break
        default: otherSections.append(section)
        }
    }
}

extension ValueReader {
    fileprivate mutating func variables(_ entries: [YAMLNode.Entry]) -> [(name: String, value: Secret<String>)] {
        owner = "`environment_variables`"
        return entries.compactMap { entry in
            guard let name = entry.key.scalar?.text, let value = text(entry) else { return nil }
            return (name, Secret(value))
        }
    }

    fileprivate mutating func generalSettings(_ section: YAMLNode.Entry) -> GeneralSettings {
        var settings = GeneralSettings()
        owner = "`general_settings`"
        for entry in entries(section) ?? [] {
            switch entry.key.scalar?.text {
            case "master_key": settings.masterKey = secret(entry)
            default: settings.others.append(entry)
            }
        }
        return settings
    }

    fileprivate mutating func models(_ section: YAMLNode.Entry) -> [ModelEntry] {
        if section.value.isNull { return [] }
        guard let elements = section.value.elements else {
            wrongType(section, wanted: "a list")
            return []
        }
        return elements.compactMap { element in model(element) }
    }

    private mutating func model(_ node: YAMLNode) -> ModelEntry? {
        owner = "this entry of `model_list`"
        guard node.entries != nil else {
            report("type", "an entry of `model_list` must be a mapping, not \(node.kindInWords)", at: node)
            return nil
        }
        guard let nameNode = node["model_name"], let name = nameNode.scalar?.text, !name.isEmpty else {
            report(
                "model-name-missing", "this entry of `model_list` has no `model_name`", at: node,
                hints: ["add `model_name:` with the name that clients ask for"])
            return nil
        }
        owner = "model `\(name)`"
        guard let params = parameters(of: node, name: name) else { return nil }
        var entry = ModelEntry(modelName: name, params: params, span: node.span)
        entry.modelNameSpan = nameNode.span
        entry.info = facts(of: node)
        return entry
    }

    private mutating func parameters(of node: YAMLNode, name: String) -> ModelParameters? {
        guard let section = node.entries?.first(where: { $0.key.scalar?.text == "litellm_params" }) else {
            report(
                "params-missing", "model `\(name)` has no `litellm_params`", at: node,
                hints: ["add `litellm_params:` with at least `model: provider/name`"])
            return nil
        }
        guard let entries = entries(section) else { return nil }
        guard let modelEntry = entries.first(where: { $0.key.scalar?.text == "model" }) else {
            report(
                "upstream-model-missing", "model `\(name)` has no `litellm_params.model`", at: section.value,
                hints: ["add `model: provider/name`, such as `openai/gpt-4o-mini`"])
            return nil
        }
        let provider = entries.first { $0.key.scalar?.text == "custom_llm_provider" }.flatMap { text($0) }
        guard let model = text(modelEntry) else { return nil }
        var params = ModelParameters(model: UpstreamModel(model, provider: provider))
        params.modelSpan = modelEntry.value.span
        for entry in entries { read(entry, into: &params) }
        return params
    }

    private mutating func read(_ entry: YAMLNode.Entry, into params: inout ModelParameters) {
        switch entry.key.scalar?.text {
        case "model", "custom_llm_provider": break
        case "api_base", "base_url":
            params.apiBase = text(entry)
            params.apiBaseSpan = entry.value.span
        case "api_key": params.apiKey = secret(entry)
        case "api_version": params.apiVersion = text(entry)
        case "timeout": params.timeout = seconds(entry)
        case "stream_timeout": params.streamTimeout = seconds(entry)
        case "max_retries": params.maxRetries = count(entry)
        case "rpm": params.rpm = count(entry)
        case "tpm": params.tpm = count(entry)
        case "max_parallel_requests": params.maxParallelRequests = count(entry)
        case "cooldown_time": params.cooldownTime = seconds(entry)
        case "weight": params.weight = number(entry)
        case "order": params.order = integer(entry)
        case "input_cost_per_token": params.inputCostPerToken = decimal(entry)
        case "output_cost_per_token": params.outputCostPerToken = decimal(entry)
        case "organization": params.organization = text(entry)
        case "extra_headers": params.extraHeaders = headers(entry)
        case "drop_params": params.dropParams = flag(entry)
        case "mock_response": params.mockResponse = text(entry)
        default: params.others.append(entry)
        }
    }

    private mutating func headers(_ entry: YAMLNode.Entry) -> [(name: String, value: Secret<String>)] {
        (entries(entry) ?? []).compactMap { header in
            guard let name = header.key.scalar?.text, let value = text(header) else { return nil }
            return (name, Secret(value))
        }
    }

    private mutating func facts(of node: YAMLNode) -> ModelFacts {
        var facts = ModelFacts()
        guard let section = node.entries?.first(where: { $0.key.scalar?.text == "model_info" }) else { return facts }
        for entry in entries(section) ?? [] {
            switch entry.key.scalar?.text {
            case "id": facts.id = text(entry)
            case "mode": facts.mode = text(entry)
            case "tier": facts.tier = text(entry)
            case "base_model": facts.baseModel = text(entry)
            case "max_tokens": facts.maxTokens = count(entry)
            case "max_input_tokens": facts.maxInputTokens = count(entry)
            case "max_output_tokens": facts.maxOutputTokens = count(entry)
            case "input_cost_per_token": facts.inputCostPerToken = decimal(entry)
            case "output_cost_per_token": facts.outputCostPerToken = decimal(entry)
            case "allowed_fails": facts.allowedFails = count(entry)
            case "order": facts.order = integer(entry)
            case "fallback_order": facts.fallbackOrder = integer(entry)
            case "supports_function_calling": facts.supportsFunctionCalling = flag(entry)
            case "supports_vision": facts.supportsVision = flag(entry)
            default: facts.others.append(entry)
            }
        }
        return facts
    }
}
