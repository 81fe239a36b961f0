// SPDX-License-Identifier: MIT

/// Where the embedded gateway finds its own settings: in a JSON file beside the LiteLLM config it serves.
package enum GatewayPolicyPath {
    /// `litellm.active.yaml` → `litellm.active.gateway.json`.
    package static func besides(_ config: String) -> String {
        for ending in [".yaml", ".yml", ".json"] where config.hasSuffix(ending) {
            return String(config.dropLast(ending.count)) + ".gateway.json"
        }
        return config + ".gateway.json"
    }
}
