// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

extension LiteLLMLint {
    private static let settingsSections: [String: Set<String>] = [
        "router_settings": LiteLLMKeys.router,
        "litellm_settings": LiteLLMKeys.litellm.subtracting(LiteLLMKeys.readOnlyFromRouterSettings),
        "general_settings": LiteLLMKeys.general,
    ]

    mutating func checkSections() {
        for section in root.entries ?? [] {
            guard let name = section.key.scalar?.text else { continue }
            if let known = Self.settingsSections[name] {
                checkKeys(of: section.value, section: name, known: known)
            } else if !LiteLLMKeys.sections.contains(name) {
                reportUnknownSection(name, at: section.key)
            }
        }
        checkAllowedFails()
    }

    private mutating func reportUnknownSection(_ name: String, at key: YAMLNode) {
        let homes = LiteLLMKeys.sections(reading: name)
        if let home = homes.first {
            warn("wrong-section", "LiteLLM reads no `\(name)` here", at: key, hint: "move it to `\(home)`")
        } else {
            let closest = Suggestion.closest(to: name, among: LiteLLMKeys.sections.sorted())
            warn(
                "unknown-section", "LiteLLM knows no section `\(name)` and ignores it", at: key,
                hint: closest.map { "did you mean `\($0)`?" })
        }
    }

    private mutating func checkKeys(of section: YAMLNode, section name: String, known: Set<String>) {
        for entry in section.entries ?? [] {
            guard let key = entry.key.scalar?.text else { continue }
            checkNumber(entry, key: key, section: name)
            guard !known.contains(key) else { continue }
            let homes = LiteLLMKeys.sections(reading: key).filter { $0 != name }
            if homes.isEmpty {
                reportUnknownKey(key, at: entry.key, section: name, known: known)
            } else {
                reportWrongSection(key, at: entry.key, section: name, home: homes[0])
            }
        }
    }

    private static let numbers: Set<String> = [
        "allowed_fails", "cooldown_time", "max_fallbacks", "num_retries", "request_timeout", "retry_after", "timeout",
    ]

    /// LiteLLM takes `"3"` as it is, and each request fails where it computes with it.
    private mutating func checkNumber(_ entry: YAMLNode.Entry, key: String, section: String) {
        guard context.engine == .litellm, section != "general_settings", Self.numbers.contains(key) else { return }
        guard let text = entry.value.stringValue, DecimalText(text) != nil else { return }
        warn(
            "number-as-text", "`\(key)` is the text \"\(text)\" here; LiteLLM computes with it as if it were a number",
            at: entry.value, hint: "write `\(key): \(text)` without quotes")
    }

    private mutating func reportWrongSection(_ key: String, at node: YAMLNode, section: String, home: String) {
        let isCopied = section == "litellm_settings" && LiteLLMKeys.readOnlyFromRouterSettings.contains(key)
        if isCopied, context.completion == .byRenderer {
            report(
                "wrong-section",
                "LiteLLM reads `\(key)` only from `router_settings`; the rendered file has it there, too",
                severity: .note, at: node.span)
        } else if key.hasSuffix("callbacks") || key.hasSuffix("_callback") {
            warn(
                "callbacks-section", "LiteLLM calls no `\(key)` that stand only in `\(section)`", at: node,
                hint: "move them to `litellm_settings`")
        } else if context.engine == .litellm, section == "router_settings", key.hasPrefix("health_check_") {
            report(
                "wrong-section", "LiteLLM does not start with `\(key)` in `router_settings`", severity: .error,
                at: node.span, hints: ["move it to `\(home)`"])
        } else if context.engine == .litellm || !isCopied {
            warn(
                "wrong-section", "LiteLLM does not read `\(key)` in `\(section)`", at: node,
                hint: "move it to `\(home)`")
        }
    }

    private mutating func reportUnknownKey(_ key: String, at node: YAMLNode, section: String, known: Set<String>) {
        let closest = suggestion(for: key, in: section, known)
        guard closest != nil || section == "router_settings" else { return }
        warn(
            "unknown-key", "LiteLLM knows no `\(key)` in `\(section)` and ignores it", at: node,
            hint: closest.map { "did you mean `\($0)`?" })
    }

    /// LiteLLM compares the router's value with its library's, and takes equal for not set.
    private mutating func checkAllowedFails() {
        guard context.engine == .litellm, context.completion == .asWritten else { return }
        let router = root["router_settings"]
        guard let node = router?["allowed_fails"], let count = node.integerValue else { return }
        guard router?["allowed_fails_policy"] == nil else { return }
        let library = root["litellm_settings"]?["allowed_fails"]?.integerValue ?? LiteLLMDefaults.allowedFails
        guard count == library else { return }
        warn(
            "allowed-fails-default",
            "LiteLLM takes `allowed_fails: \(count)` for not set, since it equals the value of its library, and no deployment is cooled down for it",
            at: node, hint: "add `allowed_fails_policy: {}` to `router_settings`")
    }
}
