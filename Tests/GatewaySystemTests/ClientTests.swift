// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

private let fixtures = Golden.repository + "/Tests/GatewaySystemTests/Fixtures"

/// Programs that others wrote, against the gateway's executable.
@Suite(.serialized) struct ClientTests {
    @Test func `litellm, LangChain, instructor and the llm command work`() throws {
        let python = try PythonEnvironment.withClientLibraries()
        let gateway = try GatewayProgram { _ in
            """
            model_list:
              - {model_name: echo, litellm_params: {model: mock/echo}}
              - {model_name: tool, litellm_params: {model: 'mock/tool?arguments={"city":"Paris"}'}}
              - {model_name: json, litellm_params: {model: 'mock/echo?text={"city":"Paris"}'}}
            general_settings: {master_key: sk-test-0123456789}

            """
        }
        let result = try Program(python, [fixtures + "/client_check.py", gateway.base]).run(limit: .seconds(180))
        #expect(result.code == 0, "\(result)")
        #expect(result.lines.contains("ok with_llm_command"))
        try gateway.stop()
    }

    /// Requests made up from docs/gateway.openapi.yaml, valid ones and broken ones.
    @Test func `a thousand made-up requests meet no server error`() throws {
        let python = try PythonEnvironment.withSchemathesis()
        let gateway = try GatewayProgram { port in
            """
            model_list:
              - {model_name: echo, litellm_params: {model: mock/echo, input_cost_per_token: 0.000001}}
              - {model_name: tool, litellm_params: {model: mock/tool}}
              - {model_name: claude, litellm_params: {model: anthropic/echo, api_base: "http://127.0.0.1:\(port)", api_key: sk-test-0123456789}}
            general_settings: {master_key: sk-test-0123456789}

            """
        }
        let scratch = try ScratchFolder()
        let result = try Program(
            PathName.parent(of: python) + "/schemathesis",
            [
                "--config-file", fixtures + "/schemathesis.toml", "run",
                Golden.repository + "/docs/gateway.openapi.yaml",
                "--url", gateway.base, "-H", "Authorization: Bearer sk-test-0123456789", "--checks",
                "not_a_server_error,content_type_conformance", "--max-examples", "60", "--seed", "1", "--workers", "2",
                "--suppress-health-check", "all", "--no-color",
            ], directory: scratch.path
        ).run(limit: .seconds(180))
        #expect(result.code == 0, "\(result)")
        let generated = result.output.split(separator: "\n").first { $0.contains(" generated,") }
        let count = generated.flatMap { Int($0.split(separator: " ").first ?? "") } ?? 0
        #expect(count >= 1000, "\(result.output.suffix(500))")
        try gateway.stop()
    }
}
