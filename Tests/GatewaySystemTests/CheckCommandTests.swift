// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// `check`: what of a file is used, what is ignored and what is wrong, and where.
@Suite struct CheckCommandTests {
    private func check(_ config: String, policy: String? = nil, _ more: String...) throws -> (ProgramResult, String) {
        let folder = try ScratchFolder()
        try folder.write("litellm.yaml", config)
        if let policy { try folder.write("litellm.gateway.json", policy) }
        let path = folder.path("litellm.yaml")
        return (try Program.built("llm-router-gateway", ["check", "--config", path] + more).run(), path)
    }

    @Test func `a good file is told entry by entry`() throws {
        let (result, path) = try check(
            """
            model_list:
              - model_name: main
                litellm_params: {model: mock/echo, seed: 1}
            general_settings: {alerting: [slack]}

            """)
        #expect(result.code == 0)
        #expect(result.lines.contains("used: `main` -> mock/echo (main@mock/echo)"))
        #expect(result.output.contains("ignored: \(path):3:40: `seed` in litellm_params of `main` has no effect"))
        #expect(result.output.contains("ignored: \(path):4:20: `alerting`"))
        #expect(result.lines.last == "the gateway can serve this file")
    }

    @Test(arguments: [
        ("  - {model_name: a, litellm_params: {model: bedrock/x}}", "2:45", "gateway/unknown-provider"),
        ("  - {model_name: a, litellm_params: {model: litellm_proxy/x}}", "2:45", "gateway/missing-api-base"),
        (
            "  - {model_name: a, litellm_params: {model: openai/x, api_base: \"ftp://x\"}}", "2:65",
            "gateway/invalid-api-base"
        ),
        (
            "  - {model_name: a, litellm_params: {model: openai/x, api_key: os.environ/NOT_SET_HERE}}", "2:64",
            "litellm/unset-variable"
        ),
        (
            "  - {model_name: a, litellm_params: {model: mock/x}}\nrouter_settings: {timeout: soon}", "3:28",
            "litellm/type"
        ),
        (
            "  - {model_name: a, litellm_params: {model: mock/x}}\nrouter_settings: {routing_strategy: best}", "3:37",
            "litellm/routing-strategy"
        ),
        ("\t- a", "2:1", "yaml/syntax"),
    ])
    func `what is wrong has a place, a code and the line itself`(entry: String, place: String, code: String) throws {
        let (result, path) = try check("model_list:\n\(entry)\n")
        #expect(result.code == 2)
        #expect(result.errors.contains("\(path):\(place): error: "), "\(result)")
        #expect(result.errors.contains("[\(code)]"), "\(result)")
        #expect(result.errors.contains("^"))
        #expect(!result.output.contains("can serve"))
    }

    @Test func `a fallback that leads nowhere is a warning with a guess`() throws {
        let (result, path) = try check(
            """
            model_list:
              - {model_name: main, litellm_params: {model: mock/echo}}
              - {model_name: backup, litellm_params: {model: mock/echo}}
            router_settings: {fallbacks: [{main: [bakcup]}]}

            """)
        #expect(result.code == 0)
        #expect(result.errors.contains("\(path):4:") && result.errors.contains("warning: "))
        #expect(result.errors.contains("did you mean `backup`?"))
    }

    @Test(arguments: [
        (#"{"gateway":{"timeouts":{"idle":"soon"}}}"#, "gateway.timeouts.idle"),
        (#"{"gateway":{"breaker":{"failures":0}}}"#, "gateway.breaker.failures"),
        (#"{"gateway":{"limits":{"requests":-4}}}"#, "gateway.limits.requests"),
        (#"{"gateway":{"limits":{"body_bytes":"much"}}}"#, "gateway.limits.body_bytes"),
        (#"{"gateway":{"keys":{"k":{"hash":"sha256:00"}}}}"#, "gateway.keys.k"),
        (#"{"gateway":{"budgets":{"users":{"default":"NaN"}}}}"#, "gateway.budgets.users.default"),
        (#"{"gateway":{"budgets":{"users":{"default":"1e400"}}}}"#, "gateway.budgets.users.default"),
        (#"{"gateway":{"#, "litellm.gateway.json"),
    ])
    func `our own section is as strict, and named`(policy: String, place: String) throws {
        let (result, _) = try check(
            "model_list:\n  - {model_name: main, litellm_params: {model: mock/echo}}\n", policy: policy)
        #expect(result.code == 2)
        #expect(result.errors.contains(place), "\(result)")
    }

    @Test func `control characters of a file do not reach the terminal`() throws {
        let (result, _) = try check(
            "model_list:\n  - {model_name: \"x\\e]0;title\\a\\u202e\", litellm_params: {model: mock/echo, \"\\e[2J\": 1}}\n"
        )
        #expect(result.code == 0)
        for text in [result.output, result.errors] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x202E }, "\(text)")
        }
    }

    @Test(arguments: ["/dev/zero", "/dev/null", "/", "/nowhere/at/all", "fifo", "unreadable"])
    func `what is no readable file is said at once`(name: String) throws {
        let folder = try ScratchFolder()
        var path = name
        switch name {
        case "fifo":
            path = folder.path("fifo")
            #expect(try Program("/usr/bin/mkfifo", [path]).run().code == 0)
        case "unreadable":
            // Root reads everything; a file that is too large is refused for everybody.
            path = folder.path("large.yaml")
            #expect(try Program("/usr/bin/truncate", ["-s", "20G", path]).run().code == 0)
        default: break
        }
        let result = try Program.built("llm-router-gateway", ["check", "--config", path]).run(limit: .seconds(20))
        #expect(result.code == 2)
        #expect(result.errors.contains(path), "\(result)")
    }

    @Test func `programs get the same as JSON`() throws {
        let (result, path) = try check(
            "model_list:\n  - {model_name: a, litellm_params: {model: bedrock/x}}\n", "--output", "json")
        #expect(result.code == 2)
        for part in [
            "\"usable\": false", "\"code\": \"gateway/unknown-provider\"", "\"line\": 2", "\"column\": 45", path,
        ] {
            #expect(result.output.contains(part), "\(part) in \(result)")
        }
    }
}
