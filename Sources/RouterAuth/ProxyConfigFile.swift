// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import JSONSyntax
internal import SystemIO
internal import YAMLSyntax

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The server's own `cliproxyapi.yaml`.
///
/// The server rewrites it (a plain management key becomes its hash) and follows its inode: a file renamed over it is
/// never seen. So single values are changed, everything else stays byte for byte, and the bytes go into the same inode.
package struct ProxyConfigFile: Sendable {
    static let sizeLimitBytes = 4 << 20

    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Applies `changes`; false when the file says all of it already.
    package func apply(_ changes: [ProxyConfigRequest.Change]) throws(AuthError) -> Bool {
        let old = try read()
        let new = try ProxyConfigText.applying(changes, to: old, path: path)
        guard new != old else { return false }
        // The server may have written in the meantime; what it wrote is worth more than a change that can be repeated.
        guard try read() == old else { throw .configChangedMeanwhile(path: path) }
        do throws(SystemError) {
            try AtomicFile.write(old, to: path + ".bak", mode: 0o600)
            try Self.overwrite(path, with: new, oldCount: old.count)
        } catch {
            throw .system(error)
        }
        return true
    }

    private func read() throws(AuthError) -> [UInt8] {
        do throws(SystemError) {
            return try FileSystem.read(path, limit: Self.sizeLimitBytes)
        } catch {
            throw .system(error)
        }
    }

    /// Writes into the same inode so that no reader ever sees a file that is not valid YAML: first the new text, filled
    /// up with line breaks to the old length, in one write; then the file is cut.
    private static func overwrite(_ path: String, with bytes: [UInt8], oldCount: Int) throws(SystemError) {
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .noFollow])
        let filler = [UInt8](repeating: UInt8(ascii: "\n"), count: max(0, oldCount - bytes.count))
        CrashPoint.reach()
        try descriptor.writeAll(bytes + filler, path: path)
        CrashPoint.reach()
        guard ftruncate(descriptor.rawValue, off_t(bytes.count)) == 0 else {
            throw SystemError.current("cut", path: path)
        }
        try descriptor.synchronize(path: path)
        CrashPoint.reach()
    }
}

/// Changes values in the text of a YAML file.
enum ProxyConfigText {
    /// The text with `changes`; comments and layout stay wherever the shape of the file allows it.
    static func applying(
        _ changes: [ProxyConfigRequest.Change], to bytes: [UInt8], path: String
    ) throws(AuthError) -> [UInt8] {
        var bytes = bytes
        for change in changes { bytes = try applying(change, to: bytes, path: path) }
        return bytes
    }

    private static func applying(
        _ change: ProxyConfigRequest.Change, to bytes: [UInt8], path: String
    ) throws(AuthError) -> [UInt8] {
        let root = try parse(bytes, path)
        let keys = change.key.split(separator: ".").map(String.init)
        let value = node(change.value)
        let wanted = try setting(keys[...], to: value, in: root, path: path)
        if same(root, wanted) { return bytes }
        // Editing the text is tried first and believed only when it reads back as exactly what is wanted.
        if let edited = edit(bytes, root: root, keys: keys, value: value), let result = try? parse(edited, path),
            same(result, wanted)
        {
            return edited
        }
        return YAMLWriter.bytes(of: wanted)
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(AuthError) -> YAMLNode {
        let root: YAMLNode
        do throws(Diagnostic) {
            root = try YAMLParser.parse(bytes, name: path)
        } catch {
            throw .configMalformed(error)
        }
        guard root.entries != nil else { throw .configNotMapping(path: path, key: "the whole file") }
        return root
    }

    // MARK: - Trees

    private static func setting(
        _ keys: ArraySlice<String>, to value: YAMLNode, in node: YAMLNode, path: String
    ) throws(AuthError) -> YAMLNode {
        guard let key = keys.first else { return value }
        var entries: [YAMLNode.Entry] = []
        if !node.isNull {
            guard let present = node.entries else { throw .configNotMapping(path: path, key: key) }
            entries = present
        }
        let child = try setting(keys.dropFirst(), to: value, in: node[key] ?? .mapping([]), path: path)
        if let index = entries.firstIndex(where: { $0.key.scalar?.text == key }) {
            entries[index].value = child
        } else {
            entries.append(YAMLNode.Entry(key: .string(key), value: child))
        }
        return YAMLNode(.mapping(entries))
    }

    private static func node(_ value: JSONValue) -> YAMLNode {
        switch value {
        case .null: .plain("null")
        case .bool(let flag): .plain(flag ? "true" : "false")
        case .integer(let number): .plain(String(number))
        case .double(let number): .plain("\(number)")
        case .string(let text): .string(text)
        case .array(let elements): .sequence(elements.map(node))
        case .object(let object): .mapping(object.members.map { ($0.name, node($0.value)) })
        }
    }

    /// Whether two trees mean the same; the order of keys does not count.
    private static func same(_ left: YAMLNode, _ right: YAMLNode) -> Bool {
        switch (left.content, right.content) {
        case (.scalar(let first), .scalar(let second)):
            first.text == second.text && first.resolvedType == second.resolvedType
        case (.sequence(let first), .sequence(let second)): first.elementsEqual(second, by: same)
        case (.mapping(let first), .mapping(let second)):
            first.count == second.count
                && first.allSatisfy { entry in
                    second.contains { $0.key.scalar?.text == entry.key.scalar?.text && same($0.value, entry.value) }
                }
        case (.scalar, _), (.sequence, _), (.mapping, _): false
        }
    }

    // MARK: - Text

    /// A change of one line, or one line more; nil when the file's shape does not allow that.
    private static func edit(_ bytes: [UInt8], root: YAMLNode, keys: [String], value: YAMLNode) -> [UInt8]? {
        guard let text = inline(value) else { return nil }
        var node = root
        for (depth, key) in keys.enumerated() {
            guard let child = node[key] else {
                // The missing rest, as a flow mapping when it has more than one level.
                let rest = keys[(depth + 1)...].reversed().reduce(text) { "{\($1): \($0)}" }
                return insert("\(key): \(rest)", into: node, isRoot: depth == 0, bytes)
            }
            node = child
        }
        guard node.scalar != nil, let span = node.span else { return nil }
        return replace(bytes, line: span.start.line, column: span.start.column, count: span.length, with: text)
    }

    private static func inline(_ value: YAMLNode) -> String? {
        let written = YAMLWriter.bytes(of: value)
        if let elements = value.elements {
            let parts = elements.compactMap(inline)
            return parts.count == elements.count ? "[\(parts.joined(separator: ", "))]" : nil
        }
        var text = String(decoding: written, as: UTF8.self)
        while text.hasSuffix("\n") { text.removeLast() }
        // A document mark that the writer may add to plain scalars.
        if text.hasSuffix("\n...") { text.removeLast(4) }
        return text.contains("\n") ? nil : text
    }

    private static func replace(_ bytes: [UInt8], line: Int, column: Int, count: Int, with text: String) -> [UInt8]? {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        guard line <= lines.count, let whole = String(validating: lines[line - 1], as: UTF8.self) else { return nil }
        var scalars = Array(whole.unicodeScalars)
        guard column - 1 + count <= scalars.count else { return nil }
        scalars.replaceSubrange((column - 1)..<(column - 1 + count), with: text.unicodeScalars)
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        lines[line - 1] = Array(String(view).utf8)
        return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }

    /// A new line above the first entry of `mapping`, or at the end of the file for the root.
    private static func insert(_ line: String, into mapping: YAMLNode, isRoot: Bool, _ bytes: [UInt8]) -> [UInt8]? {
        if isRoot {
            let gap: [UInt8] = bytes.isEmpty || bytes.last == UInt8(ascii: "\n") ? [] : [UInt8(ascii: "\n")]
            return bytes + gap + Array("\(line)\n".utf8)
        }
        guard let first = mapping.entries?.first?.key.span else { return nil }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        let indent = String(repeating: " ", count: first.start.column - 1)
        guard first.start.line <= lines.count else { return nil }
        lines.insert(Array((indent + line).utf8), at: first.start.line - 1)
        return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }
}
