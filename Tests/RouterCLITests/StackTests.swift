// SPDX-License-Identifier: MIT

import RouterCLI
import RouterConfig
import SystemIO
import TestSupport
import Testing

/// What commands see of a stack: its variables and its folders.
@Suite struct StackTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func stack(_ services: String = "", environment: [String: String] = [:]) throws -> Stack {
        try scratch.write(
            "config/routertool.yaml",
            """
            config_version: 2
            paths: {runtime_dir: ../data/router, active_config: ../data/router/active.yaml, state_file: s, log_file: l}
            services: {\(services)}
            litellm_base: {}
            profiles: {}
            """)
        let console = Console(
            format: .text, isQuiet: true, outputIsTerminal: false, errorIsTerminal: false, allowsColor: false)
        return try Stack.load(
            AppContext(
                console: console, environment: environment, workingDirectory: scratch.path,
                executablePath: "/opt/bin/llm-router", configPath: scratch.path("config/routertool.yaml"),
                configName: "config/routertool.yaml"))
    }

    private func mode(_ name: String) throws -> UInt32? {
        try FileSystem.status(scratch.path(name)).map { $0.mode & 0o777 }
    }

    @Test func `secrets win over what is inherited, as they do for services`() throws {
        try scratch.write("data/secrets.env", "A=secret\nB=secret\n")
        let variables = try stack(environment: ["A": "", "B": "caller", "C": "caller"]).planEnvironment()
        #expect(variables == ["A": "secret", "B": "secret", "C": "caller"])
    }

    @Test func `a profile is read with the variables of the service that reads it`() throws {
        try scratch.write("config/own.env", "FILE=1\n")
        let services = """
            other: {command: {args: [x]}, env: {ELSEWHERE: "1"}},
            gateway: {command: {cwd: .., args: [llm-router, gateway, serve, --config, data/router/active.yaml]},
                      env_file: own.env, env: {OWN: "a=b"}, on_profile_switch: none}
            """
        #expect(try stack(services).profileEnvironment() == ["FILE": "1", "OWN": "a=b"])
        #expect(try stack("x: {command: {args: [x]}}", environment: ["A": "1"]).profileEnvironment() == ["A": "1"])
    }

    @Test func `a folder that others use as well stays open and without an ignore file`() throws {
        try scratch.write("data/theirs", "")
        try FileSystem.setMode(scratch.path("data"), 0o755)
        try stack().prepareFolders()
        #expect(try mode("data") == 0o755)
        #expect(try mode("data/router") == 0o700)
        #expect(!FileSystem.exists(scratch.path("data/.gitignore")))
    }

    @Test func `a folder that was missing is private and ignores itself`() throws {
        try stack().prepareFolders()
        #expect(try mode("data") == 0o700)
        #expect(FileSystem.exists(scratch.path("data/.gitignore")))
    }

    @Test func `the reference names the variables of the management key in their order`() {
        let names = EnvironmentKey.managementKeys.map { "`\($0.rawValue)`" }.joined(separator: ", else ")
        #expect(ConfigReference.markdown().contains("the variable \(names) |"))
    }
}
