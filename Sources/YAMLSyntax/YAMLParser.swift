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
    private let events: YAMLEventReader
    private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
    private var nodeCount = 0
    private var keys = OpenKeys()

    /// The root of the one document in `bytes`; a mapping without entries when the text holds none.
    ///
    /// - Throws: one diagnostic with a position for what is not valid YAML, too large, too deep, or ambiguous.
    package static func parse(_ bytes: [UInt8], name: String, limits: YAMLLimits = YAMLLimits()) throws(Diagnostic)
        -> YAMLNode
    {
        let source = SourceText(name: name, bytes: bytes)
        if let problem = problem(ofText: bytes, in: source, limits: limits) { throw problem }
        var parser = YAMLParser(source: source, bytes: bytes, limits: limits)
        return try parser.document()
    }

    private static func problem(ofText bytes: [UInt8], in source: SourceText, limits: YAMLLimits) -> Diagnostic? {
        guard bytes.count <= limits.sizeBytes else {
            let size = "\(bytes.count) bytes, more than the \(limits.sizeBytes) that are read"
            return Diagnostic("yaml/too-large", "`\(source.name)` has \(size)")
        }
        if let zero = bytes.firstIndex(of: 0) {
            let place = source.span(at: source.position(atByte: zero))
            return Diagnostic("yaml/binary", "a NUL byte: this is not a text file", at: place)
        }
        if bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil { return nil }
        let place = source.span(at: source.position(atByte: invalidUTF8Offset(bytes)))
        return Diagnostic(
            "yaml/encoding", "not valid UTF-8 from here on", at: place,
            hints: ["convert the file: `iconv -f latin1 -t utf-8 \(source.name) > \(source.name).utf8`"])
    }

    private static func invalidUTF8Offset(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
        return offset
    }

    private init(source: SourceText, bytes: [UInt8], limits: YAMLLimits) {
        self.source = source
        self.limits = limits
        events = YAMLEventReader(bytes, source)
    }

    private mutating func document() throws(Diagnostic) -> YAMLNode {
        var root: YAMLNode?
        while true {
            switch try events.advance() {
            case .streamStart, .documentEnd: continue
            case .documentStart:
                guard root == nil else {
                    throw Diagnostic("yaml/many-documents", "a second document starts here", at: events.span)
                }
                root = try node(from: try events.advance(), depth: 0)
            case .streamEnd: return root ?? YAMLNode(.mapping([]), span: source.span(at: .init(line: 1, column: 1)))
            case .alias, .scalar, .sequenceStart, .sequenceEnd, .mappingStart, .mappingEnd:
                preconditionFailure("libyaml sends nodes only inside documents")
            }
        }
    }

    /// The node that the current event begins.
    private mutating func node(from kind: YAMLEventReader.Kind, depth: Int) throws(Diagnostic) -> YAMLNode {
        guard depth < limits.depth else {
            throw Diagnostic("yaml/too-deep", "nested deeper than \(limits.depth) levels", at: events.span)
        }
        if kind == .alias { return try aliasedNode() }
        guard let anchor = events.anchor else { return try content(of: kind, depth: depth) }
        let countBefore = nodeCount
        let result = try content(of: kind, depth: depth)
        anchors[anchor] = (result, nodeCount - countBefore)
        return result
    }

    private mutating func content(of kind: YAMLEventReader.Kind, depth: Int) throws(Diagnostic) -> YAMLNode {
        try charge(1)
        switch kind {
        case .scalar: return YAMLNode(.scalar(events.scalar), span: events.span)
        case .sequenceStart: return try sequence(depth: depth)
        case .mappingStart: return try mapping(depth: depth)
        case .alias, .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            preconditionFailure("libyaml sends a node here")
        }
    }

    private mutating func aliasedNode() throws(Diagnostic) -> YAMLNode {
        let name = events.aliasName
        guard let target = anchors[name] else {
            throw Diagnostic("yaml/unknown-alias", "`*\(name)` names no anchor above it", at: events.span)
        }
        try charge(target.count)
        return target.node
    }

    private mutating func charge(_ count: Int) throws(Diagnostic) {
        nodeCount += count
        guard nodeCount <= limits.nodes else {
            throw Diagnostic(
                "yaml/too-many-nodes", "aliases and values add up to more than \(limits.nodes) nodes", at: events.span)
        }
    }

    private mutating func sequence(depth: Int) throws(Diagnostic) -> YAMLNode {
        try refuseTag()
        let span = events.span
        var elements: [YAMLNode] = []
        while true {
            let next = try events.advance()
            if next == .sequenceEnd { return YAMLNode(.sequence(elements), span: span) }
            elements.append(try node(from: next, depth: depth + 1))
        }
    }

    private mutating func mapping(depth: Int) throws(Diagnostic) -> YAMLNode {
        try refuseTag()
        let span = events.span
        var entries: [YAMLNode.Entry] = []
        entries.reserveCapacity(4)
        var merged: [YAMLNode.Entry] = []
        keys.open()
        while true {
            let next = try events.advance()
            if next == .mappingEnd { break }
            let key = try node(from: next, depth: depth + 1)
            let value = try node(from: try events.advance(), depth: depth + 1)
            if let scalar = key.scalar {
                if scalar.text == "<<", scalar.style == .plain {
                    merged += try Self.mergedEntries(of: value)
                    continue
                }
                guard keys.insert(scalar.text) else { throw Self.duplicate(key, scalar.text, in: entries) }
            }
            entries.append(YAMLNode.Entry(key: consume key, value: consume value))
        }
        // What is merged in counts like an alias: without this, `<<` of `<<` of `<<` explodes unnoticed.
        try charge(merged.count)
        for entry in merged {
            guard let name = entry.key.scalar?.text, keys.insert(name) else { continue }
            entries.append(entry)
        }
        keys.close()
        return YAMLNode(.mapping(entries), span: span)
    }

    /// A tag such as `!!set` would give a list or mapping another meaning, which would be lost here.
    private func refuseTag() throws(Diagnostic) {
        guard let tag = events.collectionTag, tag != "!" else { return }
        if tag == "tag:yaml.org,2002:map" || tag == "tag:yaml.org,2002:seq" { return }
        throw Diagnostic("yaml/tag", "the tag `\(tag)` on a list or mapping is not supported", at: events.span)
    }

    private static func duplicate(_ key: YAMLNode, _ text: String, in entries: [YAMLNode.Entry]) -> Diagnostic {
        let first = entries.first { $0.key.scalar?.text == text }?.key.span
        let line = first.map { " (first on line \($0.start.line))" } ?? ""
        return Diagnostic("yaml/duplicate-key", "the key `\(text)` is there twice\(line)", at: key.span)
    }

    /// What `<<: *base` puts in; of several mappings, the earlier wins.
    private static func mergedEntries(of node: YAMLNode) throws(Diagnostic) -> [YAMLNode.Entry] {
        if let entries = node.entries { return entries }
        guard let elements = node.elements, elements.allSatisfy({ $0.entries != nil }) else {
            throw Diagnostic(
                "yaml/merge", "`<<` takes a mapping or a list of mappings, not \(node.kindInWords)", at: node.span)
        }
        return elements.flatMap { $0.entries ?? [] }
    }
}

/// The key names of all mappings that are open, in one array, since most mappings are small and there are many.
private struct OpenKeys {
    /// Up to this many keys, comparing with each is faster than hashing.
    private static let linearLimit = 16

    private var names: [String] = []
    private var starts: [Int] = []
    private var sets: [Set<String>] = []

    mutating func open() {
        starts.append(names.count)
        sets.append([])
    }

    mutating func close() {
        names.removeSubrange((starts.popLast() ?? 0)...)
        sets.removeLast()
    }

    /// Whether the innermost mapping did not have `name` yet.
    mutating func insert(_ name: String) -> Bool {
        let last = starts.count - 1
        let start = starts[last]
        if names.count - start < Self.linearLimit {
            for index in start..<names.count where names[index] == name { return false }
        } else {
            if sets[last].isEmpty { sets[last] = Set(names[start...]) }
            guard sets[last].insert(name).inserted else { return false }
        }
        names.append(name)
        return true
    }
}
