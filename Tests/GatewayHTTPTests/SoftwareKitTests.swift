// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// The real `openai` and `anthropic` packages of Python against a gateway with the mock provider.
@Suite struct SoftwareKitTests {
    @Test func `the openai and anthropic packages work, translated both ways`() async throws {
        let python = try await RawClient.onThread { try PythonEnvironment.withClientLibraries() }
        let provider = """
            model_list:
              - {model_name: claude-x, litellm_params: {model: mock/echo}}
            general_settings: {master_key: sk-up-000000000}

            """
        try await withGateway(provider, policy: [:]) { upstream in
            let config = """
                model_list:
                  - {model_name: echo, litellm_params: {model: mock/echo}}
                  - {model_name: tool, litellm_params: {model: 'mock/tool?arguments={"city":"Paris"}'}}
                  - {model_name: limited, litellm_params: {model: "mock/error-429?retry_after=1"}}
                  - {model_name: broken, litellm_params: {model: mock/error-500}}
                  - {model_name: cut, litellm_params: {model: mock/cut}}
                  - model_name: claude
                    litellm_params: {model: anthropic/claude-x, api_base: "http://127.0.0.1:\(upstream.server.port)", api_key: sk-up-000000000}
                router_settings: {num_retries: 0}
                general_settings: {master_key: sk-test-0123456789}

                """
            try await withGateway(config, policy: [:]) { gateway in
                let script = Golden.repository + "/Tests/GatewayHTTPTests/Fixtures/sdk_check.py"
                let base = "http://127.0.0.1:\(gateway.server.port)"
                let result = try await RawClient.onThread {
                    try Program(python, [script, base]).run(limit: .seconds(90))
                }
                #expect(result.code == 0, "\(result)")
                #expect(result.lines.contains("ok chat_async"))
            }
        }
    }
}
