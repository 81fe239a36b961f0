// SPDX-License-Identifier: MIT

import Diagnostics
import RouterConfig
import SystemIO
import TestSupport
import Testing
import YAMLSyntax

@Suite struct ExamplesTests {
    @Test(arguments: ["routertool.yaml", "embedded/routertool.yaml"])
    func `every example loads without a remark`(name: String) throws {
        let path = Golden.repository + "/config/examples/" + name
        do {
            let loaded = try ConfigLoader.load(path: path, name: name, home: nil)
            #expect(loaded.remarks.diagnostics.isEmpty)
            #expect(loaded.configuration.profiles.map(\.name) == ["reliability", "balanced", "cost"])
        } catch {
            Issue.record("\(DiagnosticRenderer(usesColor: false).render(error))")
        }
    }

    @Test func `the sample describes the stack of the contract`() throws {
        let path = Golden.repository + "/config/examples/routertool.yaml"
        let configuration = try ConfigLoader.load(path: path, name: path, home: nil).configuration
        #expect(configuration.services.map(\.name).sorted() == ["cliproxyapi_plus", "litellm"])
        let litellm = try #require(configuration.service("litellm"))
        #expect(litellm.port == 4000)
        #expect(litellm.command.directory == Golden.repository + "/config")
        #expect(litellm.readiness?.http?.bearer == .environment("LITELLM_MASTER_KEY"))
        #expect(
            configuration.service("cliproxyapi_plus")?.readiness?.http?.bearer
                == .environment("ROUTER_UPSTREAM_API_KEY"))
        #expect(configuration.paths.activeConfig == Golden.repository + "/config/.router/runtime/litellm.active.yaml")
        #expect(configuration.profile("cost")?["litellm_settings"]?["cooldown_time"]?.integerValue == 10)
    }
}
