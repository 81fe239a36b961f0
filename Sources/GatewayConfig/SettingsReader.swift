// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import LLMRouting
package import LiteLLMConfig
internal import SystemIO
internal import YAMLSyntax

/// Reads a LiteLLM config file and the policy file beside it.
package struct SettingsReader: Sendable {
    private static let configLimitBytes = 16 << 20

    private let environment: EnvironmentLookup

    package init(environment: @escaping EnvironmentLookup) {
        self.environment = environment
    }

    /// - Throws: all problems that keep the gateway from serving the file.
    package func read(_ path: String) throws(DiagnosticList) -> GatewaySettings {
        let policyPath = GatewayPolicyPath.besides(path)
        let file: [UInt8]
        let policy: [UInt8]?
        do throws(SystemError) {
            file = try FileSystem.read(path, limit: Self.configLimitBytes)
            policy =
                FileSystem.exists(policyPath) ? try FileSystem.read(policyPath, limit: Self.configLimitBytes) : nil
        } catch {
            throw DiagnosticList([error.diagnostic])
        }
        return try read(file, at: path, policy: policy)
    }

    /// Reads what lies, or would lie, at `path` and in the policy file beside it.
    package func read(_ file: [UInt8], at path: String, policy: [UInt8]?) throws(DiagnosticList) -> GatewaySettings {
        do {
            let root = try YAMLParser.parse(file, name: path)
            let configuration = try LiteLLMConfiguration.read(root, environment: environment)
            var builder = SettingsBuilder(configuration, environment: environment)
            builder.build()
            if let policy {
                let value = try Self.parse(policy, at: GatewayPolicyPath.besides(path))
                let node = PolicyNode(
                    value["gateway"] ?? .null, path: "gateway", file: GatewayPolicyPath.besides(path))
                builder.apply(node, value["base_directory"]?.stringValue)
            }
            builder.check()
            if builder.settings.policy.budgets != BudgetPolicy(), builder.settings.ledgerPath == nil {
                builder.settings.ledgerPath = PathName.parent(of: path) + "/budgets.sqlite"
            }
            guard !builder.settings.findings.hasErrors else { throw builder.settings.findings }
            return builder.settings
        } catch let list as DiagnosticList {
            throw list
        } catch let error as any DiagnosticConvertible {
            throw DiagnosticList([error.diagnostic])
        } catch {
            throw DiagnosticList([Diagnostic("gateway/config", "cannot read `\(path)`")])
        }
    }

    /// JSON's own problem, with the file that it is in.
    private static func parse(_ policy: [UInt8], at path: String) throws -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(policy)
        } catch {
            let problem = error.diagnostic
            throw DiagnosticList([
                Diagnostic(problem.code, "`\(path)`: \(problem.message)", notes: problem.notes, hints: problem.hints)
            ])
        }
    }
}
