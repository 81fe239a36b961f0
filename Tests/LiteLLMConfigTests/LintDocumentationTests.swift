// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

@Suite struct LintDocumentationTests {
    @Test func `docs/litellm.md lists each code of the sources, once`() throws {
        let folder = Golden.repository + "/Sources/LiteLLMConfig"
        var used: Set<String> = []
        for name in try FileSystem.list(folder) where name.hasSuffix(".swift") {
            let text = try read(folder + "/" + name)
            used.formUnion(text.matches(of: /(?:report|warn)\(\s*"([a-z-]+)"/).map { String($0.1) })
        }
        let page = try read(Golden.repository + "/docs/litellm.md")
        let listed = page.matches(of: /\n\| `litellm\/([a-z-]+)`/).map { String($0.1) }
        #expect(listed == used.sorted())
    }

    private func read(_ path: String) throws -> String {
        String(decoding: try FileSystem.read(path, limit: 1 << 20), as: UTF8.self)
    }
}
