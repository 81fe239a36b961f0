// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

extension LiteLLMLint {
    private static let fallbackKeys = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"]

    /// Every name that a fallback or an alias uses must be one that LiteLLM can route to.
    mutating func checkTargets() {
        let names = RoutableNames(models: modelEntries, root: root, virtualModels: context.virtualModels)
        for section in ["router_settings", "litellm_settings"] {
            for key in Self.fallbackKeys {
                for pair in (root[section]?[key]?.elements ?? []).flatMap({ $0.entries ?? [] }) {
                    checkName(pair.key, in: names, as: "`\(key)` are set for", exceptStar: true)
                    for target in pair.value.elements ?? [] { checkName(target, in: names, as: "`\(key)` lead to") }
                }
            }
            for target in root[section]?["default_fallbacks"]?.elements ?? [] {
                checkName(target, in: names, as: "`default_fallbacks` lead to")
            }
        }
        for alias in root["router_settings"]?["model_group_alias"]?.entries ?? [] {
            checkName(
                alias.value["model"] ?? alias.value, in: names,
                as: "the alias `\(alias.key.scalar?.text ?? "")` stands for")
        }
    }

    private mutating func checkName(
        _ node: YAMLNode, in names: RoutableNames, as role: String, exceptStar: Bool = false
    ) {
        guard let name = node.scalar?.text, !names.contains(name), !(exceptStar && name == "*") else { return }
        let closest = suggestion(for: name, in: "targets", names.exact)
        warn(
            "unknown-target", "\(role) the model `\(name)`, which is not in `model_list`", at: node,
            hint: closest.map { "did you mean `\($0)`?" } ?? "add a model with this name, or remove it here")
    }

    mutating func checkVirtualModels() {
        let names = RoutableNames(models: modelEntries, root: root, virtualModels: [])
        for model in context.virtualModels {
            for (role, target) in [("simple", model.simple), ("complex", model.complex)] {
                guard let target, !names.contains(target) else { continue }
                let closest = suggestion(for: target, in: "virtual targets", names.exact)
                report(
                    "unknown-target",
                    "the virtual model `\(model.name)` sends \(role) requests to `\(target)`, which is not in `model_list`",
                    at: model.span, hints: closest.map { ["did you mean `\($0)`?"] } ?? [])
            }
            let isAdded = context.completion == .byRenderer && model.defaultGroup.map(names.contains) == true
            guard !names.contains(model.name), !isAdded else { continue }
            report(
                "virtual-model-missing",
                "the virtual model `\(model.name)` is not in `model_list`, so LiteLLM answers 400 before it is resolved",
                at: model.span, hints: ["add a `model_list` entry with `model_name: \(model.name)`"])
        }
    }
}

/// The names that requests and fallbacks may use.
private struct RoutableNames {
    private(set) var exact: Set<String> = []
    private var patterns: [String] = []

    init(models: [YAMLNode], root: YAMLNode, virtualModels: [VirtualModel]) {
        for model in models {
            guard let name = model["model_name"]?.scalar?.text else { continue }
            if name.contains("*") { patterns.append(name) } else { exact.insert(name) }
            if let id = model["model_info"]?["id"]?.scalar?.text { exact.insert(id) }
        }
        for alias in root["router_settings"]?["model_group_alias"]?.entries ?? [] {
            if let name = alias.key.scalar?.text { exact.insert(name) }
        }
        exact.formUnion(virtualModels.map(\.name))
    }

    func contains(_ name: String) -> Bool {
        exact.contains(name) || patterns.contains { Self.matches(name, $0) }
    }

    /// `*` stands for any text.
    private static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, name.hasPrefix(first), name.hasSuffix(last) else {
            return false
        }
        return name.utf8.count >= first.utf8.count + last.utf8.count
    }
}
