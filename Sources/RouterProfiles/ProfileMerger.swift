// SPDX-License-Identifier: MIT

package import YAMLSyntax

/// Lays a profile over the base: mappings merge deeply, lists and scalars replace.
package enum ProfileMerger {
    /// `base` with what `overlay` says; nodes keep their spans, and keys their order: those of the base first.
    package static func merge(_ overlay: YAMLNode, over base: YAMLNode) -> YAMLNode {
        guard let baseEntries = base.entries, let overlayEntries = overlay.entries else { return overlay }
        guard !overlayEntries.isEmpty else { return base }
        var result = baseEntries
        var index = KeyIndex(baseEntries)
        for entry in overlayEntries {
            if let place = index.place(of: entry.key) {
                result[place].value = merge(entry.value, over: result[place].value)
            } else {
                index.insert(entry.key, at: result.count)
                result.append(entry)
            }
        }
        return YAMLNode(.mapping(result), span: base.span ?? overlay.span)
    }
}

/// Finds the place of a key; `1` and `"1"` are different keys, as they are for LiteLLM's reader.
private struct KeyIndex {
    private struct Key: Hashable {
        let text: String
        let isString: Bool

        init?(_ node: YAMLNode) {
            guard let scalar = node.scalar else { return nil }
            text = scalar.text
            isString = scalar.resolvedType == .string
        }
    }

    private var places: [Key: Int] = [:]

    init(_ entries: [YAMLNode.Entry]) {
        places.reserveCapacity(entries.count)
        for (place, entry) in entries.enumerated() { insert(entry.key, at: place) }
    }

    mutating func insert(_ node: YAMLNode, at place: Int) {
        if let key = Key(node) { places[key] = place }
    }

    func place(of node: YAMLNode) -> Int? {
        Key(node).flatMap { places[$0] }
    }
}
