// SPDX-License-Identifier: MIT

import Diagnostics
import RouterConfig
import RouterServices
import Testing
import YAMLSyntax

/// A config with one service, in which a test changes something.
struct ConfigText {
    var version = ""
    var paths = "paths: {runtime_dir: run, active_config: run/a.yaml, state_file: run/s.json, log_file: log}"
    var services = "services:\n  web: {command: {args: [server]}}"
    var base = "litellm_base: {}"
    var profiles = "profiles: {}"
    var more = ""

    var text: String { [version, paths, services, base, profiles, more].joined(separator: "\n") + "\n" }

    static func service(_ entries: String) -> ConfigText {
        ConfigText(services: "services:\n  web: {command: {args: [server]}, \(entries)}")
    }

    func load() throws(DiagnosticList) -> ConfigLoader.Loaded {
        try ConfigLoader.parse(Array(text.utf8), name: "c.yaml", path: "/etc/stack/config/c.yaml", home: "/home/me")
    }

    /// Everything that is said about the text.
    func problems() -> [Diagnostic] {
        do {
            return try load().remarks.diagnostics
        } catch {
            return error.diagnostics
        }
    }
}

@Suite struct ConfigLoaderTests {
    @Test func `the smallest config has the defaults`() throws {
        let configuration = try ConfigText().load().configuration
        #expect(configuration.version == 2)
        #expect(configuration.bootstrap.cliproxy.version == "v6.8.16-0")
        #expect(configuration.gateway.port == 4000)
        #expect(!configuration.hasGateway)
        let web = try #require(configuration.service("web"))
        #expect(web.restart == RestartPolicy())
        #expect(web.readiness == nil && web.port == nil && web.onProfileSwitch == nil)
    }

    @Test func `paths are below the config file's folder, the home folder, or absolute`() throws {
        var text = ConfigText()
        text.paths = "paths: {runtime_dir: ../run/./x, active_config: ~/a.yaml, state_file: /s.json, log_file: log}"
        text.services = "services: {web: {command: {cwd: .., args: [x]}, env_file: web.env}}"
        text.more = "secret_files: [a, ../b]"
        let configuration = try text.load().configuration
        #expect(configuration.paths.runtimeDirectory == "/etc/stack/run/x")
        #expect(configuration.paths.activeConfig == "/home/me/a.yaml")
        #expect(configuration.paths.stateFile == "/s.json")
        #expect(configuration.paths.logFile == "/etc/stack/config/log")
        #expect(configuration.paths.secretsFile == "/etc/stack/run/secrets.env")
        #expect(configuration.secretFiles == ["/etc/stack/config/a", "/etc/stack/b"])
        #expect(configuration.service("web")?.command.directory == "/etc/stack")
        #expect(configuration.service("web")?.environmentFile == "/etc/stack/config/web.env")
    }

    @Test func `everything a service can say is read`() throws {
        let text = """
            services:
              db: {command: {args: [db]}, port: 1}
              web:
                host: 0.0.0.0
                port: 4000
                readiness_path: /r
                health_path: /h
                command: {cwd: /srv, args: [bin/web, "--port", "4000"]}
                env: {A: text, B: 5, C: 1.50}
                depends_on: {db: ready}
                restart:
                  {policy: on-failure, delay: 50ms, max_delay: 1m, multiplier: 3, jitter: 0, stable_after: 5,
                   crash_limit: 0, crash_window: 2m}
                stop: {signal: INT, timeout: 1.5}
                readiness: {http: {path: /x, port: 5, host: "::1", tls: true, bearer: os.environ/KEY, expect: 200-204, headers: {X-A: b}, body: fine}, period: 250ms, timeout: 2s, start_period: 1m30s, start_interval: 50ms, successes: 2, failures: 4}
                liveness: {exec: [check, now]}
                on_profile_switch: none
                log: {max_size: 1MiB, keep: 0}
                essential: true
            """
        var config = ConfigText()
        config.services = text
        let web = try #require(try config.load().configuration.service("web"))
        #expect(web.environment.map { "\($0.name)=\($0.value.reveal())" } == ["A=text", "B=5", "C=1.50"])
        #expect(web.dependencies.map(\.value) == [.ready])
        #expect(web.restart.mode == .onFailure && web.restart.initialDelay == .milliseconds(50))
        #expect(web.restart.maximumDelay == .seconds(60) && web.restart.multiplier == 3 && web.restart.jitter == 0)
        #expect(web.restart.crashLoopLimit == 0 && web.restart.crashLoopWindow == .seconds(120))
        #expect(web.stop.signal == .interrupt && web.stop.timeout == .milliseconds(1500))
        let readiness = try #require(web.readiness)
        #expect(readiness.http?.path == "/x" && readiness.http?.port == 5 && readiness.http?.host == "::1")
        #expect(readiness.http?.isTLS == true && readiness.http?.bearer == .environment("KEY"))
        #expect(readiness.http?.expect == 200...204 && readiness.http?.body == "fine")
        #expect(readiness.http?.headers.map { "\($0.name): \($0.value)" } == ["X-A: b"])
        #expect(readiness.period == .milliseconds(250) && readiness.startPeriod == .seconds(90))
        #expect(readiness.successes == 2 && readiness.failures == 4)
        #expect(web.liveness?.exec == ["check", "now"])
        #expect(web.onProfileSwitch == ProfileSwitchAction.none)
        #expect(web.log?.maximumBytes == 1 << 20 && web.log?.keptFiles == 0)
        #expect(web.isEssential)
    }

    @Test func `plain JSON is a config`() throws {
        let text = #"""
            {"config_version": 2, "$schema": "x", "paths": {"runtime_dir": "r", "active_config": "a", "state_file": "s", "log_file": "l"},
             "services": {"litellm": {"port": 4000, "command": {"cwd": "..", "args": ["litellm", "--config", "a"]}}},
             "litellm_base": {"model_list": []}, "profiles": {"balanced": {"litellm_settings": {"num_retries": 2}}}}
            """#
        let loaded = try ConfigLoader.parse(Array(text.utf8), name: "c.json", path: "/c.json", home: nil)
        #expect(loaded.configuration.profile("balanced")?["litellm_settings"]?["num_retries"]?.integerValue == 2)
    }

    @Test func `LiteLLM's keys pass untouched`() throws {
        var text = ConfigText()
        text.base = "litellm_base: {unknown_key: {deep: 1e3}, general_settings: {x: yes}}"
        text.profiles = "profiles: {mine: {anything: \"1\"}, empty: }"
        let configuration = try text.load().configuration
        #expect(configuration.litellmBase["unknown_key"]?["deep"]?.scalar?.text == "1e3")
        #expect(configuration.litellmBase["general_settings"]?["x"]?.scalar?.text == "yes")
        #expect(configuration.profile("mine")?["anything"]?.scalar?.style == .doubleQuoted)
        #expect(configuration.profile("empty")?.entries?.isEmpty == true)
    }

    @Test func `all problems are said at once, in order, with line and caret`() {
        var text = ConfigText()
        text.services = """
            services:
              web:
                prot: 80
                port: 99999
                command: {args: []}
                restart: sometimes
                stop: {timeout: fast}
            """
        text.more = "servces: {}"
        let problems = text.problems()
        #expect(
            problems.map(\.code) == [
                "config/unknown-key", "config/out-of-range", "config/empty-list", "config/unknown-word",
                "config/invalid-duration", "config/unknown-key",
            ])
        #expect(problems.map(\.span?.start.line) == [5, 6, 7, 8, 9, 12])
        let rendered = DiagnosticRenderer(usesColor: false).render(DiagnosticList(problems))
        #expect(
            rendered.hasPrefix(
                """
                c.yaml:5:5: error: unknown key `prot` in `services.web` [config/unknown-key]
                 5 |     prot: 80
                   |     ^^^^
                hint: did you mean `port`?
                c.yaml:6:11: error: `services.web.port` must be a whole number from 1 to 65535, not `99999` \
                [config/out-of-range]
                 6 |     port: 99999
                   |           ^^^^^

                """))
        #expect(rendered.contains("hint: did you mean `services`?"))
    }

    @Test func `an excerpt does not show a key`() {
        let text = ConfigText.service(#"env: {SOME_API_KEY: sk-abcdefgh}, prot: 1"#)
        let rendered = DiagnosticRenderer(usesColor: false).render(DiagnosticList(text.problems()))
        #expect(rendered.contains("unknown key `prot`"))
        #expect(!rendered.contains("sk-abcdefgh"))
    }

    @Test func `a missing file is explained`() {
        #expect(throws: DiagnosticList.self) {
            try ConfigLoader.load(path: "/nonexistent/routertool.yaml", name: "config/routertool.yaml", home: nil)
        }
        do {
            _ = try ConfigLoader.load(path: "/nonexistent/routertool.yaml", name: "config/routertool.yaml", home: nil)
        } catch {
            #expect(error.diagnostics.map(\.code) == ["config/not-found"])
            #expect(error.diagnostics[0].hints.first?.contains("llm-router init") == true)
        }
    }

    @Test(arguments: [
        ("", "config/missing-key"), ("- a\n", "config/not-a-mapping"), ("text\n", "config/not-a-mapping"),
    ])
    func `a file without a mapping is refused`(text: String, code: String) {
        do {
            _ = try ConfigLoader.parse(Array(text.utf8), name: "c", path: "/c", home: nil)
            Issue.record("no error")
        } catch {
            #expect(Set(error.diagnostics.map(\.code)) == [code])
        }
    }
}
