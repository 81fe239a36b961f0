// SPDX-License-Identifier: MIT

/// Roles and the providers that play them: what `llm.yaml` says.
public struct RoleConfiguration: Hashable, Sendable {
    /// Somebody who can be called, under a name of the file's.
    public struct Provider: Hashable, Sendable {
        /// The name that roles and traces use.
        public var name: String
        /// A type of the ``ProviderRegistry``.
        public var type: String
        /// Everything else that was written, untouched.
        public var settings: Settings

        public init(name: String, type: String, settings: Settings = Settings()) {
            self.name = name
            self.type = type
            self.settings = settings
        }
    }

    /// One step behind the first provider of a role.
    public struct Fallback: Hashable, Sendable {
        /// The name of a configured provider.
        public var provider: String
        /// The role's model when nil.
        public var model: String?

        public init(provider: String, model: String? = nil) {
            self.provider = provider
            self.model = model
        }
    }

    /// A purpose that callers name instead of a model.
    public struct Role: Hashable, Sendable {
        /// The name that callers use.
        public var name: String
        /// The provider that is called first.
        public var provider: String
        /// What its requests say unless policy or caller say otherwise.
        public var attributes: RequestAttributes
        /// Who is called when the first provider failed, in order.
        public var fallbacks: [Fallback]

        public init(
            name: String, provider: String, attributes: RequestAttributes = RequestAttributes(),
            fallbacks: [Fallback] = []
        ) {
            self.name = name
            self.provider = provider
            self.attributes = attributes
            self.fallbacks = fallbacks
        }
    }

    /// The role that plays all roles that are not there.
    public var defaultRole: String
    /// In written order.
    public var providers: [Provider]
    /// In written order.
    public var roles: [Role]

    public init(defaultRole: String, providers: [Provider], roles: [Role]) {
        self.defaultRole = defaultRole
        self.providers = providers
        self.roles = roles
    }

    /// The provider of that name.
    public func provider(named name: String) -> Provider? {
        providers.first { $0.name == name }
    }

    /// The role of that name, else the default one.
    public func role(named name: String) throws(CompletionFailure) -> Role {
        guard let role = roles.first(where: { $0.name == name }) ?? roles.first(where: { $0.name == defaultRole })
        else {
            throw CompletionFailure(
                .providerError, "Role '\(name)' not found and default_role '\(defaultRole)' also missing")
        }
        return role
    }
}

/// What a role, a policy or a caller may say about a call; nil says nothing.
public struct RequestAttributes: Hashable, Sendable {
    /// The model's name at the provider.
    public var model: String?
    /// From 0, the most likely words, upwards.
    public var temperature: Double?
    /// Whether the answer must be a JSON object.
    public var jsonMode: Bool?
    /// The longest answer.
    public var maximumTokens: Int?
    /// Of one call; zero leaves it to the provider.
    public var timeout: Duration?

    public init(
        model: String? = nil, temperature: Double? = nil, jsonMode: Bool? = nil, maximumTokens: Int? = nil,
        timeout: Duration? = nil
    ) {
        self.model = model
        self.temperature = temperature
        self.jsonMode = jsonMode
        self.maximumTokens = maximumTokens
        self.timeout = timeout
    }

    /// These with others on top: defaults of a role, then the policy's, then the caller's.
    public func merging(_ others: RequestAttributes) -> RequestAttributes {
        RequestAttributes(
            model: others.model ?? model, temperature: others.temperature ?? temperature,
            jsonMode: others.jsonMode ?? jsonMode, maximumTokens: others.maximumTokens ?? maximumTokens,
            timeout: others.timeout ?? timeout)
    }

    /// What counts where nobody says anything.
    public static let defaults = RequestAttributes(
        model: "", temperature: 0.2, jsonMode: false, timeout: .seconds(60))
}

/// Why a role configuration is not accepted. The first problem wins; checks run in the order of the cases.
public enum RoleConfigurationError: Error, Hashable, Sendable {
    case noTopLevelKey
    case missingField(String)
    case providerWithoutType(String)
    case roleWithoutProvider(String)
    case unknownProvider(role: String, provider: String)
    case unknownFallback(role: String, provider: String)
    case unknownDefaultRole(String)
    /// A value of the wrong kind: the place, and what belongs there.
    case wrongShape(String, expected: String)
}

extension RoleConfigurationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTopLevelKey: "Config must have a top-level 'llm' key"
        case .missingField(let field): "Config missing required field: \(field)"
        case .providerWithoutType(let name): "Provider '\(name)' missing required field: 'type'"
        case .roleWithoutProvider(let name): "Role '\(name)' missing required field: 'provider'"
        case .unknownProvider(let role, let provider):
            "Role '\(role)' references unknown provider: '\(provider)'"
        case .unknownFallback(let role, let provider):
            "Role '\(role)' references unknown fallback provider: '\(provider)'"
        case .unknownDefaultRole(let name): "Config default_role references unknown role: '\(name)'"
        case .wrongShape(let place, let expected): "Config field \(place) must be \(expected)"
        }
    }
}
