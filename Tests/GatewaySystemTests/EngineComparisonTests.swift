// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// LiteLLM and the embedded gateway on the same config file.
@Suite struct EngineComparisonTests {
    @Test func `both engines answer alike, but for what the docs say`() throws {
        let litellm = PathName.parent(of: try PythonEnvironment.withLiteLLMProxy()) + "/litellm"
        let script = Golden.repository + "/Tests/GatewaySystemTests/Fixtures/engine_check.py"
        let gateway = Program.built("llm-router-gateway").path
        let result = try Program("/usr/bin/env", ["python3", script, litellm, gateway]).run(limit: .seconds(240))
        #expect(result.code == 0, "\(result)")
        #expect(result.lines.count >= 25)
    }
}
