// SPDX-License-Identifier: MIT

package import Diagnostics
package import LLMRouting

/// What a LiteLLM config and the policy file beside it say, in the gateway's terms.
package struct GatewaySettings: Sendable {
    package var policy = GatewayPolicy()
    /// One for each deployment of `policy`, in its order.
    package var targets: [TargetSpec] = []
    package var keys: [ClientKeySpec] = []
    package var limits = GatewayLimits()
    package var hiddenModels: Set<String> = []
    package var affinityHeader: String?
    package var logsRequests = true
    package var answerTimeout = Duration.seconds(120)
    package var traces: TraceSettings?
    package var ledgerPath: String?
    package var admin: AdminSettings?
    package var host: String?
    package var port: Int?
    /// Warnings and notes about what is ignored.
    package var findings = DiagnosticList()

    package init() {}
}

/// Where trace files go.
package struct TraceSettings: Equatable, Sendable {
    package var directory: String
    package var keep: Int
}

/// Where the operator's side listens.
package struct AdminSettings: Sendable {
    package enum Address: Equatable, Sendable {
        case socket(String)
        case port(host: String, port: Int)
    }

    package var address: Address
    package var key: Secret<String>?
}
