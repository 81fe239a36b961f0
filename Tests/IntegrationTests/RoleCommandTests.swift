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
        #expect(missing.code == 1 && missing.errors.contains("No trace directory found: \(scratch.path)/traces"))
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
        #expect(broken.code == 0 && broken.lines.count == 1 && broken.errors.contains("could not parse"), "\(broken)")
        #expect(try trace("--last", "0").code == 2)
    }
}
