// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import YAMLSyntax

/// The one declaration of a section: decoding, errors, suggestions, the schema and the reference page follow from it.
struct SectionDefinition<Section: Sendable>: Sendable {
    private let summary: String
    private let keys: [SectionKey<Section>]

    init(_ summary: String, _ keys: [SectionKey<Section>]) {
        self.summary = summary
        self.keys = keys
    }

    var shape: SectionShape { SectionShape(summary: summary, keys: keys.map(\.shape)) }

    /// Reads the entries of `node` over the defaults in `section` and reports every entry that does not fit.
    func decode(_ node: YAMLNode, into section: inout Section, _ decoder: inout ConfigDecoder) {
        guard let entries = node.entries else {
            // A section whose entries are all commented out is an empty one.
            guard !node.isNull else { return reportMissing([], at: node.span, &decoder) }
            decoder.report(
                .wrongType(key: decoder.place, expected: "a mapping", found: node.kindInWords), at: node.span)
            return
        }
        var seen: [String] = []
        for entry in entries {
            let name = entry.key.scalar?.text ?? ""
            guard let key = keys.first(where: { $0.name == name }) else {
                reportUnknown(entry.key, name, &decoder)
                continue
            }
            if key.isRequired { seen.append(name) }
            decoder.within(name) { key.read(entry.value, &section, &$0) }
        }
        reportMissing(seen, at: node.span, &decoder)
    }

    private func reportUnknown(_ key: YAMLNode, _ name: String, _ decoder: inout ConfigDecoder) {
        guard key.scalar != nil else {
            let found = key.kindInWords
            return decoder.report(
                .wrongType(key: "a key of \(decoder.place)", expected: "a word", found: found), at: key.span)
        }
        decoder.report(.unknownKey(name, place: decoder.place, known: keys.map(\.name)), at: key.span)
    }

    /// - Parameter seen: the required keys that are there.
    private func reportMissing(_ seen: [String], at span: SourceSpan?, _ decoder: inout ConfigDecoder) {
        for key in keys where key.isRequired && !seen.contains(key.name) {
            decoder.report(.missingKey(key.name, place: decoder.place), at: span)
        }
    }
}

/// One key of a section and what reading it does.
///
/// Key paths and formats are made when the key is first met: a command that starts should not build what its config
/// lacks, nor the same thing for every service.
struct SectionKey<Section: Sendable>: Sendable {
    let name: String
    let isRequired: Bool
    let shape: KeyShape
    let read: @Sendable (YAMLNode, inout Section, inout ConfigDecoder) -> Void

    private init(
        shape: KeyShape, read: @escaping @Sendable (YAMLNode, inout Section, inout ConfigDecoder) -> Void
    ) {
        name = shape.name
        isRequired = shape.isRequired
        self.shape = shape
        self.read = read
    }

    /// A key whose default is what a fresh section holds.
    static func key<Value>(
        _ name: String, _ path: @autoclosure @escaping @Sendable () -> any WritableKeyPath<Section, Value> & Sendable,
        _ format: @autoclosure @escaping @Sendable () -> ValueFormat<Value>,
        isRequired: Bool = false, defaultOf section: @autoclosure @escaping @Sendable () -> Section? = nil,
        default words: String? = nil, _ summary: String
    ) -> SectionKey {
        let format = MadeOnce(format)
        let path = MadeOnce(path)
        return SectionKey(
            shape: KeyShape(
                name: name, makeShape: { format.value.shape }, summary: summary, isRequired: isRequired,
                defaultText: { words ?? section().flatMap { format.value.write($0[keyPath: path.value]) } }),
            read: { node, section, decoder in
                if let value = format.value.read(node, &decoder) { section[keyPath: path.value] = value }
            })
    }

    /// A key that may be absent; `words` tell what holds then.
    static func optional<Value>(
        _ name: String, _ path: @autoclosure @escaping @Sendable () -> any WritableKeyPath<Section, Value?> & Sendable,
        _ format: @autoclosure @escaping @Sendable () -> ValueFormat<Value>,
        default words: String? = nil, _ summary: String
    ) -> SectionKey {
        let format = MadeOnce(format)
        let path = MadeOnce(path)
        return SectionKey(
            shape: KeyShape(
                name: name, makeShape: { format.value.shape }, summary: summary, isRequired: false,
                defaultText: { words }),
            read: { node, section, decoder in
                if let value = format.value.read(node, &decoder) { section[keyPath: path.value] = value }
            })
    }

    /// A key that is only checked here, since another program reads its value.
    static func checked<Value>(
        _ name: String, _ format: @autoclosure @escaping @Sendable () -> ValueFormat<Value>,
        default words: String? = nil, isRequired: Bool = false,
        _ summary: String
    ) -> SectionKey {
        let format = MadeOnce(format)
        return SectionKey(
            shape: KeyShape(
                name: name, makeShape: { format.value.shape }, summary: summary, isRequired: isRequired,
                defaultText: { words }),
            read: { node, _, decoder in _ = format.value.read(node, &decoder) })
    }
}
