// SPDX-License-Identifier: MIT

internal import GatewayConfig
public import LLMRouting
internal import SystemIO

extension ProviderRegistry {
    /// All provider types: `mock`, `openrouter_http` (also called `openai_http`) and `codex_cli`.
    ///
    /// - Parameter environment: variables for keys, proxies, and the programs that are run.
    public static func live(environment: [String: String]) -> ProviderRegistry {
        ProviderRegistry([
            "mock": MockProvider(), "openrouter_http": OpenAIProvider(environment: { environment[$0] }),
            "codex_cli": CodexProvider(environment: environment),
        ])
    }
}

/// Why a role configuration file cannot be used.
public struct RoleFileProblem: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

extension LLMRouter {
    /// A router for the roles of `llm.yaml`, with the real clock, all provider types and traces in files.
    ///
    /// - Parameters:
    ///   - file: the role configuration.
    ///   - environment: see ``ProviderRegistry/live(environment:)``.
    ///   - workspace: noted in traces, which then lie in its `.agentleeops/traces`.
    ///   - traceDirectory: where traces lie instead.
    /// - Throws: ``RoleFileProblem``.
    public init(
        file: String, environment: [String: String], workspace: String? = nil, traceDirectory: String? = nil
    ) throws {
        let configuration: RoleConfiguration
        do throws(RoleFileError) {
            configuration = try RoleFile.read(file, name: file)
        } catch {
            throw RoleFileProblem(description: "\(error)")
        }
        let clock = Environment(calendar: {
            CalendarTime(microsecondsSince1970: Timestamp.now().nanoseconds / 1000)
        })
        self.init(
            configuration: configuration, environment: clock, registry: .live(environment: environment),
            traces: TraceDirectory(explicit: traceDirectory, workspace: workspace))
        self.workspace = workspace
    }
}

/// Keeps each trace as a file below a folder, a folder a day.
public struct TraceDirectory: TraceStore {
    /// The folder.
    public let path: String

    /// - Parameters:
    ///   - explicit: the folder.
    ///   - workspace: without an explicit folder, its `.agentleeops/traces`; without both `.lee-llm-router/traces`.
    public init(explicit: String? = nil, workspace: String? = nil) {
        path = explicit ?? workspace.map { $0 + "/.agentleeops/traces" } ?? ".lee-llm-router/traces"
    }

    public func store(_ trace: RequestTrace) throws {
        let file = path + "/" + trace.relativePath
        try PrivateDirectory.create(PathName.parent(of: file))
        try AtomicFile.write(Array(trace.json.utf8), to: file, mode: 0o600)
    }
}
