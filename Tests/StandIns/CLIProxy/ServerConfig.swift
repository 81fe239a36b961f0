// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import SystemIO
internal import YAMLSyntax

/// config.yaml, read as the server reads it: unknown keys are ignored.
struct ServerConfig: Sendable {
    var host = ""
    var port = 0
    var authDirectory = ""
    var apiKeys: [String] = []
    var debug = false
    var allowRemote = false
    var secretKey = ""
    var root: YAMLNode
    /// The file's bytes when it was read, after the server's own change to them.
    var source: [UInt8] = []

    private static let sizeLimit = 4 << 20

    /// Reads `path`; a plaintext management key is replaced by its hash in the same file, as the server does.
    static func load(_ path: String) throws -> ServerConfig {
        let bytes = try FileSystem.read(path, limit: sizeLimit)
        var config = try ServerConfig(bytes)
        config.source = bytes
        if !config.secretKey.isEmpty, !KeyHash.isHash(config.secretKey) {
            config.replaceSecret(with: KeyHash.hash(config.secretKey))
            config.source = YAMLWriter.bytes(of: config.root)
            try? writeInPlace(config.source, to: path)
        }
        return config
    }

    init(_ bytes: [UInt8]) throws {
        root = try YAMLParser.parse(bytes, name: "config.yaml")
        guard root.entries != nil else {
            throw Diagnostic("yaml/type", "cannot unmarshal \(root.kindInWords) into config.Config")
        }
        host = root["host"]?.scalar?.text ?? ""
        if let node = root["port"] {
            guard let number = node.integerValue else {
                throw Diagnostic("yaml/type", "cannot unmarshal \(node.kindInWords) into int")
            }
            port = number
        }
        authDirectory = root["auth-dir"]?.scalar?.text ?? ""
        apiKeys = (root["api-keys"]?.elements ?? []).compactMap { $0.scalar?.text }
        debug = root["debug"]?.boolValue ?? false
        let management = root["remote-management"]
        allowRemote = management?["allow-remote"]?.boolValue ?? false
        secretKey = management?["secret-key"]?.scalar?.text ?? ""
    }

    var usesTemplateKeys: Bool {
        apiKeys.contains { ["your-api-key-1", "your-api-key-2", "your-api-key-3"].contains($0) }
    }

    var json: JSONValue { Self.json(root) }

    /// Truncates and writes the same inode, so that watchers of the file see it.
    static func writeInPlace(_ bytes: [UInt8], to path: String) throws {
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .create, .truncate], mode: 0o600)
        try descriptor.writeAll(bytes, path: path)
    }

    private mutating func replaceSecret(with hash: String) {
        secretKey = hash
        set(["remote-management", "secret-key"], to: .string(hash))
    }

    /// Replaces or appends the value at `path`, making mappings on the way.
    mutating func set(_ path: [String], to value: YAMLNode) {
        root = Self.setting(path[...], to: value, in: root)
    }

    private static func setting(_ path: ArraySlice<String>, to value: YAMLNode, in node: YAMLNode) -> YAMLNode {
        guard let key = path.first else { return value }
        var entries = node.entries ?? []
        let child = setting(path.dropFirst(), to: value, in: node[key] ?? .mapping([]))
        if let index = entries.firstIndex(where: { $0.key.scalar?.text == key }) {
            entries[index].value = child
        } else {
            entries.append(YAMLNode.Entry(key: .string(key), value: child))
        }
        return YAMLNode(.mapping(entries))
    }

    private static func json(_ node: YAMLNode) -> JSONValue {
        switch node.content {
        case .sequence(let elements): return .array(elements.map(json))
        case .mapping(let entries):
            return .object(JSONObject(entries.map { (name: $0.key.scalar?.text ?? "", value: json($0.value)) }))
        case .scalar(let scalar):
            if let number = scalar.integerValue { return .integer(number) }
            if let flag = scalar.boolValue { return .bool(flag) }
            if let number = scalar.doubleValue { return .double(number) }
            return node.isNull ? .null : .string(scalar.text)
        }
    }
}
