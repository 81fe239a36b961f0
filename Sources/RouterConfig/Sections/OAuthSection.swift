// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import YAMLSyntax

/// How `auth <provider> login` reaches a server that does the login.
package struct OAuthProviderSection: Sendable {
    /// nil is the address of the CLIProxyAPI service.
    package var baseURL: String?
    /// An address or a path below `baseURL`; nil is what the real server has.
    package var authURLEndpoint: String?
    package var statusEndpoint: String?
    package var callbackEndpoint: String?
    package var managementKey: SecretReference?
    package var callbackPort = 1455
    package var timeout = Duration.seconds(300)
    package var pollInterval = Duration.seconds(2)

    /// Endpoints below this exist in no version of the server, though older configs name them.
    static let deadPrefix = "/v0/management/oauth/"

    static let definition = SectionDefinition<OAuthProviderSection>(
        "How `auth <provider> login` reaches the server that does the login. Everything has a default that fits CLIProxyAPI.",
        [
            .optional(
                "base_url", \.baseURL, .httpAddress, default: "the address of the CLIProxyAPI service",
                "Where the management API is."),
            .optional(
                "auth_url_endpoint", \.authURLEndpoint, .endpoint, default: "the provider's own",
                "Answers with the address to log in at (`auth_url`, `url` or `login_url`)."),
            .optional(
                "status_endpoint", \.statusEndpoint, .endpoint, default: "`/v0/management/get-auth-status`",
                "Tells how the login stands."),
            .optional(
                "callback_endpoint", \.callbackEndpoint, .endpoint, default: "`/v0/management/oauth-callback`",
                "Takes the callback's address from us."),
            .optional(
                "management_key", \.managementKey, .secretReference,
                default: "the variable `MANAGEMENT_PASSWORD`, else `CLIPROXY_MANAGEMENT_KEY`",
                "Key of the management API."),
            .key(
                "callback_port", \.callbackPort, .port, defaultOf: OAuthProviderSection(),
                "Local port that the browser is sent to."),
            .key(
                "timeout", \.timeout, .duration(.seconds(1)...Duration.seconds(3600)),
                defaultOf: OAuthProviderSection(), "How long a login may take."),
            .key(
                "poll_interval", \.pollInterval, .duration(.seconds(1)...Duration.seconds(3)),
                defaultOf: OAuthProviderSection(), "Time between two questions for the status."),
        ])

    /// Takes out endpoints that would only answer 404 and says what is used instead.
    mutating func dropDeadEndpoints(provider: String, node: YAMLNode?, _ decoder: inout ConfigDecoder) {
        let replacements = [
            (
                "auth_url_endpoint", \OAuthProviderSection.authURLEndpoint,
                "/v0/management/\(Self.authWord(provider))-auth-url"
            ),
            ("status_endpoint", \OAuthProviderSection.statusEndpoint, "/v0/management/get-auth-status?state=…"),
        ]
        for (key, path, replacement) in replacements {
            guard let value = self[keyPath: path], value.contains(Self.deadPrefix) else { continue }
            decoder.report(
                .deadEndpoint(key: "oauth.\(provider).\(key)", replacement: replacement), at: node?[key]?.span)
            self[keyPath: path] = nil
        }
    }

    private static func authWord(_ provider: String) -> String {
        provider == "copilot" ? "github" : provider
    }
}

extension ValueFormat where Value == String {
    /// A whole address, or a path below a base address.
    fileprivate static var endpoint: ValueFormat {
        .text("an `http(s)://` address or a path that starts with `/`", pattern: "^(https?:/)?/[^ ]+$") { text in
            ["/", "http://", "https://"].contains { text.hasPrefix($0) && text.count > $0.count }
                && text.utf8.allSatisfy { (0x21..<0x7F).contains($0) }
        }
    }
}
