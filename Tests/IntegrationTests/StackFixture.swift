// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// A project folder with a configuration of its own, and the built command to use on it; stopped when it goes.
final class StackFixture: Sendable {
    let scratch: ScratchFolder

    /// The configuration of a stack whose services are the given YAML (indented by two spaces).
    init(services: String, base: String? = nil, extra: String = "") throws {
        scratch = try ScratchFolder()
        try writeConfig(services: services, base: base, extra: extra)
    }

    /// A folder without a configuration.
    init() throws {
        scratch = try ScratchFolder()
    }

    deinit {
        _ = try? run("--quiet", "down")
    }

    var path: String { scratch.path }
    var runtime: String { scratch.path(".router/runtime") }

    static let plainBase = """
          model_list:
            - model_name: router-default
              litellm_params: {model: mock/echo, api_key: none}
            - model_name: router-cheap
              litellm_params: {model: mock/echo, api_key: none}
          litellm_settings: {num_retries: 1}
        """

    func writeConfig(services: String, base: String? = nil, extra: String = "") throws {
        try scratch.write(
            "config/routertool.yaml",
            """
            config_version: 2
            paths:
              runtime_dir: ../.router/runtime
              active_config: ../.router/runtime/litellm.active.yaml
              state_file: ../.router/runtime/state.json
              log_file: ../.router/logs/routerctl.log
            services:
            \(services)
            litellm_base:
            \(base ?? Self.plainBase)
            profiles:
              reliability: {litellm_settings: {num_retries: 3}}
              balanced: {litellm_settings: {num_retries: 2}}
              cost: {litellm_settings: {num_retries: 1}}
            \(extra)
            """)
    }

    /// The command with these arguments, called in the project folder.
    func program(_ arguments: [String], environment: [String: String] = [:]) -> Program {
        Program.built(
            "llm-router", arguments, environment: Program.inherited.merging(environment) { _, new in new },
            directory: path)
    }

    func run(_ arguments: String..., environment: [String: String] = [:]) throws -> ProgramResult {
        try program(arguments, environment: environment).run()
    }

    /// The object that a command prints with `--output json`.
    func json(_ arguments: String..., environment: [String: String] = [:]) throws -> JSONValue {
        let result = try program(arguments + ["--output", "json"], environment: environment).run()
        return try JSONParser.parse(result.output)
    }

    /// The events written so far, each parsed; a line that is not whole fails the parse.
    func events() throws -> [JSONValue] {
        let file = runtime + "/events.log"
        guard FileSystem.exists(file) else { return [] }
        let text = String(decoding: try FileSystem.read(file, limit: 64 << 20), as: UTF8.self)
        return try text.split(separator: "\n").map { try JSONParser.parse(String($0)) }
    }

    /// The generated keys of the stack.
    func secrets() throws -> [(name: String, value: String)] {
        try scratch.read(".router/secrets.env").split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            return line.hasPrefix("#") || parts.count < 2 ? nil : (parts[0], parts[1])
        }
    }

    func secret(_ name: String) throws -> String {
        try #require(try secrets().first { $0.name == name }).value
    }

    /// The pid that `status` says, nil when the service does not run.
    func pid(of service: String) throws -> Int32? {
        let status = try json("status")
        let found = status["services"]?.arrayValue?.first { $0["name"]?.stringValue == service }
        return found?["pid"]?.integerValue.map(Int32.init)
    }
}
