// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import YAMLSyntax

/// How one kind of value is read, written and described.
struct ValueFormat<Value: Sendable>: Sendable {
    let shape: ConfigShape
    /// nil when the value does not fit; the decoder has been told why.
    let read: @Sendable (YAMLNode, inout ConfigDecoder) -> Value?
    /// The value as it would be written in the file; nil when it is not worth showing.
    let write: @Sendable (Value) -> String?

    init(
        _ shape: ConfigShape, write: @escaping @Sendable (Value) -> String? = { _ in nil },
        read: @escaping @Sendable (YAMLNode, inout ConfigDecoder) -> Value?
    ) {
        self.shape = shape
        self.read = read
        self.write = write
    }

    /// The format with another Swift type for the same text.
    func map<Other: Sendable>(_ transform: @escaping @Sendable (Value) -> Other) -> ValueFormat<Other> {
        ValueFormat<Other>(shape) { node, decoder in read(node, &decoder).map(transform) }
    }
}

/// A value under a name that the operator chose, with the place of the name.
package struct Named<Value: Sendable>: Sendable {
    package let name: String
    package let span: SourceSpan?
    package var value: Value

    package init(name: String, span: SourceSpan?, value: Value) {
        self.name = name
        self.span = span
        self.value = value
    }
}

extension ValueFormat {
    /// A scalar of which `parse` makes a value or says nil, which is reported as a wrong type.
    static func scalar(
        _ words: String, _ json: JSONObject, write: @escaping @Sendable (Value) -> String? = { _ in nil },
        _ parse: @escaping @Sendable (YAMLNode) -> Value?
    ) -> ValueFormat {
        ValueFormat(.scalar(words: words, json: json), write: write) { node, decoder in
            if let value = parse(node) { return value }
            decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
            return nil
        }
    }

    /// One of the words of an enum.
    static func word(_ type: Value.Type = Value.self) -> ValueFormat
    where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
        let words = Value.allCases.map(\.rawValue)
        let phrase = "one of " + words.map { "`\($0)`" }.joined(separator: ", ")
        let json: JSONObject = ["enum": .array(words.map(JSONValue.string))]
        return ValueFormat(.scalar(words: phrase, json: json), write: { $0.rawValue }) { node, decoder in
            guard let scalar = node.scalar, node.stringValue != nil else {
                let found = node.kindInWords
                decoder.report(.wrongType(key: decoder.place, expected: phrase, found: found), at: node.span)
                return nil
            }
            if let value = Value(rawValue: scalar.text) { return value }
            decoder.report(.unknownWord(key: decoder.place, word: scalar.text, known: words), at: node.span)
            return nil
        }
    }

    /// A section below a key, read over a fresh `Value`.
    static func section(
        _ definition: @autoclosure @escaping @Sendable () -> SectionDefinition<Value>,
        from initial: @escaping @Sendable () -> Value
    ) -> ValueFormat {
        ValueFormat(.section { definition().shape }) { node, decoder in
            var value = initial()
            definition().decode(node, into: &value, &decoder)
            return value
        }
    }

    /// Elements of one format; those that do not fit are reported and left out.
    static func list<Element>(of element: ValueFormat<Element>, minimumCount: Int = 0) -> ValueFormat
    where Value == [Element] {
        let shape = ConfigShape.list(element.shape, minimumCount: minimumCount)
        return ValueFormat(shape, write: { $0.isEmpty ? "[]" : nil }) { node, decoder in
            guard let elements = node.elements else {
                let expected = shape.words
                decoder.report(
                    .wrongType(key: decoder.place, expected: expected, found: node.kindInWords), at: node.span)
                return nil
            }
            guard elements.count >= minimumCount else {
                decoder.report(.emptyList(key: decoder.place), at: node.span)
                return nil
            }
            return elements.enumerated().compactMap { index, node in
                decoder.within(String(index)) { element.read(node, &$0) }
            }
        }
    }

    /// Free names with values of one format, in written order.
    static func mapping<Element>(
        nameWords: String = "names", of element: ValueFormat<Element>,
        checkingName check: @escaping @Sendable (YAMLNode, inout ConfigDecoder) -> Bool = { _, _ in true }
    ) -> ValueFormat where Value == [Named<Element>] {
        let shape = ConfigShape.mapping(nameWords: nameWords, element.shape)
        return ValueFormat(shape) { node, decoder in
            if node.isNull { return [] }
            guard let entries = node.entries else {
                let expected = "a mapping"
                decoder.report(
                    .wrongType(key: decoder.place, expected: expected, found: node.kindInWords), at: node.span)
                return nil
            }
            var values: [Named<Element>] = []
            values.reserveCapacity(entries.count)
            for entry in entries {
                guard let name = entry.key.scalar?.text else {
                    let place = "a key of \(decoder.place)"
                    let found = entry.key.kindInWords
                    decoder.report(.wrongType(key: place, expected: "a name", found: found), at: entry.key.span)
                    continue
                }
                let isValid = check(entry.key, &decoder)
                let value = decoder.within(name) { element.read(entry.value, &$0) }
                guard isValid, let value else { continue }
                values.append(Named(name: name, span: entry.key.span, value: value))
            }
            return values
        }
    }
}
