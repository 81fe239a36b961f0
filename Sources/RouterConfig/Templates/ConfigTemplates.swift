// SPDX-License-Identifier: MIT

package import Diagnostics

/// What `init` writes: the examples of the repository, which are part of the command so that it needs no files.
package enum ConfigTemplates {
    /// What serves the requests of a stack; raw values are the words of `--engine`.
    package enum Engine: String, CaseIterable, Sendable {
        case embedded, litellm
    }

    /// One file of a new stack.
    package struct File: Sendable {
        /// Relative to the folder of the stack.
        package let path: String
        /// Holds keys where `mode` is 0600.
        package let text: Secret<String>
        package let mode: UInt32

        package init(path: String, text: Secret<String>, mode: UInt32) {
            self.path = path
            self.text = text
            self.mode = mode
        }
    }

    /// The variables for which a stack needs a generated key.
    package static func secrets(engine: Engine) -> [String] {
        switch engine {
        case .embedded: []
        case .litellm: ["LITELLM_MASTER_KEY", "ROUTER_UPSTREAM_API_KEY", "MANAGEMENT_PASSWORD"]
        }
    }

    /// All files of a runnable stack, with `keys` in their places.
    package static func files(engine: Engine, keys: GeneratedKeys) -> [File] {
        let secrets = File(path: ".router/secrets.env", text: keys.environmentFile, mode: 0o600)
        let environment = File(path: "config/env.example", text: Secret(ExampleTexts.environment), mode: 0o644)
        switch engine {
        case .embedded: return [config(ExampleTexts.embedded), environment, secrets]
        case .litellm:
            let upstreamKey = keys["ROUTER_UPSTREAM_API_KEY"]?.reveal() ?? upstreamKeyPlaceholder
            let proxy = ExampleTexts.cliproxyapi.replacing(upstreamKeyPlaceholder, with: upstreamKey)
            return [
                config(ExampleTexts.litellm), File(path: "config/cliproxyapi.yaml", text: Secret(proxy), mode: 0o600),
                environment, secrets,
            ]
        }
    }

    /// What keeps everything generated out of git.
    package static var routerGitignore: String { ExampleTexts.gitignore }

    private static let upstreamKeyPlaceholder = "change-me-router-upstream-api-key"

    /// The example with the schema's place as it is seen from `config/`.
    private static func config(_ example: String) -> File {
        let text = example.replacing("../../schema/", with: "schema/").replacing(
            "$schema=../schema/", with: "$schema=schema/")
        return File(path: "config/routertool.yaml", text: Secret(text), mode: 0o600)
    }
}
