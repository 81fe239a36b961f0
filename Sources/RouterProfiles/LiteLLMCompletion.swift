// SPDX-License-Identifier: MIT

internal import LiteLLMConfig
internal import YAMLSyntax

/// Adds to a merged config what LiteLLM needs in order to do what the config says (docs/litellm.md).
///
/// Nothing that is written already is changed or overridden.
struct LiteLLMCompletion {
    private(set) var root: YAMLNode
    private(set) var additions: [RenderedProfile.Addition] = []

    init(_ root: YAMLNode) {
        self.root = root
    }

    /// Copies the keys that LiteLLM reads only from `router_settings` to there.
    mutating func copyRouterSettings() {
        for entry in root["litellm_settings"]?.entries ?? [] {
            guard let name = entry.key.scalar?.text, LiteLLMKeys.readOnlyFromRouterSettings.contains(name) else {
                continue
            }
            add(entry.value, name, to: "router_settings", because: "LiteLLM reads `\(name)` only there")
        }
        guard let router = root["router_settings"], let fails = router["allowed_fails"], !fails.isNull else { return }
        add(
            .mapping([]), "allowed_fails_policy", to: "router_settings",
            because: "without a policy LiteLLM takes an `allowed_fails` that equals its default, or the value in"
                + " `litellm_settings`, for one that is not set")
    }

    /// Names the variable that holds the key clients must send; LiteLLM refuses to start without one.
    mutating func referToMasterKey() {
        add(
            .plain("os.environ/\(StackSecrets.masterKeyName)"), "master_key", to: "general_settings",
            because: "LiteLLM does not start without a master key")
    }

    /// Lists each virtual model that is missing in `model_list`, served by the deployments of its stronger group.
    mutating func listVirtualModels(_ models: [VirtualModel]) {
        guard let list = root["model_list"], var elements = list.elements else { return }
        let known = Set(elements.compactMap { $0["model_name"]?.scalar?.text })
        for model in models where !known.contains(model.name) {
            guard let group = model.defaultGroup else { continue }
            let copies = elements.filter { $0["model_name"]?.scalar?.text == group }
                .map { Self.copy($0, named: model.name) }
            guard !copies.isEmpty else { continue }
            elements += copies
            additions.append(
                .init(
                    path: "model_list", reason: "the virtual model `\(model.name)` must be in the list to be asked for")
            )
        }
        set("model_list", YAMLNode(.sequence(elements), span: list.span), in: &root)
    }

    /// A deployment under another group's name; its id goes, since two deployments cannot share one.
    private static func copy(_ deployment: YAMLNode, named name: String) -> YAMLNode {
        let entries = (deployment.entries ?? []).compactMap { entry -> YAMLNode.Entry? in
            switch entry.key.scalar?.text {
            case "model_name": return YAMLNode.Entry(key: entry.key, value: .string(name))
            case "model_info":
                let facts = (entry.value.entries ?? []).filter { $0.key.scalar?.text != "id" }
                return facts.isEmpty ? nil : YAMLNode.Entry(key: entry.key, value: YAMLNode(.mapping(facts)))
            default: return entry
            }
        }
        return YAMLNode(.mapping(entries))
    }

    private mutating func add(_ value: YAMLNode, _ name: String, to section: String, because reason: String) {
        let existing = root[section]
        // A section that is not a mapping is the operator's mistake, which the lint reports.
        guard existing == nil || existing?.isNull == true || existing?.entries != nil else { return }
        guard existing?[name] == nil else { return }
        let entry = YAMLNode.Entry(key: .string(name), value: value)
        let entries = (existing?.entries ?? []) + [entry]
        set(section, YAMLNode(.mapping(entries), span: existing?.span), in: &root)
        additions.append(.init(path: "\(section).\(name)", reason: reason))
    }

    private func set(_ name: String, _ value: YAMLNode, in root: inout YAMLNode) {
        var entries = root.entries ?? []
        if let place = entries.firstIndex(where: { $0.key.scalar?.text == name }) {
            entries[place].value = value
        } else {
            entries.append(YAMLNode.Entry(key: .string(name), value: value))
        }
        root = YAMLNode(.mapping(entries), span: root.span)
    }
}
