// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// `doctor --llm-config`, `template` and `trace` as scripts of their earlier users call them.
@Suite struct RoleCommandTests {
    private func doctor(_ text: String?, _ arguments: [String] = [], key: String? = nil) throws -> ProgramResult {
        let scratch = try ScratchFolder()
        if let text { try scratch.write("llm.yaml", text) }
        var environment = Program.inherited
        environment["OPENROUTER_API_KEY"] = key
        environment["PATH"] = scratch.path("bin")
        try scratch.write("bin/codex", Array("#!/bin/sh\n".utf8), mode: 0o755)
        let result = try Program.built(
            "llm-router", ["doctor", "--llm-config", "llm.yaml"] + arguments, environment: environment,
            directory: scratch.path
        ).run()
        #expect(FileSystem.exists(scratch.path))
        return result
    }

    @Test func `the template passes the doctor once its key is set`() throws {
        let template = try Program.built("llm-router", ["template"]).run()
        #expect(template.code == 0)
        let good = try doctor(template.output, key: "sk")
        #expect(good.code == 0 && good.errors.isEmpty, "\(good)")
        #expect(good.output == "Lee LLM Router Doctor\nConfig: llm.yaml\n\n  ✓  All checks passed\n")
        let bad = try doctor(template.output)
        #expect(bad.code == 1 && bad.output == "Lee LLM Router Doctor\nConfig: llm.yaml\n\n", "\(bad)")
        #expect(
            bad.errors
                == "  ✗  Provider 'openrouter': env var 'OPENROUTER_API_KEY' is not set\n\nStatus: 1 error(s) found\n")
        #expect(try doctor(template.output, ["--role", "nobody"], key: "sk").code == 1)
    }

    @Test(
        arguments: [
            (nil, "Config invalid: Config file not found: llm.yaml"),
            ("llm: [", "Config invalid: Invalid YAML in llm.yaml: "),
            ("[]", "Config invalid: Config must have a top-level 'llm' key"),
            ("llm: {default_role: x}", "Config invalid: Config missing required field: llm.providers"),
            (
                "llm: {default_role: x, providers: {p: {a: 1}}, roles: {x: {provider: p}}}",
                "Config invalid: Provider 'p' missing required field: 'type'"
            ),
            (
                "llm: {default_role: x, providers: {p: {type: mock}}, roles: {x: {}}}",
                "Config invalid: Role 'x' missing required field: 'provider'"
            ),
            (
                "llm: {default_role: x, providers: {p: {type: mock}}, roles: {x: {provider: q}}}",
                "Config invalid: Role 'x' references unknown provider: 'q'"
            ),
        ] as [(String?, String)])
    func `a file that cannot be used is one error`(text: String?, words: String) throws {
        let result = try doctor(text)
        #expect(result.code == 1 && result.errors.hasPrefix("  ✗  " + words), "\(result)")
        #expect(result.errors.hasSuffix("\n\nStatus: 1 error(s) found\n"))
    }

    private static func file(
        providers: String = "p: {type: mock}", role: String = "provider: p", rest: String = ""
    ) -> String {
        "llm: {default_role: x, providers: {\(providers)}, roles: {x: {\(role)}}\(rest)}"
    }

    @Test(arguments: [
        ("llm: null", "Unexpected error loading config: Config field llm must be a mapping"),
        (file(providers: ""), "Config invalid: Config missing required field: llm.providers"),
        ("llm: {default_role: x, providers: []}", "Config invalid: Config missing required field: llm.providers"),
        (
            file(role: "provider: p, temperature: hot"),
            "Unexpected error loading config: Config field llm.roles.x.temperature must be a number"
        ),
        (file(role: "provider: 1"), "Config invalid: Role 'x' references unknown provider: '1'"),
        (
            file(providers: "p: {type: codex_cli, command: /bin/nope}"),
            "Provider 'p': binary '/bin/nope' not found in PATH"
        ),
    ])
    func `one error has these bytes`(text: String, words: String) throws {
        let result = try doctor(text)
        let head = "Lee LLM Router Doctor\nConfig: llm.yaml\n\n"
        #expect(result.code == 1 && result.output == head, "\(result)")
        #expect(result.errors == "  ✗  \(words)\n\nStatus: 1 error(s) found\n")
    }

    @Test(arguments: [
        file(providers: "p: {type: codex_cli, command: /bin/sh}"), file(role: "provider: p, temperature: \"0.7\""),
        file(role: "provider: p, timeout: 1e3"), file(providers: "1: {type: mock}", role: "provider: 1"),
        file(role: "provider: p, unknown: 7", rest: ", unknown: 7"),
    ])
    func `these files pass`(text: String) throws {
        let result = try doctor(text)
        #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
        #expect(result.output == "Lee LLM Router Doctor\nConfig: llm.yaml\n\n  ✓  All checks passed\n")
    }

    @Test func `warnings have these bytes, fallbacks last`() throws {
        let result = try doctor(
            Self.file(
                providers: "p: {type: openai_http, api_key_env: OPENROUTER_API_KEY}, q: {type: odd}",
                role: "provider: p, fallback_providers: [nobody]"), key: "sk")
        #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
        #expect(
            result.output == """
                Lee LLM Router Doctor
                Config: llm.yaml

                  ⚠  Provider 'p': 'base_url' not set — will use default
                  ⚠  Provider 'q': unknown type 'odd' — cannot validate
                  ⚠  Role 'x' references unknown fallback provider: 'nobody'

                  ✓  3 warning(s) — no blocking errors

                """)
    }

    @Test(arguments: [["--llm-config", "llm.yaml", "--what"], ["--role", "x"], ["--llm-config"]])
    func `bad usage is 2`(arguments: [String]) throws {
        let scratch = try ScratchFolder()
        let result = try Program.built("llm-router", ["doctor"] + arguments, directory: scratch.path).run()
        #expect(result.code == 2 && result.output.isEmpty && !result.errors.isEmpty, "\(result)")
    }

    @Test func `warnings alone do not fail`() throws {
        let result = try doctor("llm: {default_role: x, providers: {p: {type: odd}}, roles: {x: {provider: p}}}")
        #expect(result.code == 0, "\(result)")
        #expect(
            result.lines.suffix(2) == [
                "  ⚠  Provider 'p': unknown type 'odd' — cannot validate", "  ✓  1 warning(s) — no blocking errors",
            ])
    }

    @Test func `traces are listed newest first, in columns`() throws {
        let scratch = try ScratchFolder()
        func trace(_ arguments: String...) throws -> ProgramResult {
            try Program.built("llm-router", ["trace", "--dir", "traces"] + arguments, directory: scratch.path).run()
        }
        let missing = try trace()
        #expect(missing.code == 1 && missing.errors == "No trace directory found: traces\n", "\(missing)")
        try scratch.write("traces/20260101/.keep", "")
        let none = try trace()
        #expect(none.code == 0 && none.output == "No traces found.\n", "\(none)")
        for number in 0..<12 {
            let error = number == 11 ? "\"boom\"" : "null"
            try scratch.write(
                "traces/20260101/\(number)-0-p.json",
                """
                {"request_id": "abcdefgh-\(number)", "role": "planner", "provider": "mock", "model": "o3",
                 "started_at": "2026-01-01T00:00:00.000000+00:00", "attempt": \(number), "elapsed_ms": \(number).9,
                 "error": \(error)}
                """)
            // The order is that of the files' times, whose grain is the kernel's clock tick.
            Pause.milliseconds(5)
            Pause.milliseconds(5)
            Pause.milliseconds(5)
        }
        let ten = try trace()
        #expect(ten.lines.count == 10, "\(ten)")
        #expect(
            ten.lines.first
                == "abcdefgh  2026-01-01T00:00:00  planner       mock                  a11     o3                    ERROR   11ms"
        )
        #expect(try trace("--last", "1").lines.count == 1)
        try scratch.write("traces/20260101/broken.json", "{")
        let broken = try trace("--last", "2")
        #expect(broken.code == 0 && broken.lines.count == 1, "\(broken)")
        #expect(
            broken.errors
                == "  [could not parse traces/20260101/broken.json: invalid JSON at byte 1: the text ends too early]\n")
        #expect(try trace("--last", "0").code == 2)
    }

    @Test(arguments: [
        (
            #"{"started_at": "2026-01-01T10:11:12+00:00", "request_id": "👩‍👩‍👧‍👦👩‍👩‍👧‍👦"}"#,
            "👩‍👩‍👧‍👦👩  2026-01-01T10:11:12                                      a0                            OK      0ms\n",
            ""
        ),
        ("{}", "                                        a0                            OK      0ms\n", ""),
        ("[]", "", "  [could not parse t/x.json: the text is no JSON object]\n"),
        (
            #"{"role": "日本", "error": "", "elapsed_ms": 1999.99, "attempt": 3}"#,
            "    日本                                  a3                            OK      1999ms\n", ""
        ),
    ])
    func `a trace is told as its file says`(text: String, line: String, error: String) throws {
        let scratch = try ScratchFolder()
        try scratch.write("t/x.json", text)
        let result = try Program.built("llm-router", ["trace", "--dir", "t"], directory: scratch.path).run()
        #expect(result.code == 0 && result.output == line && result.errors == error, "\(result)")
    }

    @Test func `traces are found below a workspace, however deep and hidden`() throws {
        let scratch = try ScratchFolder()
        let folders = ["w/.agentleeops/traces/20260101", ".lee-llm-router/traces/20260101", "a/b/c/d/e"]
        for folder in folders {
            try scratch.write("\(folder)/x.json", "{\"request_id\": \"found\"}")
            try scratch.write("\(folder)/x.txt", "{")
        }
        func trace(_ arguments: String...) throws -> ProgramResult {
            try Program.built("llm-router", ["trace"] + arguments, directory: scratch.path).run()
        }
        #expect(try trace("--dir", "w").lines.count == 1)
        #expect(try trace("--dir", ".").lines.count == 3)
        let standard = try trace()
        #expect(standard.code == 0 && standard.lines.count == 1 && standard.errors.isEmpty, "\(standard)")
        let empty = try ScratchFolder()
        let missing = try Program.built("llm-router", ["trace"], directory: empty.path).run()
        #expect(missing.code == 1 && missing.errors == "No trace directory found: .lee-llm-router/traces\n")
        #expect(try trace("--config", "nope.yaml").code == 2)
    }
}
