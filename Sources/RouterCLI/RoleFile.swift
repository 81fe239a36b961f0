// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import LLMRouting
internal import SystemIO
internal import YAMLSyntax

/// A role configuration (`llm.yaml`) as the routing library wants it: values without YAML.
enum RoleFile {
    private static let sizeLimit = 4 << 20

    /// What a role doctor finds in the file at `path`, which the operator wrote as `name`.
    static func check(path: String, name: String, role: String?, with doctor: RoleDoctor) -> RoleDoctor.Findings {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, limit: sizeLimit)
        } catch {
            return RoleDoctor.Findings(errors: [
                error.isNotFound
                    ? "Config invalid: Config file not found: \(name)"
                    : "Unexpected error loading config: \(error.diagnostic.message)"
            ])
        }
        do {
            let root = try YAMLParser.parse(bytes, name: name)
            return doctor.check(try RoleConfiguration(root: value(of: root)), role: role)
        } catch let error as RoleConfigurationError {
            return RoleDoctor.findings(of: error)
        } catch let error as Diagnostic {
            let place = error.span.map { "line \($0.start.line), column \($0.start.column): " } ?? ""
            return RoleDoctor.Findings(errors: ["Config invalid: Invalid YAML in \(name): \(place)\(error.message)"])
        } catch {
            return RoleDoctor.Findings(errors: ["Unexpected error loading config: \(error)"])
        }
    }

    private static func value(of node: YAMLNode) -> SettingValue {
        switch node.content {
        case .sequence(let elements): return .list(elements.map(value))
        case .mapping(let entries):
            return .map(Settings(entries.map { ($0.key.scalar?.text ?? "", value(of: $0.value)) }))
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
