// SPDX-License-Identifier: MIT

internal import LiteLLMConfig
internal import YAMLSyntax

/// A rendered profile as people may see it.
package enum ProfileText {
    /// The YAML of the active file with every secret that stands in it in clear text replaced.
    package static func redacted(_ rendered: RenderedProfile) -> String {
        String(decoding: YAMLWriter.bytes(of: SecretScalars.redacting(rendered.root)), as: UTF8.self)
    }
}
