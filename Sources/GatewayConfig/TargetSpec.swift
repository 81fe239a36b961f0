// SPDX-License-Identifier: MIT

package import Diagnostics

/// Whose shapes a client or a deployment speaks.
package enum Dialect: Sendable {
    case openAI, anthropic
}

/// How a deployment is called.
package struct TargetSpec: Sendable {
    package enum Provider: Sendable {
        case mock
        case http(BaseURL)
    }

    /// That of the deployment.
    package var id: String
    package var provider: Provider
    package var dialect: Dialect
    package var key: Secret<String>?
    package var organization: String?
    package var extraHeaders: [(name: String, value: Secret<String>)] = []
    /// For whole answers: how long until they come.
    package var answerTimeout: Duration?
    /// For streams: how long until the first event.
    package var firstEventTimeout: Duration?

    package init(id: String, provider: Provider, dialect: Dialect = .openAI, key: Secret<String>? = nil) {
        self.id = id
        self.provider = provider
        self.dialect = dialect
        self.key = key
    }
}

/// A key that clients may show, and what it allows.
package struct ClientKeySpec: Sendable {
    package enum Proof: Sendable {
        case key(Secret<String>)
        case sha256([UInt8])
    }

    /// Names the key in logs, budgets and limits; never the key itself.
    package var name: String
    package var proof: Proof
    /// Empty allows all models.
    package var models: Set<String> = []
    /// Seconds since 1970.
    package var expires: Int64?

    package init(name: String, proof: Proof) {
        self.name = name
        self.proof = proof
    }
}
