// SPDX-License-Identifier: MIT

package import Diagnostics
package import YAMLSyntax

/// Finds what LiteLLM swallows without a word, or says only after it has started for ten seconds.
///
/// Errors keep the engine from starting; warnings make it do something else than the config says; notes tell what the
/// renderer will put right.
package struct LiteLLMLint {
    /// Whether the config goes to the engine as it is, or through the profile renderer first.
    package enum Completion: Sendable {
        case asWritten
        case byRenderer
    }

    /// What is known of the world around the config.
    package struct Context: Sendable {
        package var engine: GatewayEngine
        package var completion: Completion
        package var virtualModels: [VirtualModel]
        /// nil when it is not known which variables the engine will see.
        package var environment: EnvironmentLookup?
        /// Whether LiteLLM's Python can import a module; nil when that is not known.
        package var hasPythonModule: @Sendable (String) -> Bool?

        package init(
            engine: GatewayEngine, completion: Completion = .asWritten, virtualModels: [VirtualModel] = [],
            environment: EnvironmentLookup? = nil, hasPythonModule: @escaping @Sendable (String) -> Bool? = { _ in nil }
        ) {
            self.engine = engine
            self.completion = completion
            self.virtualModels = virtualModels
            self.environment = environment
            self.hasPythonModule = hasPythonModule
        }
    }

    let root: YAMLNode
    let context: Context
    private(set) var findings: [Diagnostic] = []
    /// Answers of `suggestion`, by the misspelt key: many deployments may have the same one.
    private var suggestions: [String: String?] = [:]

    /// All findings in `root`, a LiteLLM config or what a profile was merged to, in order of position.
    package static func check(_ root: YAMLNode, _ context: Context) -> [Diagnostic] {
        var lint = LiteLLMLint(root: SecretScalars.blottingLines(of: root), context: context)
        lint.checkShape()
        lint.checkSections()
        lint.checkModels()
        lint.checkTargets()
        lint.checkVirtualModels()
        lint.checkReferences()
        lint.checkMasterKey()
        lint.checkPackages()
        return DiagnosticList(lint.findings).sorted
    }

    private init(root: YAMLNode, context: Context) {
        self.root = root
        self.context = context
    }

    /// The key of `table` that the operator may have meant; `table` is the same for each call with the same `place`.
    mutating func suggestion(for key: String, in place: String, _ table: Set<String>) -> String? {
        let name = "\(place).\(key)"
        if let known = suggestions[name] { return known }
        let closest = Suggestion.closest(to: key, among: table.sorted())
        suggestions[name] = .some(closest)
        return closest
    }

    mutating func report(
        _ code: String, _ message: String, severity: Diagnostic.Severity = .warning, at span: SourceSpan?,
        hints: [String] = []
    ) {
        findings.append(Diagnostic("litellm/\(code)", message, severity: severity, at: span, hints: hints))
    }

    mutating func warn(_ code: String, _ message: String, at node: YAMLNode, hint: String? = nil) {
        report(code, message, at: node.span, hints: hint.map { [$0] } ?? [])
    }

    var modelEntries: [YAMLNode] { root["model_list"]?.elements ?? [] }

    /// What the typed reader refuses.
    ///
    /// The embedded gateway does not take such a file; LiteLLM mostly drops what is wrong.
    private mutating func checkShape() {
        do {
            _ = try LiteLLMConfiguration.read(blotted: root, environment: nil)
        } catch {
            for problem in error.diagnostics {
                let isFatal = context.engine == .embedded || Self.stopsLiteLLM.contains(problem.code)
                findings.append(
                    Diagnostic(
                        problem.code, problem.message, severity: isFatal ? .error : .warning, at: problem.span,
                        notes: problem.notes, hints: problem.hints))
            }
        }
    }

    private static let stopsLiteLLM: Set<String> = [
        "litellm/fallback-shape", "litellm/model-name-missing", "litellm/params-missing", "litellm/routing-strategy",
        "litellm/upstream-model-missing",
    ]

    private mutating func checkMasterKey() {
        guard context.engine == .litellm, !isWeakKeyPermitted else { return }
        let node = root["general_settings"]?["master_key"]
        guard let node, let text = node.scalar?.text, !node.isNull else {
            let isElsewhere = context.completion == .byRenderer || context.environment?("LITELLM_MASTER_KEY") != nil
            if !isElsewhere {
                report(
                    "master-key-missing", "LiteLLM does not start without a master key", severity: .error,
                    at: root["general_settings"]?.span ?? root.span,
                    hints: [
                        "add `general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}` and set it to `sk-` and 64 random hex digits"
                    ])
            }
            return
        }
        let variable = ValueReader.variable(of: text)
        guard let key = variable.map({ context.environment?($0) }) ?? text else { return }
        checkStrength(of: key, at: node.span)
    }

    private mutating func checkStrength(of key: String, at span: SourceSpan?) {
        let hint = "llm-router profile set NAME makes a random one when the config names none; or: openssl rand -hex 32"
        if key == "sk-1234" || key.isEmpty {
            report(
                "master-key-weak", "LiteLLM refuses to start with this master key: everybody knows it",
                severity: .error,
                at: span, hints: [hint])
        } else if key.utf8.count < 20 || key.hasPrefix("change-me") || key.hasPrefix("sk-local-test") {
            report("master-key-weak", "this master key can be guessed", at: span, hints: [hint])
        }
    }

    private var isWeakKeyPermitted: Bool {
        let variable = context.environment?("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY")
        let setting = root["general_settings"]?["dangerously_permit_weak_or_unset_master_key"]?.boolValue
        return variable?.lowercased() == "true" || setting == true
    }
}
