// SPDX-License-Identifier: MIT

/// Which program reads a LiteLLM config file.
package enum GatewayEngine: Sendable {
    case litellm
    case embedded
}
