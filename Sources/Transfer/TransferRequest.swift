// SPDX-License-Identifier: MIT

package import Diagnostics

/// One HTTP request.
package struct TransferRequest: Sendable {
    package var url: TransferURL
    package var method = "GET"
    package var fields: [ResponseHead.Field] = []
    /// The value of `Authorization`; sent to the origin of `url` only, never to where it redirects.
    package var authorization: Secret<String>?
    /// Sent with `contentType`; nil sends no body.
    package var body: Secret<[UInt8]>?
    package var contentType = "application/json"

    package init(_ url: TransferURL) {
        self.url = url
    }

    package mutating func set(_ name: String, _ value: String) {
        fields.append(ResponseHead.Field(name: name, value: value))
    }
}

/// Where connections go out; empty means directly.
package struct ProxySettings: Equatable, Sendable {
    package var http: String?
    package var https: String?
    /// Hosts that are reached directly, as in `NO_PROXY`.
    package var exceptions: String?

    package init(http: String? = nil, https: String? = nil, exceptions: String? = nil) {
        self.http = http
        self.https = https
        self.exceptions = exceptions
    }

    /// The conventional variables; upper-case `HTTP_PROXY` counts too, since nothing here runs as a CGI program.
    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            let found = environment[name.lowercased()] ?? environment[name] ?? ""
            return found.isEmpty ? nil : found
        }
        self.init(
            http: value("HTTP_PROXY") ?? value("ALL_PROXY"), https: value("HTTPS_PROXY") ?? value("ALL_PROXY"),
            exceptions: value("NO_PROXY"))
    }
}

/// How to connect, how long to wait, how much to take.
package struct TransferSettings: Sendable {
    package var userAgent = "llm-router"
    package var proxies = ProxySettings()
    /// A file of certificates to trust instead of the system's.
    package var certificates: String?
    package var connectTimeout = Duration.seconds(15)
    /// A transfer that brings next to nothing for this long has stalled.
    package var stallTimeout = Duration.seconds(30)
    /// For the whole of one attempt; nil where only stalling ends it.
    package var totalTimeout: Duration?
    package var retry = RetryPolicy()
    package var redirectLimit = RedirectPolicy.limit
    /// Bytes of a body that are accepted.
    package var sizeLimitBytes = 1 << 30

    package init() {}

    /// The settings with what the environment says about proxies and certificates.
    package init(environment: [String: String]) {
        proxies = ProxySettings(environment: environment)
        certificates = environment["SSL_CERT_FILE"] ?? environment["CURL_CA_BUNDLE"]
    }
}
