// SPDX-License-Identifier: MIT

/// Chooses who plays a role.
public protocol RoutingPolicy: Sendable {
    /// For events and logs.
    var name: String { get }
    func choose(role: String, in configuration: RoleConfiguration) throws -> ProviderChoice
}

/// A policy's decision.
public struct ProviderChoice: Hashable, Sendable {
    /// The configured provider to call first.
    public let providerName: String
    /// Over the provider's own settings, for every attempt of the request.
    public let providerOverrides: Settings
    /// Over the role's attributes, under the caller's.
    public let requestOverrides: RequestAttributes

    /// - Parameters:
    ///   - providerName: the configured provider to call first.
    ///   - providerOverrides: over the provider's own settings.
    ///   - requestOverrides: over the role's attributes.
    ///   - overrides: the older name of provider overrides; they lie under the newer ones.
    public init(
        providerName: String, providerOverrides: Settings = Settings(),
        requestOverrides: RequestAttributes = RequestAttributes(), overrides: Settings = Settings()
    ) {
        self.providerName = providerName
        self.providerOverrides = overrides.merging(providerOverrides)
        self.requestOverrides = requestOverrides
    }

    /// Reads back the merged provider overrides.
    public var overrides: Settings { providerOverrides }
}

/// The role's own provider, nothing else.
public struct SimpleRoutingPolicy: RoutingPolicy {
    /// For logs.
    public var name: String { "SimpleRoutingPolicy" }

    public init() {}

    public func choose(role: String, in configuration: RoleConfiguration) throws -> ProviderChoice {
        ProviderChoice(providerName: try configuration.role(named: role).provider)
    }
}
