// SPDX-License-Identifier: MIT

import Diagnostics
import RouterConfig
import Testing
import YAMLSyntax

/// One wrong thing, what is said about it, and of which text.
struct WrongEntry: Sendable, CustomTestStringConvertible {
    let config: ConfigText
    let code: String
    let words: String
    /// What the caret points at.
    let marked: String

    var testDescription: String { "\(code): \(words)" }

    static func service(_ entries: String, _ code: String, _ words: String, _ marked: String) -> WrongEntry {
        WrongEntry(config: .service(entries), code: code, words: words, marked: marked)
    }

    static func more(_ text: String, _ code: String, _ words: String, _ marked: String) -> WrongEntry {
        var config = ConfigText()
        config.more = text
        return WrongEntry(config: config, code: code, words: words, marked: marked)
    }

    static func services(_ text: String, _ code: String, _ words: String, _ marked: String) -> WrongEntry {
        var config = ConfigText()
        config.services = "services: {\(text)}"
        return WrongEntry(config: config, code: code, words: words, marked: marked)
    }
}

@Suite struct ConfigProblemTests {
    static let values: [WrongEntry] = [
        .service(
            "port: web", "config/wrong-type",
            "`services.web.port` must be a whole number from 1 to 65535, not a string", "web"),
        .service("port: 0", "config/out-of-range", "not `0`", "0"),
        .service("port: 80.5", "config/wrong-type", "not the number `80.5`", "80.5"),
        .service("port: ", "config/wrong-type", "not nothing", ""),
        .service(
            "port: 99999999999999999999", "config/out-of-range", "not `99999999999999999999`", "99999999999999999999"),
        .service("host: 5", "config/wrong-type", "`services.web.host` must be a host name or an IP address", "5"),
        .service("host: 'a b'", "config/invalid-value", "not `a b`", "'a b'"),
        .service("readiness_path: v1", "config/invalid-value", "a path that starts with `/`", "v1"),
        .service("essential: 1", "config/wrong-type", "`true` or `false`, not the number `1`", "1"),
        .service("restart: [always]", "config/wrong-type", "a mapping, not a list", "["),
        .service("restart: Always", "config/unknown-word", "is `Always`", "Always"),
        .service("restart: no", "config/wrong-type", "not the truth value `no`", "no"),
        .service("restart: {delay: -1s}", "config/invalid-duration", "must be a time, not `-1s`", "-1s"),
        .service("restart: {multiplier: 0.5}", "config/out-of-range", "a number from 1 to 100, not `0.5`", "0.5"),
        .service("restart: {jitter: .nan}", "config/out-of-range", "not `.nan`", ".nan"),
        .service("restart: {crash_limit: -1}", "config/out-of-range", "not `-1`", "-1"),
        .service("stop: {signal: STOP}", "config/unknown-word", "`services.web.stop.signal` is `STOP`", "STOP"),
        .service("stop: {timeout: 2 hours}", "config/invalid-duration", "not `2 hours`", "2 hours"),
        .service("stop: {timeout: 2h}", "config/out-of-range", "a time from 0s to 1h, not `2h`", "2h"),
        .service("stop: {timeout: true}", "config/wrong-type", "not the truth value `true`", "true"),
        .service("log: {max_size: 10Mb}", "config/invalid-size", "must be a size, not `10Mb`", "10Mb"),
        .service("log: {max_size: 1KiB}", "config/out-of-range", "a size from 4KiB to 1TiB", "1KiB"),
        .service("log: {keep: many}", "config/wrong-type", "not a string", "many"),
        .service("env: {A: true}", "config/wrong-type", "a string or a number, not the truth value", "true"),
        .service("env: {1A: x}", "config/invalid-value", "a variable name", "1A"),
        .service("env: [A=1]", "config/wrong-type", "`services.web.env` must be a mapping, not a list", "["),
        .service("depends_on: {web2: soon}", "config/unknown-word", "is `soon`", "soon"),
        .service("readiness: {tcp: {port: 1}, periods: 1s}", "config/unknown-key", "`periods`", "periods"),
        .service("readiness: {http: {port: 1, expect: ok}}", "config/invalid-value", "`2xx`, `200` or `200-299`", "ok"),
        .service("readiness: {http: {port: 1, expect: 300-200}}", "config/invalid-value", "not `300-200`", "300-200"),
        .service(
            "readiness: {http: {port: 1, bearer: 'os.environ/a b'}}", "config/wrong-type", "`os.environ/NAME`",
            "'os.environ/a b'"),
        .service("readiness: {http: {port: 1, headers: {'a b': c}}}", "config/invalid-value", "a header name", "'a b'"),
        .service("readiness: {http: {port: 1, headers: {a: \"b\\nc\"}}}", "config/invalid-value", "a header value", ""),
        .service("readiness: {exec: []}", "config/empty-list", "at least one element", "["),
        .service("on_profile_switch: reboot", "config/unknown-word", "is `reboot`", "reboot"),
        .services(
            "web: {command: {args: [a, 5]}}", "config/wrong-type", "`services.web.command.args.1` must be a string", "5"
        ),
        .services("web: {command: {args: server}}", "config/wrong-type", "a non-empty list", "server"),
        .services("web: {command: {cwd: x}}", "config/missing-key", "`args` is missing in `services.web.command`", "{"),
        .services("web: {port: 1}", "config/missing-key", "`command` is missing in `services.web`", "{"),
        .services("web: 5", "config/wrong-type", "`services.web` must be a mapping", "5"),
        .more("secret_files: x", "config/wrong-type", "a list", "x"),
        .more("secret_files: [5]", "config/wrong-type", "`secret_files.0` must be a path", "5"),
        .more("bootstrap: {release_api: 'ftp://x'}", "config/invalid-value", "`http://` or `https://`", "'ftp://x'"),
        .more("bootstrap: {release_api: 'https://u:p@h'}", "config/invalid-value", "without a user", ""),
        .more("bootstrap: {cliproxy: {repo: x}}", "config/invalid-value", "`owner/name`", "x"),
        .more("bootstrap: {cliproxy: {repo: ../x}}", "config/invalid-value", "`owner/name`", "../x"),
        .more("bootstrap: {cliproxy: {binary: ../x}}", "config/invalid-value", "a file name", "../x"),
        .more("oauth: {codex: {status_endpoint: x}}", "config/invalid-value", "starts with `/`", "x"),
        .more("gateway: {breakers: {}}", "config/unknown-key", "`breakers` in `gateway`", "breakers"),
        .more("gateway: {virtual_models: {a: {simple: x}}}", "config/missing-key", "`complex` is missing", "{"),
        .more("gateway: {hedge: {after: 1s, extra: 5}}", "config/wrong-type", "a share such as `5%`", "5"),
        .more("gateway: {budgets: {users: {default: -1}}}", "config/invalid-value", "an amount", "-1"),
        .more("gateway: {keys: {a: {hash: x}}}", "config/invalid-value", "64 hex digits", "x"),
        .more("profile: {}", "config/unknown-key", "unknown key `profile` at the top level", "profile"),
        .more("config_version: 3", "config/unsupported-version", "`3` is unknown; versions 1 and 2 are supported", "3"),
        .more("config_version: two", "config/unsupported-version", "versions 1 and 2", "two"),
        .more("paths: {}", "yaml/duplicate-key", "`paths` is there twice", "paths"),
    ]

    @Test(arguments: values)
    func `a wrong value is said once, at its place`(entry: WrongEntry) throws {
        let errors = entry.config.problems().filter { $0.severity == .error && $0.code != "config/unknown-service" }
        let problem = try #require(errors.first, "nothing was said")
        #expect(errors.count == 1, "\(errors)")
        #expect(problem.code == entry.code)
        #expect(problem.message.contains(entry.words), "\(problem.message)")
        let span = try #require(problem.span)
        let scalars = span.lineText.unicodeScalars.dropFirst(span.start.column - 1).prefix(span.length)
        if !entry.marked.isEmpty {
            #expect(String(String.UnicodeScalarView(scalars)).hasPrefix(entry.marked), "\(span.lineText)")
        }
    }

    static let relations: [WrongEntry] = [
        .services(
            "a: {command: {args: [x]}, depends_on: {bb: started}}, b: {command: {args: [x]}}", "config/unknown-service",
            "names the service `bb`", "bb"),
        .services("a: {command: {args: [x]}, depends_on: [a]}", "config/dependency-cycle", "`a` → `a`", "a"),
        .services(
            "a: {command: {args: [x]}, depends_on: {b: started}}, b: {command: {args: [x]}, depends_on: {c: started}}, c: {command: {args: [x]}, depends_on: {a: started}}",
            "config/dependency-cycle", "`a` → `b` → `c` → `a`", "a"),
        .services(
            "a: {port: 5, command: {args: [x]}}, b: {port: 5, command: {args: [x]}}", "config/duplicate-port",
            "`b` and `a` (line 3) both listen on port 5", "5"),
        .services("a: {command: {args: [x]}, readiness: {period: 1s}}", "config/probe-target", "`exec`, not none", "{"),
        .services(
            "a: {port: 1, command: {args: [x]}, liveness: {tcp: {}, exec: [x]}}", "config/probe-target",
            "not `tcp` and `exec`", "{"),
        .services(
            "a: {command: {args: [x]}, readiness: {tcp: {}}}", "config/probe-without-port", "`services.a` has none", "{"
        ),
        .service("front: embedded", "config/front-port", "`services.web.front` needs `services.web.port`", "embedded"),
        .services(
            "a: {front: embedded, port: 10, command: {args: [x, --port, '11']}}", "config/front-port",
            "the same number among `command.args`", "embedded"),
        .services(
            "a: {front: embedded, port: 10, command: {args: [x, --port=10]}}, b: {port: 12, command: {args: [y]}}",
            "config/front-taken", "needs port 12, which `services.b` has", "embedded"),
        .services(
            "g: {port: 5, command: {args: [llm-router, gateway, serve, --config, x]}}", "config/gateway-port",
            "`services.g.port` is 5, but the gateway that it starts listens on 4000", "5"),
        .services("all: {command: {args: [x]}}", "config/service-name", "`all` cannot name a service", "all"),
        .services("'a b': {command: {args: [x]}}", "config/service-name", "`a b` cannot name a service", "'a b'"),
        .services("../x: {command: {args: [x]}}", "config/service-name", "`../x`", "../x"),
        .services(
            "\(String(repeating: "x", count: 65)): {command: {args: [x]}}", "config/service-name", "longer than 64",
            "xxx"),
    ]

    @Test(arguments: relations)
    func `what does not fit together is said once`(entry: WrongEntry) throws {
        let errors = entry.config.problems().filter { $0.severity == .error }
        #expect(errors.map(\.code) == [entry.code])
        #expect(errors.first?.message.contains(entry.words) == true, "\(errors)")
        let span = try #require(errors.first?.span)
        let scalars = span.lineText.unicodeScalars.dropFirst(span.start.column - 1)
        #expect(String(String.UnicodeScalarView(scalars)).hasPrefix(entry.marked), "\(span.lineText) \(span.start)")
    }

    @Test func `waiting for the readiness of what has no probe is a warning`() {
        var config = ConfigText()
        config.services = "services: {a: {command: {args: [x]}, depends_on: {b: ready}}, b: {command: {args: [x]}}}"
        #expect(config.problems().map(\.code) == ["config/ready-without-probe"])
        #expect(config.problems().map(\.severity) == [.warning])
    }

    @Test(arguments: [
        ("10s", Duration.seconds(10)), ("250ms", .milliseconds(250)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
        ("30d", .seconds(2_592_000)), ("1m30s", .seconds(90)), ("5", .seconds(5)), ("1.5", .milliseconds(1500)),
        ("0.25s", .milliseconds(250)), ("0", .zero), ("100us", .microseconds(100)), ("", nil), ("s", nil), ("1x", nil),
        ("-1s", nil), ("1s2", nil), ("1 s", nil), ("1..5s", nil), (".5s", nil), ("1e3", nil), ("99999999999999d", nil),
        ("٣s", nil),
    ])
    func `times are read exactly`(text: String, duration: Duration?) {
        #expect(DurationText.parse(text) == duration)
        if let duration { #expect(DurationText.parse(DurationText.write(duration)) == duration) }
    }

    @Test(arguments: [
        ("10MiB", 10 << 20), ("1 KB", 1000), ("5", 5), ("7B", 7), ("2TiB", 2 << 40), ("", nil), ("MiB", nil),
        ("1mib", nil),
        ("-1", nil), ("1.5MiB", nil), ("9999999999999TiB", nil),
    ])
    func `sizes are read exactly`(text: String, count: Int?) {
        #expect(ByteSizeText.parse(text) == count)
        if let count { #expect(ByteSizeText.parse(ByteSizeText.write(count)) == count) }
    }
}

@Suite struct ConfigMigrationTests {
    @Test(arguments: ["", "config_version: 1", "config_version: 2"])
    func `names of version 1 are read with a note`(version: String) throws {
        var config = ConfigText()
        config.version = version
        config.services = """
            services:
              cliproxyapi: {command: {args: [proxy]}, port: 1}
              litellm: {command: {args: [litellm]}, depends_on: {cliproxyapi: ready}}
              other: {command: {args: [x]}, depends_on: [cliproxyapi]}
            """
        config.more = "secrets: [a.yaml]"
        let loaded = try config.load()
        #expect(loaded.configuration.services.map(\.name) == ["cliproxyapi_plus", "litellm", "other"])
        #expect(loaded.configuration.service("litellm")?.dependencies.map(\.name) == ["cliproxyapi_plus"])
        #expect(loaded.configuration.service("other")?.dependencies.map(\.name) == ["cliproxyapi_plus"])
        #expect(loaded.configuration.secretFiles == ["/etc/stack/config/a.yaml"])
        #expect(loaded.remarks.diagnostics.map(\.code) == ["config/renamed", "config/renamed"])
        #expect(loaded.remarks.diagnostics.allSatisfy { $0.severity == .note })
        #expect(
            loaded.remarks.diagnostics[0].message.contains(
                "`services.cliproxyapi` is read as `services.cliproxyapi_plus`"))
    }

    @Test func `both names at once are refused`() {
        var config = ConfigText()
        config.more = "secrets: [a]\nsecret_files: [b]"
        #expect(config.problems().map(\.code) == ["config/renamed-twice"])
    }

    @Test func `endpoints that never existed are dropped with a warning`() throws {
        var config = ConfigText()
        config.more = """
            oauth:
              codex:
                auth_url_endpoint: http://127.0.0.1:8317/v0/management/oauth/codex/auth-url
                status_endpoint: /v0/management/oauth/codex/status
              other: {auth_url_endpoint: /login}
            """
        let loaded = try config.load()
        #expect(loaded.configuration.oauthProvider("codex").authURLEndpoint == nil)
        #expect(loaded.configuration.oauthProvider("codex").statusEndpoint == nil)
        #expect(loaded.configuration.oauthProvider("other").authURLEndpoint == "/login")
        #expect(loaded.remarks.diagnostics.map(\.code) == ["config/dead-endpoint", "config/dead-endpoint"])
        #expect(loaded.remarks.diagnostics.map(\.span?.start.line) == [9, 10])
        #expect(loaded.remarks.diagnostics[0].notes == ["`/v0/management/codex-auth-url` is used instead"])
    }
}
