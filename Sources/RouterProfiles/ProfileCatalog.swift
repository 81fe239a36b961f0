// SPDX-License-Identifier: MIT

package import YAMLSyntax

/// The profiles of one config, each rendered when it is asked for.
package struct ProfileCatalog: Sendable {
    package let source: ProfileSource
    private let profiles: [(name: String, node: YAMLNode)]

    /// - Parameter profiles: in written order.
    package init(source: ProfileSource, profiles: [(name: String, node: YAMLNode)]) {
        self.source = source
        self.profiles = profiles
    }

    package var names: [String] { profiles.map(\.name) }

    package func rendered(_ name: String) throws(ProfileError) -> RenderedProfile {
        guard let profile = profiles.first(where: { $0.name == name }) else {
            throw .unknownProfile(name, known: names)
        }
        return ProfileRenderer.render(source, profile: profile.node, name: name)
    }
}
