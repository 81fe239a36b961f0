// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

extension LiteLLMLint {
    /// References to variables: written in a way LiteLLM does not know, or to one that is not set.
    mutating func checkReferences() {
        for entry in modelEntries {
            let name = entry["model_name"]?.scalar?.text
            let owner = name.map { "model `\($0)`" } ?? "a model"
            if let params = entry["litellm_params"] { checkReferences(in: params, owner: owner) }
        }
        for section in ["router_settings", "litellm_settings", "general_settings", "environment_variables"] {
            if let node = root[section] { checkReferences(in: node, owner: "`\(section)`") }
        }
    }

    private mutating func checkReferences(in node: YAMLNode, owner: String) {
        switch node.content {
        case .mapping(let entries): for entry in entries { checkReferences(in: entry.value, owner: owner) }
        case .sequence(let elements): for element in elements { checkReferences(in: element, owner: owner) }
        case .scalar(let scalar): checkReference(scalar.text, at: node, owner: owner)
        }
    }

    private mutating func checkReference(_ text: String, at node: YAMLNode, owner: String) {
        if let variable = ValueReader.variable(of: text) {
            guard let environment = context.environment, !isSetByConfig(variable) else { return }
            // The renderer's own key is generated when the profile is set.
            let isGenerated = variable == "LITELLM_MASTER_KEY" && context.completion == .byRenderer
            guard environment(variable) == nil, !isGenerated else { return }
            warn(
                "unset-variable", "the environment variable `\(variable)`, which \(owner) needs, is not set", at: node,
                hint: "put \(variable)=… into .router/secrets.env, or into the service's `env_file`")
        } else if let variable = Self.shellVariable(in: text) {
            warn(
                "shell-variable", "LiteLLM does not replace `${\(variable)}`; \(owner) gets these very characters",
                at: node,
                hint: "write `os.environ/\(variable)`, as the whole value")
        } else if Self.mentionsReference(text) {
            warn(
                "reference-inside-text", "LiteLLM replaces `os.environ/…` only where it is the whole value", at: node,
                hint: "put the whole text into a variable")
        }
    }

    /// Whether the text holds `os.environ/`; a search by bytes, since every value of the config comes by here.
    private static func mentionsReference(_ text: String) -> Bool {
        let needle = ValueReader.referencePrefix.utf8
        var rest = text.utf8[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "o")) {
            rest = rest[start...]
            if rest.starts(with: needle) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private func isSetByConfig(_ variable: String) -> Bool {
        root["environment_variables"]?[variable] != nil
    }

    /// NAME of the first `${NAME}` in `text`, or of a text that is all `$NAME`.
    private static func shellVariable(in text: String) -> String? {
        guard let dollar = text.utf8.firstIndex(of: UInt8(ascii: "$")) else { return nil }
        let rest = text[text.index(after: dollar)...]
        if rest.first == "{", let end = rest.firstIndex(of: "}") {
            let inner = rest[rest.index(after: rest.startIndex)..<end]
            // `${NAME:-default}` means the same to those who write it.
            let name = inner.prefix { $0 != ":" && $0 != "-" }
            return isName(name) ? String(name) : nil
        }
        return dollar == text.startIndex && isName(rest) ? String(rest) : nil
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
        }
    }

    /// What LiteLLM needs besides itself.
    mutating func checkPackages() {
        guard context.engine == .litellm else { return }
        for key in ["callbacks", "success_callback", "failure_callback"] {
            guard let node = root["litellm_settings"]?[key] else { continue }
            let names = node.elements ?? [node]
            guard let found = names.first(where: { $0.scalar?.text == "prometheus" }) else { continue }
            let isThere = context.hasPythonModule("prometheus_client")
            guard isThere != true else { continue }
            report(
                "prometheus-package",
                "LiteLLM does not start with the callback `prometheus` unless prometheus_client is installed",
                severity: isThere == false ? .error : .warning, at: found.span,
                hints: [
                    "llm-router bootstrap download installs it with LiteLLM; elsewhere: pip install prometheus_client"
                ])
        }
        checkDatabase()
    }

    private mutating func checkDatabase() {
        let setting = root["general_settings"]?["database_url"]
        let hint = "without a database remove it; with one: pip install prisma, then `prisma generate`"
        guard context.hasPythonModule("prisma") != true else { return }
        if let setting, !setting.isNull {
            warn(
                "database", "LiteLLM does not start with `database_url` unless prisma is installed", at: setting,
                hint: hint)
        } else if context.environment?("DATABASE_URL") != nil {
            report(
                "database", "LiteLLM does not start with DATABASE_URL in its environment unless prisma is installed",
                at: nil, hints: ["unset DATABASE_URL for the service; \(hint)"])
        }
    }
}
