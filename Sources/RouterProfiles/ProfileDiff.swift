// SPDX-License-Identifier: MIT

package import JSONSyntax
internal import LiteLLMConfig
package import YAMLSyntax

/// How two rendered files differ, value by value; secrets are told apart but never shown.
package struct ProfileDiff: Sendable {
    package struct Change: Equatable, Sendable {
        /// Dotted, list elements by number: `model_list[0].litellm_params.model`.
        package let path: String
        /// As YAML would write it; nil where the side has no such value.
        package let old: String?
        package let new: String?
    }

    /// In the order of the old file, then what only the new one has.
    package let changes: [Change]

    package init(from old: YAMLNode, to new: YAMLNode) {
        let before = Leaves(of: old)
        let after = Leaves(of: new)
        let changed = before.paths.compactMap { path -> Change? in
            let (left, right) = (before[path], after[path])
            return left == right ? nil : Change(path: path, old: left?.shown, new: right?.shown)
        }
        let added = after.paths.filter { before[$0] == nil }.map { Change(path: $0, old: nil, new: after[$0]?.shown) }
        changes = changed + added
    }

    /// `- path: value` and `+ path: value`, a line each; empty when nothing differs.
    package var text: String {
        changes.map { change in
            let old = change.old.map { "- \(change.path): \($0)\n" } ?? ""
            let new = change.new.map { "+ \(change.path): \($0)\n" } ?? ""
            return old + new
        }.joined()
    }

    package func json(from old: String, to new: String) -> JSONValue {
        [
            "schema": 1, "from": .string(old), "to": .string(new),
            "changes": .array(
                changes.map { ["path": .string($0.path), "old": JSONValue($0.old), "new": JSONValue($0.new)] }),
        ]
    }
}

/// The scalars and empty containers of a tree by their paths.
private struct Leaves {
    struct Leaf: Equatable {
        let text: String
        let type: YAMLScalarType?
        let isSecret: Bool

        /// Quoted where the plain text would be read as something else.
        var shown: String {
            if isSecret { return "<redacted>" }
            guard type == .string, YAMLScalar.needsQuotes(text) else { return text }
            return JSONWriter.text(of: .string(text))
        }
    }

    private(set) var paths: [String] = []
    private var leaves: [String: Leaf] = [:]

    init(of root: YAMLNode) {
        collect(root, path: "", isSecret: false, holdsSecrets: false)
    }

    subscript(path: String) -> Leaf? { leaves[path] }

    private mutating func collect(_ node: YAMLNode, path: String, isSecret: Bool, holdsSecrets: Bool) {
        switch node.content {
        case .scalar(let scalar):
            let hidden = SecretScalars.isHidden(scalar, isSecret: isSecret)
            record(path, Leaf(text: scalar.text, type: scalar.resolvedType, isSecret: hidden))
        case .sequence(let elements):
            if elements.isEmpty { record(path, Leaf(text: "[]", type: nil, isSecret: false)) }
            for (index, element) in elements.enumerated() {
                collect(element, path: "\(path)[\(index)]", isSecret: isSecret, holdsSecrets: holdsSecrets)
            }
        case .mapping(let entries):
            if entries.isEmpty { record(path, Leaf(text: "{}", type: nil, isSecret: false)) }
            for entry in entries {
                let name = entry.key.scalar?.text ?? "?"
                let below = holdsSecrets || SecretScalars.holdsSecrets(name)
                collect(
                    entry.value, path: path.isEmpty ? Self.step(name) : "\(path).\(Self.step(name))",
                    isSecret: below || SecretScalars.isSecretKey(name), holdsSecrets: below)
            }
        }
    }

    private mutating func record(_ path: String, _ leaf: Leaf) {
        if leaves.updateValue(leaf, forKey: path) == nil { paths.append(path) }
    }

    /// A key that would be misread as several steps is quoted.
    private static func step(_ name: String) -> String {
        let isPlain = !name.isEmpty && !name.utf8.contains { ".[]\" ".utf8.contains($0) }
        return isPlain ? name : JSONWriter.text(of: .string(name))
    }
}
