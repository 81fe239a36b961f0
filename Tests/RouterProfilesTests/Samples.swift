// SPDX-License-Identifier: MIT

import LiteLLMConfig
import RouterProfiles
import SystemIO
import TestSupport
import Testing
import YAMLSyntax

/// The profiles that the project ships.
enum Samples {
    static let path = "config/examples/routertool.yaml"

    /// - Parameter edit: what a test changes in the text of the shipped file.
    static func shipped(
        path: String = Self.path, engine: GatewayEngine = .litellm, editing edit: (String) -> String = { $0 }
    ) throws -> ProfileCatalog {
        let bytes = try FileSystem.read(Golden.repository + "/" + path, limit: 1 << 20)
        let text = edit(String(decoding: bytes, as: UTF8.self))
        return try catalog(of: text, name: path, engine: engine)
    }

    static func catalog(of text: String, name: String = "routertool.yaml", engine: GatewayEngine) throws
        -> ProfileCatalog
    {
        let root = try YAMLParser.parse(Array(text.utf8), name: name)
        let base = try #require(root["litellm_base"])
        let profiles = try #require(root["profiles"]?.entries).map { (name: $0.key.scalar?.text ?? "", node: $0.value) }
        let source = ProfileSource(base: base, gateway: root["gateway"], engine: engine, configDirectory: "/etc/stack")
        return ProfileCatalog(source: source, profiles: profiles)
    }
}
