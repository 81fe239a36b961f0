// SPDX-License-Identifier: MIT

internal import RouterConfig
internal import YAMLSyntax

/// The variables that a configuration names with `os.environ/NAME`.
enum EnvironmentReferences {
    private static let prefix = "os.environ/"

    /// Sorted, each once.
    static func names(in configuration: Configuration) -> [String] {
        var found: Set<String> = []
        collect(configuration.litellmBase, into: &found)
        for profile in configuration.profiles { collect(profile.value, into: &found) }
        return found.sorted()
    }

    private static func collect(_ node: YAMLNode, into found: inout Set<String>) {
        switch node.content {
        case .scalar(let scalar):
            guard scalar.text.hasPrefix(prefix) else { return }
            found.insert(String(scalar.text.dropFirst(prefix.count)))
        case .sequence(let elements):
            for element in elements { collect(element, into: &found) }
        case .mapping(let entries):
            for entry in entries { collect(entry.value, into: &found) }
        }
    }
}
