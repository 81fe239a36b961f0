// SPDX-License-Identifier: MIT

internal import CYAML
package import Diagnostics

/// Limits that keep a hostile text from costing more than it should.
package struct YAMLLimits: Sendable {
    /// Bytes of the whole text.
    package var sizeBytes = 8 << 20
    package var depth = 64
    /// Nodes after aliases are put in: what a "billion laughs" text explodes to.
    package var nodes = 500_000

    package init() {}
}

/// Reads YAML 1.1 through libyaml into nodes that know their positions.
package struct YAMLParser: ~Copyable {
    private let source: SourceText
    private let limits: YAMLLimits
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
    private var nodeCount = 0

    /// The root of the one document in `bytes`; a mapping without entries when the text holds none.
    ///
    /// - Throws: one diagnostic with a position for what is not valid YAML, too large, too deep, or ambiguous.
    package static func parse(_ bytes: [UInt8], name: String, limits: YAMLLimits = YAMLLimits()) throws(Diagnostic)
        -> YAMLNode
    {
        try checkText(bytes, name: name, limits: limits)
        var parser = YAMLParser(source: SourceText(name: name, bytes: bytes), bytes: bytes, limits: limits)
        return try parser.document()
    }

    private static func checkText(_ bytes: [UInt8], name: String, limits: YAMLLimits) throws(Diagnostic) {
        guard bytes.count <= limits.sizeBytes else {
            throw Diagnostic(
                "yaml/too-large", "`\(name)` has \(bytes.count) bytes, more than the \(limits.sizeBytes) that are read")
        }
        if let zero = bytes.firstIndex(of: 0) {
            let text = SourceText(name: name, bytes: bytes)
            throw Diagnostic(
                "yaml/binary", "a NUL byte: this is not a text file", at: text.span(at: text.position(atByte: zero)))
        }
        if let offset = invalidUTF8Offset(bytes) {
            let text = SourceText(name: name, bytes: bytes)
            throw Diagnostic(
                "yaml/encoding", "not valid UTF-8 from here on", at: text.span(at: text.position(atByte: offset)),
                hints: ["convert the file: `iconv -f latin1 -t utf-8 \(name) > \(name).utf8`"])
        }
    }

    private static func invalidUTF8Offset(_ bytes: [UInt8]) -> Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
        return offset
    }

    private init(source: SourceText, bytes: [UInt8], limits: YAMLLimits) {
        self.source = source
        self.limits = limits
        parser = .allocate(capacity: 1)
        precondition(yaml_parser_initialize(parser) == 1, "libyaml is out of memory")
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    private mutating func document() throws(Diagnostic) -> YAMLNode {
        var root: YAMLNode?
        while true {
            let event = try nextEvent()
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .documentStart:
                guard root == nil else {
                    throw Diagnostic("yaml/many-documents", "a second document starts here", at: event.span)
                }
                let first = try nextEvent()
                root = try node(from: first, depth: 0).node
            case .streamEnd: return root ?? YAMLNode(.mapping([]), span: source.span(at: .init(line: 1, column: 1)))
            default: preconditionFailure("libyaml sends nodes only inside documents")
            }
        }
    }

    /// The node that `event` begins, and how many nodes it holds.
    private mutating func node(from event: Event, depth: Int) throws(Diagnostic) -> (node: YAMLNode, count: Int) {
        guard depth < limits.depth else {
            throw Diagnostic("yaml/too-deep", "nested deeper than \(limits.depth) levels", at: event.span)
        }
        try charge(1, at: event.span)
        let result: (node: YAMLNode, count: Int)
        switch event.kind {
        case .alias(let name):
            guard let target = anchors[name] else {
                throw Diagnostic("yaml/unknown-alias", "`*\(name)` names no anchor above it", at: event.span)
            }
            try charge(target.count, at: event.span)
            return target
        case .scalar(let scalar, _): result = (YAMLNode(.scalar(scalar), span: event.span), 1)
        case .sequenceStart: result = try sequence(from: event, depth: depth)
        case .mappingStart: result = try mapping(from: event, depth: depth)
        default: preconditionFailure("libyaml sends a node here")
        }
        if let anchor = event.anchor { anchors[anchor] = result }
        return result
    }

    private mutating func charge(_ count: Int, at span: SourceSpan) throws(Diagnostic) {
        nodeCount += count
        guard nodeCount <= limits.nodes else {
            throw Diagnostic(
                "yaml/too-many-nodes", "aliases and values add up to more than \(limits.nodes) nodes", at: span)
        }
    }

    private mutating func sequence(from event: Event, depth: Int) throws(Diagnostic) -> (node: YAMLNode, count: Int) {
        var elements: [YAMLNode] = []
        var count = 1
        while true {
            let next = try nextEvent()
            if case .sequenceEnd = next.kind { return (YAMLNode(.sequence(elements), span: event.span), count) }
            let element = try node(from: next, depth: depth + 1)
            elements.append(element.node)
            count += element.count
        }
    }

    private mutating func mapping(from event: Event, depth: Int) throws(Diagnostic) -> (node: YAMLNode, count: Int) {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        var places: [String: SourceSpan?] = [:]
        var count = 1
        while true {
            let next = try nextEvent()
            if case .mappingEnd = next.kind { break }
            let key = try node(from: next, depth: depth + 1)
            let valueEvent = try nextEvent()
            let value = try node(from: valueEvent, depth: depth + 1)
            count += key.count + value.count
            if let scalar = key.node.scalar, scalar.text == "<<", scalar.style == .plain {
                merged += try mergedEntries(of: value.node)
                continue
            }
            if let scalar = key.node.scalar {
                if let first = places[scalar.text] {
                    let line = first.map { " (first on line \($0.start.line))" } ?? ""
                    throw Diagnostic(
                        "yaml/duplicate-key", "the key `\(scalar.text)` is there twice\(line)", at: key.node.span)
                }
                places[scalar.text] = key.node.span
            }
            entries.append(YAMLNode.Entry(key: key.node, value: value.node))
        }
        for entry in merged {
            guard let name = entry.key.scalar?.text, places[name] == nil else { continue }
            places[name] = entry.key.span
            entries.append(entry)
        }
        return (YAMLNode(.mapping(entries), span: event.span), count)
    }

    /// What `<<: *base` puts in; of several, the earlier wins.
    private func mergedEntries(of node: YAMLNode) throws(Diagnostic) -> [YAMLNode.Entry] {
        if let entries = node.entries { return entries }
        guard let elements = node.elements, elements.allSatisfy({ $0.entries != nil }) else {
            throw Diagnostic(
                "yaml/merge", "`<<` takes a mapping or a list of mappings, not \(node.kindInWords)", at: node.span)
        }
        return elements.flatMap { $0.entries ?? [] }
    }
}

extension YAMLParser {
    private struct Event {
        enum Kind {
            case streamStart, streamEnd, documentStart, documentEnd, sequenceStart, sequenceEnd, mappingStart,
                mappingEnd
            case alias(String)
            case scalar(YAMLScalar, length: Int)
        }

        let kind: Kind
        let anchor: String?
        let span: SourceSpan
    }

    private mutating func nextEvent() throws(Diagnostic) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw problem() }
        defer { yaml_event_delete(&raw) }
        let position = SourcePosition(line: raw.start_mark.line + 1, column: raw.start_mark.column + 1)
        let isOneLine = raw.start_mark.line == raw.end_mark.line
        let length = isOneLine ? max(1, raw.end_mark.column - raw.start_mark.column) : 1
        let span = source.span(at: position, length: length)
        let (kind, anchor) = Self.kind(of: raw, length: length)
        return Event(kind: kind, anchor: anchor, span: span)
    }

    private static func kind(of raw: yaml_event_t, length: Int) -> (Event.Kind, anchor: String?) {
        switch raw.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, nil)
        case YAML_STREAM_END_EVENT: return (.streamEnd, nil)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, nil)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, nil)
        case YAML_ALIAS_EVENT: return (.alias(text(raw.data.alias.anchor) ?? ""), nil)
        case YAML_SEQUENCE_START_EVENT: return (.sequenceStart, text(raw.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, nil)
        case YAML_MAPPING_START_EVENT: return (.mappingStart, text(raw.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, nil)
        case YAML_SCALAR_EVENT:
            let data = raw.data.scalar
            let bytes = UnsafeBufferPointer(start: data.value, count: data.length)
            let scalar = YAMLScalar(
                String(decoding: bytes, as: UTF8.self), style: style(data.style), tag: text(data.tag))
            return (.scalar(scalar, length: length), text(data.anchor))
        default: preconditionFailure("libyaml sends no other events")
        }
    }

    private static func style(_ raw: yaml_scalar_style_t) -> YAMLScalar.Style {
        switch raw {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func problem() -> Diagnostic {
        let raw = parser.pointee
        let words = raw.problem.map { String(cString: $0) } ?? "unreadable"
        let context = raw.context.map { " \(String(cString: $0))" } ?? ""
        let position = SourcePosition(line: raw.problem_mark.line + 1, column: raw.problem_mark.column + 1)
        var hints: [String] = []
        if source.line(position.line).contains("\t") {
            hints.append("YAML does not allow tabs for indentation; use spaces")
        }
        if words.contains("maximum nesting") || words.contains("depth") {
            return Diagnostic("yaml/too-deep", "nested too deeply", at: source.span(at: position))
        }
        return Diagnostic("yaml/syntax", "\(words)\(context)", at: source.span(at: position), hints: hints)
    }
}
