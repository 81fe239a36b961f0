// SPDX-License-Identifier: MIT

/// docs/environment.md.
package enum EnvironmentReference {
    package static var markdown: String {
        var text = """
            # Environment variables

            Written by `llm-router generate environment`; do not edit. These are the variables that the command itself
            reads. Services inherit the environment of whoever started them, then their `env_file`, then their `env`.

            | variable | meaning |
            | --- | --- |

            """
        for key in EnvironmentKey.allCases { text += "| `\(key.rawValue)` | \(key.meaning) |\n" }
        return text
    }
}
