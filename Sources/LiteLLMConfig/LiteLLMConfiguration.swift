// SPDX-License-Identifier: MIT

package import Diagnostics
package import YAMLSyntax

/// What an `os.environ/NAME` reference stands for; nil when the variable is not set.
package typealias EnvironmentLookup = @Sendable (String) -> String?

/// LiteLLM's own config file as typed values that know where they were written.
package struct LiteLLMConfiguration: Sendable {
    /// The deployments in written order; several may share one `modelName`.
    package var models: [ModelEntry] = []
    package var routerSettings = RoutingSettings()
    package var litellmSettings = RoutingSettings()
    package var generalSettings = GeneralSettings()
    /// What LiteLLM puts into its environment before it resolves references; consulted first by the reader as well.
    package var environmentVariables: [(name: String, value: Secret<String>)] = []
    /// Sections that this reader does not use, such as `guardrails`.
    package var otherSections: [YAMLNode.Entry] = []

    package init() {}

    /// The names that clients may ask for, each once, in written order.
    package var modelGroupNames: [String] {
        var seen: Set<String> = []
        return models.map(\.modelName).filter { seen.insert($0).inserted }
    }

    /// The settings with the meaning their writer had in mind: `router_settings` win over `litellm_settings`.
    ///
    /// LiteLLM itself ignores some keys in `litellm_settings` (docs/litellm.md); the renderer copies those over, so
    /// that both engines act alike on a rendered file.
    package var effectiveSettings: RoutingSettings {
        routerSettings.completed(by: litellmSettings)
    }
}

/// The part of `general_settings` that concerns a gateway.
package struct GeneralSettings: Sendable {
    /// The key that clients must send.
    package var masterKey: SecretValue?
    package var others: [YAMLNode.Entry] = []

    package init() {}
}

/// A secret as the config names it: in the file itself or by a variable.
package struct SecretValue: Sendable {
    /// The variable of `os.environ/NAME`; nil when the value is in the file.
    package let variable: String?
    /// nil when the variable is not set, or when nothing was to be looked up.
    package let value: Secret<String>?
    package let span: SourceSpan?

    package init(variable: String?, value: Secret<String>?, span: SourceSpan?) {
        self.variable = variable
        self.value = value
        self.span = span
    }
}
