// SPDX-License-Identifier: MIT

package import Diagnostics
package import LLMRouting
package import SystemIO
internal import YAMLSyntax

/// Why a role configuration (`llm.yaml`) cannot be used.
package enum RoleFileError: Error, Sendable {
    case missing(name: String)
    case unreadable(SystemError)
    case syntax(name: String, Diagnostic)
    case content(RoleConfigurationError)
}

extension RoleFileError: CustomStringConvertible {
    /// In the words of the role doctor.
    package var description: String {
        switch self {
        case .missing(let name): "Config file not found: \(name)"
        case .unreadable(let error): error.diagnostic.message
        case .syntax(let name, let diagnostic):
            "Invalid YAML in \(name): "
                + (diagnostic.span.map { "line \($0.start.line), column \($0.start.column): " } ?? "")
                + diagnostic.message
        case .content(let error): error.description
        }
    }
}

/// Reads role configurations: the routing library takes values without YAML.
package enum RoleFile {
    private static let sizeLimit = 4 << 20

    /// - Parameter name: the file as the operator wrote it.
    package static func read(_ path: String, name: String) throws(RoleFileError) -> RoleConfiguration {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, limit: sizeLimit)
        } catch {
            throw error.isNotFound ? .missing(name: name) : .unreadable(error)
        }
        let root: YAMLNode
        do {
            root = try YAMLParser.parse(bytes, name: name)
        } catch {
            throw .syntax(name: name, error.diagnostic)
        }
        do {
            return try RoleConfiguration(root: value(of: root))
        } catch {
            throw .content(error)
        }
    }

    private static func value(of node: YAMLNode) -> SettingValue {
        switch node.content {
        case .sequence(let elements): return .list(elements.map(value))
        case .mapping(let entries):
            return .map(Settings(entries.map { (value(of: $0.key).nameValue ?? "", value(of: $0.value)) }))
        case .scalar(let scalar):
            switch scalar.resolvedType {
            case .null: return .null
            case .bool: return .bool(scalar.boolValue ?? false)
            case .integer: return scalar.integerValue.map(SettingValue.integer) ?? .text(scalar.text)
            case .float: return scalar.doubleValue.map(SettingValue.number) ?? .text(scalar.text)
            case .timestamp, .string: return .text(scalar.text)
            }
        }
    }
}
