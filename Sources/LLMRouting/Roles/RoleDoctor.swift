// SPDX-License-Identifier: MIT

/// Checks a role configuration without calling anybody.
public struct RoleDoctor: Sendable {
    /// What was found in a configuration.
    public struct Findings: Hashable, Sendable {
        /// What keeps a role from being played.
        public var errors: [String] = []
        /// What works but surprises.
        public var warnings: [String] = []

        public init(errors: [String] = [], warnings: [String] = []) {
            self.errors = errors
            self.warnings = warnings
        }
    }

    /// What is printed where, and the exit status.
    public struct Report: Hashable, Sendable {
        /// Lines for standard output.
        public var output: [String]
        /// Lines for standard error.
        public var errorOutput: [String]
        /// 1 when there are errors, else 0.
        public var exitStatus: Int
    }

    /// The value of an environment variable.
    let environment: @Sendable (String) -> String?
    /// Whether a command is found in PATH.
    let hasCommand: @Sendable (String) -> Bool

    public init(
        environment: @escaping @Sendable (String) -> String?, hasCommand: @escaping @Sendable (String) -> Bool
    ) {
        self.environment = environment
        self.hasCommand = hasCommand
    }

    /// A file that could not be read as a configuration.
    public static func findings(of error: RoleConfigurationError) -> Findings {
        switch error {
        case .wrongShape: Findings(errors: ["Unexpected error loading config: \(error)"])
        case .noTopLevelKey, .missingField, .providerWithoutType, .roleWithoutProvider, .unknownProvider,
            .unknownFallback, .unknownDefaultRole:
            Findings(errors: ["Config invalid: \(error)"])
        }
    }

    /// Checks keys, programs and types, and plays a role with the mock provider.
    ///
    /// - Parameters:
    ///   - configuration: what a file says.
    ///   - role: a role that must exist.
    public func check(_ configuration: RoleConfiguration, role: String? = nil) -> Findings {
        var findings = Findings()
        for provider in configuration.providers { check(provider, &findings) }
        for problem in configuration.problems { findings.warnings.append("\(problem)") }
        if let role, !configuration.roles.contains(where: { $0.name == role }) {
            let known = configuration.roles.map(\.name).sorted().joined(separator: ", ")
            findings.errors.append("Role '\(role)' not found in config. Known roles: \(known)")
        }
        return findings
    }

    private func check(_ provider: RoleConfiguration.Provider, _ findings: inout Findings) {
        let name = provider.name
        switch provider.type {
        case "openrouter_http", "openai_http":
            if let variable = provider.settings["api_key_env"]?.textValue, (environment(variable) ?? "").isEmpty {
                findings.errors.append("Provider '\(name)': env var '\(variable)' is not set")
            }
            if provider.settings["base_url"]?.isTruthy != true {
                findings.warnings.append("Provider '\(name)': 'base_url' not set — will use default")
            }
        case "codex_cli":
            let command = provider.settings["command"]?.textValue ?? "codex"
            if !hasCommand(command) {
                findings.errors.append("Provider '\(name)': binary '\(command)' not found in PATH")
            }
        case "mock":
            break
        default:
            findings.warnings.append("Provider '\(name)': unknown type '\(provider.type)' — cannot validate")
        }
    }

    /// The findings as lines.
    ///
    /// - Parameters:
    ///   - findings: what was found.
    ///   - path: the file as the operator typed it.
    public static func report(_ findings: Findings, path: String) -> Report {
        var output = ["Lee LLM Router Doctor", "Config: \(path)", ""]
        output += findings.warnings.map { "  ⚠  \($0)" }
        var errorOutput = findings.errors.map { "  ✗  \($0)" }
        if !findings.errors.isEmpty {
            errorOutput += ["", "Status: \(findings.errors.count) error(s) found"]
        } else if !findings.warnings.isEmpty {
            output += ["", "  ✓  \(findings.warnings.count) warning(s) — no blocking errors"]
        } else {
            output.append("  ✓  All checks passed")
        }
        return Report(output: output, errorOutput: errorOutput, exitStatus: findings.errors.isEmpty ? 0 : 1)
    }
}

/// A role configuration to begin with.
public enum RoleTemplate {
    /// A commented file with one provider of each type and four roles.
    public static let text = """
        # Roles, and the providers that play them.
        llm:
          # Plays for every role that is not listed below.
          default_role: planner

          # Each provider has a type; everything else in its block is passed to it as it is.
          providers:
            # Any API with OpenAI's shape.
            openrouter:
              type: openrouter_http
              base_url: https://openrouter.ai/api/v1
              # The name of the environment variable that holds the key, never the key itself.
              api_key_env: OPENROUTER_API_KEY

            # A program on this machine; the prompt is its last argument.
            codex_local:
              type: codex_cli
              command: codex
              model_flag: --model
              output_flag: --output-last-message

            # Answers by itself: for tests and for trying things out.
            mock:
              type: mock

          roles:
            # provider is required; what is left out has the value that is shown here.
            planner:
              provider: openrouter
              model: openai/gpt-4o
              temperature: 0.2
              json_mode: false
              timeout: 60.0
              # Asked in this order when the provider fails; {provider: NAME, model: NAME} has a model of its own.
              fallback_providers: [codex_local]

            extractor:
              provider: openrouter
              model: openai/gpt-4o-mini
              temperature: 0.0
              json_mode: true
              max_tokens: 2048

            local:
              provider: codex_local
              model: o3

            test:
              provider: mock

        """
}
