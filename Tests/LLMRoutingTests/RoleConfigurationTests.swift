// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

struct RoleConfigurationTests {
    private func map(_ members: (String, SettingValue)...) -> SettingValue { .map(Settings(members)) }

    private var providers: SettingValue { map(("p", map(("type", .text("mock")), ("x", .integer(1))))) }

    private func file(
        providers: SettingValue? = nil, roles: SettingValue? = nil, defaultRole: SettingValue? = .text("r")
    ) -> SettingValue {
        var llm = Settings()
        llm["default_role"] = defaultRole
        llm["providers"] = providers ?? self.providers
        llm["roles"] = roles ?? map(("r", map(("provider", .text("p")))))
        return map(("llm", .map(llm)))
    }

    @Test func `a minimal file has the defaults`() throws {
        let configuration = try RoleConfiguration(root: file())
        let role = try configuration.role(named: "r")
        #expect(role.attributes == RequestAttributes.defaults && role.fallbacks.isEmpty)
        #expect(configuration.provider(named: "p")?.settings == Settings([("x", .integer(1))]))
    }

    @Test func `a full role is read`() throws {
        let role = map(
            ("provider", .text("p")), ("model", .text("m")), ("temperature", .integer(1)), ("json_mode", .bool(true)),
            ("max_tokens", .integer(9)), ("timeout", .number(0.5)), ("unknown", .null),
            ("fallback_providers", .list([.text("q"), map(("provider", .text("p")), ("model", .text("n")))])))
        let read = try RoleConfiguration(root: file(roles: map(("r", role)))).role(named: "r")
        #expect(
            read.attributes
                == RequestAttributes(
                    model: "m", temperature: 1, jsonMode: true, maximumTokens: 9, timeout: .milliseconds(500)))
        #expect(read.fallbacks == [.init(provider: "q"), .init(provider: "p", model: "n")])
    }

    @Test(
        arguments: [
            (SettingValue.text("0.7"), 0.7), (.text(" 1e3 "), 1000), (.text("-.5"), -0.5), (.integer(2), 2),
            (.text("hot"), nil), (.text(""), nil), (.text("0x1"), nil), (.text("inf"), nil), (.text("1e999"), nil),
            (.list([]), nil),
        ] as [(SettingValue, Double?)])
    func `a number may be written as a text`(value: SettingValue, number: Double?) {
        let root = file(roles: map(("r", map(("provider", .text("p")), ("temperature", value)))))
        #expect((try? RoleConfiguration(root: root).role(named: "r").attributes.temperature) == number)
        let timed = file(roles: map(("r", map(("provider", .text("p")), ("timeout", value)))))
        let timeout = try? RoleConfiguration(root: timed).role(named: "r").attributes.timeout
        #expect(timeout == number.map { .seconds(max(0, $0)) })
    }

    @Test func `names may look like numbers`() throws {
        let root = file(
            providers: map(("1", map(("type", .text("mock"))))),
            roles: map(
                (
                    "7",
                    map(
                        ("provider", .integer(1)), ("model", .number(4.1)), ("fallback_providers", .list([.integer(1)]))
                    )
                )), defaultRole: .integer(7))
        let configuration = try RoleConfiguration(root: root)
        #expect(configuration.problems.isEmpty && configuration.defaultRole == "7")
        let role = try configuration.role(named: "?")
        #expect(role.provider == "1" && role.attributes.model == "4.1" && role.fallbacks == [.init(provider: "1")])
    }

    @Test func `the first problem is told, in order`() {
        let cases: [(SettingValue, String)] = [
            (.null, "Config must have a top-level 'llm' key"), (.list([]), "Config must have a top-level 'llm' key"),
            (map(("other", .null)), "Config must have a top-level 'llm' key"),
            (map(("llm", map())), "Config missing required field: llm.default_role"),
            (map(("llm", map(("default_role", .text("r"))))), "Config missing required field: llm.providers"),
            (file(providers: map()), "Config missing required field: llm.providers"),
            (file(providers: .null), "Config missing required field: llm.providers"),
            (file(roles: map()), "Config missing required field: llm.roles"),
            (file(providers: map(("p", map(("a", .null))))), "Provider 'p' missing required field: 'type'"),
            (file(providers: map(("p", .text("mock")))), "Provider 'p' missing required field: 'type'"),
            (file(roles: map(("r", map(("model", .text("m")))))), "Role 'r' missing required field: 'provider'"),
            (
                file(roles: map(("r", map(("provider", .text("zz")))))), "Role 'r' references unknown provider: 'zz'"
            ),
            (file(providers: .list([])), "Config missing required field: llm.providers"),
            (file(providers: .text("")), "Config missing required field: llm.providers"),
            (file(providers: .list([.null])), "Config field llm.providers must be a mapping"),
            (map(("llm", .null)), "Config field llm must be a mapping"),
            (
                file(roles: map(("r", map(("provider", .text("p")), ("temperature", .text("hot")))))),
                "Config field llm.roles.r.temperature must be a number"
            ),
        ]
        for (root, message) in cases {
            let error = #expect(throws: RoleConfigurationError.self) { try RoleConfiguration(root: root) }
            #expect(error?.description == message)
        }
    }

    @Test func `the doctor says what is missing`() throws {
        let providers = map(
            ("a", map(("type", .text("openrouter_http")), ("api_key_env", .text("NOPE")))),
            ("b", map(("type", .text("codex_cli")))), ("c", map(("type", .text("mystery")))),
            ("p", map(("type", .text("mock")))))
        let configuration = try RoleConfiguration(root: file(providers: providers))
        let doctor = RoleDoctor(environment: { _ in "" }, hasCommand: { _ in false })
        let findings = doctor.check(configuration)
        #expect(
            findings.errors == [
                "Provider 'a': env var 'NOPE' is not set", "Provider 'b': binary 'codex' not found in PATH",
            ])
        #expect(
            findings.warnings == [
                "Provider 'a': 'base_url' not set — will use default",
                "Provider 'c': unknown type 'mystery' — cannot validate",
            ])
        let report = RoleDoctor.report(findings, path: "llm.yaml")
        #expect(report.output.prefix(3) == ["Lee LLM Router Doctor", "Config: llm.yaml", ""])
        #expect(report.output[3] == "  ⚠  Provider 'a': 'base_url' not set — will use default")
        #expect(report.errorOutput.suffix(2) == ["", "Status: 2 error(s) found"] && report.exitStatus == 1)
        #expect(doctor.check(configuration, role: "x").errors.last == "Role 'x' not found in config. Known roles: r")
    }

    @Test func `the doctor is content`() {
        #expect(RoleDoctor.report(.init(), path: "f").output.last == "  ✓  All checks passed")
        let warned = RoleDoctor.report(.init(warnings: ["w"]), path: "f")
        #expect(warned.output.suffix(2) == ["", "  ✓  1 warning(s) — no blocking errors"] && warned.exitStatus == 0)
        let wrong = RoleDoctor.findings(of: .wrongShape("llm", expected: "a mapping"))
        #expect(wrong.errors == ["Unexpected error loading config: Config field llm must be a mapping"])
        #expect(
            RoleDoctor.findings(of: .noTopLevelKey).errors == ["Config invalid: Config must have a top-level 'llm' key"]
        )
    }
}

struct RequestTraceTests {
    private var trace: RequestTrace {
        RequestTrace(
            requestID: "0123456789", role: "planner", provider: "p/1", model: "m",
            startedAt: CalendarTime(microsecondsSince1970: 1_700_000_000_123_456), attempt: 0,
            elapsedMilliseconds: 12.5,
            usage: CompletionResponse.Usage(promptTokens: 10, completionTokens: 5))
    }

    @Test func `a file has its name and its keys in order`() {
        #expect(trace.relativePath == "20231114/0123456789-0-p_1.json")
        #expect(
            trace.json == """
                {
                  "request_id": "0123456789",
                  "role": "planner",
                  "provider": "p/1",
                  "model": "m",
                  "started_at": "2023-11-14T22:13:20.123456+00:00",
                  "attempt": 0,
                  "work_package_id": null,
                  "workspace": null,
                  "elapsed_ms": 12.5,
                  "failure_type": null,
                  "error": null,
                  "usage": {
                    "prompt_tokens": 10,
                    "completion_tokens": 5,
                    "total_tokens": 15
                  }
                }
                """)
    }

    @Test func `a failure and what a gateway knows`() {
        var failed = trace
        failed.usage = nil
        failed.failureType = .timeout
        failed.error = "zeit \u{fc}ber \"x\"\n\u{1f600}"
        failed.gateway = RequestTrace.Gateway(
            route: "pool", score: -98, status: 504, cost: Money(picodollars: 280_000_000))
        #expect(
            failed.json.hasSuffix(
                #"""
                  "failure_type": "TIMEOUT",
                  "error": "zeit \u00fcber \"x\"\n\ud83d\ude00",
                  "usage": {},
                  "route": "pool",
                  "score": -98,
                  "status": 504,
                  "ttft_ms": null,
                  "cost": 0.00028
                }
                """#))
    }

    @Test(arguments: [("", "provider"), ("..", ".."), ("a/b\n", "a_b_")])
    func `a provider's name cannot leave the folder`(_ name: String, _ safe: String) {
        var named = trace
        named.provider = name
        #expect(!named.fileName.contains("/"))
        if name != ".." { #expect(named.fileName == "0123456789-0-\(safe).json") }
    }
}
