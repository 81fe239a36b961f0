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
        do {
            let bytes = try FileSystem.read(path, limit: Self.configLimitBytes)
            let root = try YAMLParser.parse(bytes, name: path)
            let configuration = try LiteLLMConfiguration.read(root, environment: environment)
            var builder = SettingsBuilder(configuration, environment: environment)
            builder.build()
            let policyPath = GatewayPolicyPath.besides(path)
            if FileSystem.exists(policyPath) {
                let policy = try JSONParser.parse(try FileSystem.read(policyPath, limit: Self.configLimitBytes))
                builder.apply(
                    PolicyNode(policy["gateway"] ?? .null, path: "gateway", file: policyPath),
                    policy["base_directory"]?.stringValue)
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
}
