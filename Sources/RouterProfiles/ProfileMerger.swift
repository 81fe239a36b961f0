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

/// Finds the place of a key by its text, as the parser does when it looks for keys that are there twice.
private struct KeyIndex {
    private var places: [String: Int] = [:]

    init(_ entries: [YAMLNode.Entry]) {
        places.reserveCapacity(entries.count)
        for (place, entry) in entries.enumerated() { insert(entry.key, at: place) }
    }

    mutating func insert(_ node: YAMLNode, at place: Int) {
        if let text = node.scalar?.text { places[text] = place }
    }

    func place(of node: YAMLNode) -> Int? {
        node.scalar.flatMap { places[$0.text] }
    }
}
