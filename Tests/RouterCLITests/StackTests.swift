// SPDX-License-Identifier: MIT

import RouterCLI
import RouterConfig
import RouterDoctor
import SystemIO
import TestSupport
import Testing

/// What commands see of a stack: its variables and its folders.
@Suite struct StackTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func stack(
        _ services: String = "", base: String = "{}", extra: String = "", environment: [String: String] = [:]
    ) throws -> Stack {
        try scratch.write(
            "config/routertool.yaml",
            """
            config_version: 2
            paths: {runtime_dir: ../data/router, active_config: ../data/router/active.yaml, state_file: s, log_file: l}
            services: {\(services)}
            litellm_base: \(base)
            \(extra.isEmpty ? "profiles: {}" : extra)
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

    @Test func `each service is exposed by what decides where it listens`() throws {
        let services = """
            open: {command: {cwd: .., args: [cli-proxy-api, -config, config/open.yaml]}, host: 127.0.0.1, port: 8317},
            keyed: {command: {cwd: .., args: [cli-proxy-api, --config=config/keyed.yaml]}},
            closed: {command: {cwd: .., args: [cli-proxy-api, -config, config/closed.yaml]}, host: 0.0.0.0, port: 1},
            gateway: {command: {args: [llm-router, gateway, serve, --config, a]}, host: 127.0.0.1},
            local: {command: {args: [llm-router, gateway, serve, --config, a, --host, 127.0.0.1]}},
            """
        try scratch.write("config/open.yaml", "port: 8317\napi-keys: []\n")
        try scratch.write("config/keyed.yaml", "host: 0.0.0.0\nport: 9\napi-keys: [k]\n")
        try scratch.write("config/closed.yaml", "host: 127.0.0.1\n")
        let extra = "profiles: {}\ngateway: {host: 0.0.0.0, port: 4100}"
        let lines = StackExposure(try stack(services, extra: extra)).exposedBinds.map { check in
            "\(check.outcome) " + check.facts.map(\.value).joined(separator: " ")
        }
        #expect(
            lines == ["fail open  8317 none", "warn keyed 0.0.0.0 9 set", "fail gateway 0.0.0.0 4100 none"])
        let hash = "sha256:" + String(repeating: "0", count: 64)
        let keyed = try stack(services, extra: "\(extra.dropLast()), keys: {a: {hash: \"\(hash)\"}}}")
        #expect(StackExposure(keyed).exposedBinds.last?.outcome == .warn)
    }

    @Test func `LiteLLM listens everywhere unless its own arguments say otherwise`() throws {
        let services = """
            litellm: {command: {args: [/opt/litellm, --config, a]}, host: 127.0.0.1, port: 4000},
            behind: {command: {args: [/opt/litellm, --port, "5000"]}, port: 5000, front: embedded},
            local: {command: {args: [/opt/litellm, --host, 127.0.0.1]}, port: 6000},
            told: {command: {args: [/opt/litellm]}, env: {HOST: 127.0.0.1}, port: 7000},
            """
        let extra = "profiles: {}"
        let checks = StackExposure(try stack(services, extra: extra)).exposedBinds
        #expect(
            checks.map { "\($0.outcome) " + $0.facts.map(\.value).joined(separator: " ") }
                == ["fail litellm 0.0.0.0 4000 none", "fail behind-a 0.0.0.0 5001 none"])
        #expect(checks.last?.suggestion == "set --host of services.behind to 127.0.0.1, or a key")
        let keyed = try stack(services, base: "{general_settings: {master_key: k}}", extra: extra)
        #expect(StackExposure(keyed).exposedBinds.map(\.outcome) == [.warn, .warn])
    }

    @Test func `keys are found wherever they stand`() throws {
        try scratch.write("config/own.env", "B_TOKEN=v2\nMODE=test\n")
        try scratch.write("config/cliproxyapi.yaml", "api-keys: [v3]\nremote-management: {secret-key: v4}\n")
        try scratch.write("data/secrets.env", "S_KEY=v5\n")
        let services = """
            a: {command: {args: [x]}, port: 1, env_file: own.env, env: {A_KEY: v1},
                readiness: {http: {bearer: v6}}, liveness: {http: {bearer: os.environ/A_KEY}}}
            """
        let extra = """
            profiles: {p: {model_list: [{litellm_params: {api_key: v7, max_tokens: 5}}]}}
            gateway: {admin: {key: os.environ/ADMIN}}
            oauth: {codex: {management_key: v8}}
            """
        let found = StackExposure(
            try stack(
                services, base: "{general_settings: {master_key: v9}}", extra: extra, environment: ["ADMIN": "v10"])
        ).keys
        #expect(
            found.map { "\($0.name)=\($0.value)" } == [
                "S_KEY=v5", "services.a.env.A_KEY=v1", "services.a.env_file.B_TOKEN=v2", "ADMIN=v10",
                "litellm_base.general_settings.master_key=v9",
                "profiles.p.model_list[0].litellm_params.api_key=v7", "oauth.codex.management_key=v8",
                "services.a.readiness.http.bearer=v6", "cliproxyapi.yaml api-keys[0]=v3",
                "cliproxyapi.yaml.remote-management.secret-key=v4",
            ])
    }

    @Test func `references of all sections are collected with who reads them`() throws {
        let services = """
            a: {command: {args: [x]}, port: 1, readiness: {http: {bearer: os.environ/PROBE}}}
            """
        let extra = """
            profiles: {p: {x: os.environ/PROFILE}}
            gateway: {admin: {key: os.environ/ADMIN}}
            oauth: {codex: {management_key: os.environ/LOGIN}}
            """
        let found = VariableReference.all(
            in: try stack(services, base: "{y: [os.environ/BASE]}", extra: extra).configuration)
        #expect(found.map(\.name) == ["ADMIN", "BASE", "LOGIN", "PROBE", "PROFILE"])
        #expect(found.map(\.reader) == [.profile, .profile, .login, .service("a"), .profile])
    }
}
