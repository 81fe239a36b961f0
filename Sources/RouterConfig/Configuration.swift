// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
package import YAMLSyntax

/// A valid, migrated config with all paths absolute; nothing in it came from the environment.
package struct Configuration: Sendable {
    /// The version that the file was written for.
    package var version = 2
    /// Absolute path of the config file.
    package var file = ""
    /// The folder of the config file.
    package var directory = ""
    package var paths = PathsSection()
    /// In written order.
    package var services: [Named<ServiceSection>] = []
    /// What every profile is merged over, exactly as written.
    package var litellmBase = YAMLNode(.mapping([]))
    /// In written order, each exactly as written.
    package var profiles: [Named<YAMLNode>] = []
    package var bootstrap = BootstrapSection()
    package var supervisor = SupervisorSection()
    package var gateway = GatewaySection()
    /// Whether the file has a `gateway` section.
    package var hasGateway: Bool { gateway.node.span != nil }
    package var oauth: [Named<OAuthProviderSection>] = []
    /// Files whose permissions are watched, absolute.
    package var secretFiles: [String] = []

    package func service(_ name: String) -> ServiceSection? {
        services.first { $0.name == name }?.value
    }

    package func profile(_ name: String) -> YAMLNode? {
        profiles.first { $0.name == name }?.value
    }

    /// The settings of `provider`, defaults where the file says nothing.
    package func oauthProvider(_ provider: String) -> OAuthProviderSection {
        oauth.first { $0.name == provider }?.value ?? OAuthProviderSection()
    }

    static let definition = SectionDefinition<Configuration>(
        "A config file describes one stack: the services that run, and the profiles that decide how requests are routed.",
        [
            .checked("$schema", .string, "Address of the schema, for editors of JSON."),
            .key("config_version", \.version, .version, defaultOf: Configuration(), "Version of this format: 1 or 2."),
            .key(
                "paths", \.paths, .section(PathsSection.definition) { PathsSection() }, isRequired: true,
                "Files and folders that the command generates."),
            .key(
                "services", \.services,
                .mapping(
                    nameWords: "service names", of: .section(ServiceSection.definition) { ServiceSection() },
                    checkingName: ServiceSection.checkName), isRequired: true, "What runs."),
            .key(
                "litellm_base", \.litellmBase, .foreignMapping, isRequired: true,
                "LiteLLM's config: `model_list`, `router_settings`, `litellm_settings`, … Keys unknown to llm-router pass untouched."
            ),
            .key(
                "profiles", \.profiles,
                .mapping(nameWords: "profile names", of: .foreignMapping, checkingName: checkProfileName),
                isRequired: true, "Each is merged over `litellm_base`: mappings deeply, lists and scalars replace."),
            .key(
                "bootstrap", \.bootstrap, .section(BootstrapSection.definition) { BootstrapSection() }, default: "{}",
                "What is downloaded and installed."),
            .key(
                "supervisor", \.supervisor, .section(SupervisorSection.definition) { SupervisorSection() },
                default: "{}", "What holds for all services."),
            .key("gateway", \.gateway, .gatewaySection, default: "{}", "The embedded gateway's own settings."),
            .key("oauth", \.oauth, .oauthProviders, default: "{}", "How logins reach the server that does them."),
            .key(
                "secret_files", \.secretFiles, .list(of: .path), default: "[]",
                "Files that only their owner may read; `doctor`, `status` and `security check` look at them."),
        ])

    private static func checkProfileName(_ key: YAMLNode, _ decoder: inout ConfigDecoder) -> Bool {
        let name = key.scalar?.text ?? ""
        let isGood =
            !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { isAlphanumeric($0) || "_-.".utf8.contains($0) }
        if !isGood {
            let words = "a profile name: up to 64 letters, digits, `_`, `-`, `.`"
            decoder.report(.invalidValue(key: "a key of profiles", expected: words, found: name), at: key.span)
        }
        return isGood
    }
}

extension ValueFormat where Value == Int {
    /// `config_version`; the versions themselves are checked before anything else is read.
    fileprivate static var version: ValueFormat {
        .scalar("1 or 2", ["enum": [1, 2]], write: String.init) { $0.integerValue }
    }
}

extension ValueFormat where Value == GatewaySection {
    fileprivate static var gatewaySection: ValueFormat {
        let section = ValueFormat.section(GatewaySection.definition) { GatewaySection() }
        return ValueFormat(section.shape) { node, decoder in
            var value = section.read(node, &decoder)
            value?.keep(node)
            return value
        }
    }
}

extension ValueFormat where Value == [Named<OAuthProviderSection>] {
    fileprivate static var oauthProviders: ValueFormat {
        let section = ValueFormat<OAuthProviderSection>.section(OAuthProviderSection.definition) {
            OAuthProviderSection()
        }
        let mapping = ValueFormat.mapping(nameWords: "providers, such as `codex` and `copilot`", of: section)
        return ValueFormat(mapping.shape) { node, decoder in
            mapping.read(node, &decoder)?.map { provider in
                var provider = provider
                provider.value.dropDeadEndpoints(provider: provider.name, node: node[provider.name], &decoder)
                return provider
            }
        }
    }
}
