// SPDX-License-Identifier: MIT

import Diagnostics
import RouterCLI
import RouterConfig
import RouterServices
import SystemIO
import TestSupport
import Testing

@Suite struct ServicePlanTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func plan(_ services: String, environment: [String: String] = [:]) throws -> ServicePlan {
        let text = """
            paths:
              {runtime_dir: ../.router/runtime, active_config: ../.router/runtime/active.yaml, state_file: s, log_file: l}
            litellm_base: {}
            profiles: {}
            services:

            """
        let indented = services.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
        let path = scratch.path("config/routertool.yaml")
        do {
            let loaded = try ConfigLoader.parse(
                Array((text + indented).utf8), name: "routertool.yaml", path: path, home: nil)
            return ServicePlan(
                loaded.configuration,
                in: .init(
                    environment: environment, workingDirectory: scratch.path, executablePath: "/opt/bin/llm-router"))
        } catch {
            throw TestFailure(words: DiagnosticRenderer(usesColor: false).render(error))
        }
    }

    private struct TestFailure: Error {
        let words: String
    }

    @Test func `a program with a slash is below cwd, one without comes from PATH`() throws {
        try scratch.write("tools/server", "#!/bin/sh\n", mode: 0o755)
        let services = try plan(
            """
            a: {command: {cwd: .., args: [bin/a, x]}}
            b: {command: {args: [server]}}
            c: {command: {args: [nowhere]}}
            d: {command: {args: [llm-router, gateway, serve]}}
            """, environment: ["PATH": "/nonexistent:\(scratch.path("tools"))"]
        ).checked()
        #expect(
            services.map(\.command.executable) == [
                scratch.path("bin/a"), scratch.path("tools/server"), "nowhere", "/opt/bin/llm-router",
            ])
        #expect(services.map(\.command.directory) == Array(repeating: scratch.path, count: 4))
        #expect(services[0].command.arguments == ["bin/a", "x"])
    }

    @Test func `variables come from the caller, then the secrets, then env_file, then env`() throws {
        try scratch.write(".router/secrets.env", "A=secrets\nB=secrets\nC=secrets\nD=secrets\n")
        try scratch.write("config/a.env", "B=file\nC=file\n")
        let spec = try plan(
            "a: {command: {args: [x]}, env_file: a.env, env: {C: own, N: 007}}",
            environment: ["A": "caller", "PATH": "/bin", "NOTIFY_SOCKET": "/run/x"]
        ).checked()[0]
        #expect(spec.command.environment.reveal() == ["A=secrets", "B=file", "C=own", "D=secrets", "N=007"])
        #expect(spec.command.inheritedEnvironment.reveal() == ["PATH=/bin"])
    }

    @Test func `CLIProxyAPI does not see the variables that would change what it is`() throws {
        let inherited = [
            "DEPLOY": "cloud", "PGSTORE_DSN": "x", "GITSTORE_GIT_URL": "x", "OBJECTSTORE_ENDPOINT": "x",
            "WRITABLE_PATH": "x", "MANAGEMENT_STATIC_PATH": "x", "HOME": "/h",
        ]
        let services = try plan(
            """
            cliproxyapi_plus: {command: {args: [x]}}
            proxy: {command: {args: [bin/cli-proxy-api-plus]}}
            other: {command: {args: [y]}}
            """, environment: inherited
        ).checked()
        #expect(services[0].command.inheritedEnvironment.reveal() == ["HOME=/h"])
        #expect(services[1].command.inheritedEnvironment.reveal() == ["HOME=/h"])
        #expect(services[2].command.inheritedEnvironment.reveal().count == 7)
    }

    @Test func `what a stray .env file would change for CLIProxyAPI is kept from it and said`() throws {
        try scratch.write(".env", "# notes\nDEPLOY=cloud\n export PGSTORE_DSN=postgres://secret\nMANAGEMENT_KEY=x\n")
        let services = """
            cliproxyapi_plus: {command: {args: [x]}, env: {PGSTORE_DSN: meant}}
            other: {command: {args: [y]}}
            """
        let plan = try plan(services)
        #expect(plan.services[0].command.environment.reveal() == ["DEPLOY=", "PGSTORE_DSN=meant"])
        #expect(plan.services[1].command.environment.reveal() == [])
        let problem = try #require(plan.problems.diagnostics.first)
        #expect(problem.code == "config/stray-env-file")
        #expect(problem.severity == .warning)
        #expect(problem.message.contains("\(scratch.path)/.env"))
        #expect(problem.message.contains("DEPLOY, PGSTORE_DSN"))
        #expect(!problem.message.contains("secret"))
    }

    @Test func `LiteLLM gets the offline settings that nobody has chosen otherwise`() throws {
        let spec = try plan(
            "litellm: {command: {args: [x]}, env: {LITELLM_LOG: DEBUG}, stop: {timeout: 20s}}",
            environment: ["LITELLM_MODE": "DEV", "DATABASE_URL": "postgres://elsewhere"]
        ).checked()[0]
        #expect(
            spec.command.environment.reveal() == [
                "DISABLE_ADMIN_UI=True", "GRACEFUL_SHUTDOWN_TIMEOUT=19", "LITELLM_LOCAL_MODEL_COST_MAP=True",
                "LITELLM_LOG=DEBUG", "NO_DOCS=True",
            ])
        #expect(spec.command.inheritedEnvironment.reveal() == ["LITELLM_MODE=DEV"])
    }

    @Test func `a missing key is named, a present one is sent`() throws {
        let text = """
            a:
              port: 4000
              host: 0.0.0.0
              command: {args: [x]}
              readiness: {http: {bearer: os.environ/KEY, expect: "200", body: ok, headers: {X-A: b}}, period: 3s, failures: 2}
            """
        let missing = try #require(try plan(text).checked()[0].readiness)
        guard case .http(let probe) = missing.target else { throw TestFailure(words: "not http") }
        #expect(probe.bearer == .missingVariable("KEY"))
        #expect(probe.url == "http://127.0.0.1:4000/v1/models")
        #expect(probe.acceptedStatus == 200...200)
        #expect(probe.headers == ["X-A: b"])
        #expect(probe.bodyMatch == "ok")
        #expect(missing.period == .seconds(3))
        #expect(missing.failureThreshold == 2)
        try scratch.write(".router/secrets.env", "KEY=k\n")
        guard case .http(let present) = try plan(text).checked()[0].readiness?.target else {
            throw TestFailure(words: "not http")
        }
        #expect(present.bearer == .token(Secret("k")))
    }

    @Test func `the readiness path falls back, and a service without a port has no probe`() throws {
        let services = try plan(
            """
            a: {port: 1, command: {args: [x]}, readiness_path: /r, health_path: /h}
            b: {port: 2, command: {args: [x]}, health_path: /h}
            c: {port: 3, command: {args: [x]}}
            d: {command: {args: [x]}}
            e: {port: 4, command: {args: [x]}, readiness: {tcp: {}}, liveness: {exec: [bin/check, a]}}
            """
        ).checked()
        let paths = services.map { spec -> String? in
            if case .http(let probe) = spec.readiness?.target { probe.path } else { nil }
        }
        #expect(paths == ["/r", "/h", "/v1/models", nil, nil])
        #expect(services[4].readiness?.target == .tcp(ListenAddress(host: "127.0.0.1", port: 4)))
        #expect(services[4].liveness?.target == .exec([scratch.path("bin/check"), "a"]))
    }

    @Test func `only a service that reads the profile is concerned by a switch`() throws {
        let services = try plan(
            """
            litellm: {command: {cwd: .., args: [bin/litellm, --config, .router/runtime/active.yaml]}}
            gateway: {command: {cwd: .., args: [llm-router, gateway, serve, --config=.router/runtime/active.yaml]}}
            other: {command: {args: [x]}}
            chosen: {command: {args: [x]}, on_profile_switch: restart}
            """
        ).checked()
        #expect(services.map(\.onProfileSwitch) == [.restart, .reload, .none, .restart])
    }

    @Test func `a bad environment file keeps nobody from looking at the services`() throws {
        try scratch.write("config/a.env", "FINE=1\nno equals sign\n1X=2\n")
        let plan = try plan("a: {command: {args: [x]}, env_file: a.env}")
        #expect(plan.services.count == 1)
        #expect(plan.problems.diagnostics.map(\.span?.start.line) == [2, 3])
        #expect(throws: DiagnosticList.self) { try plan.checked() }
        let words = DiagnosticRenderer(usesColor: false).render(plan.problems)
        #expect(words.contains("`services.a.env_file` names this file"))
        #expect(!words.contains("no equals"))
    }

    @Test func `log bounds come from the service, else from the supervisor section`() throws {
        let spec = try plan("a: {command: {args: [x]}, log: {max_size: 1MiB, keep: 2}}").checked()[0]
        #expect(spec.log.path == scratch.path(".router/runtime/process-logs/a.log"))
        #expect(spec.log.maximumBytes == 1 << 20)
        #expect(spec.log.keptFiles == 2)
    }
}
