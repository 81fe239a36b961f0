// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import LiteLLMConfig
import RouterProfiles
import SystemIO
import TestSupport
import Testing
import YAMLSyntax

@Suite struct ProfileRendererTests {
    @Test(arguments: ["reliability", "balanced", "cost"])
    func `renders the shipped profiles as the golden files say`(name: String) throws {
        let rendered = try Samples.shipped().rendered(name)
        let text = String(decoding: rendered.activeFile, as: UTF8.self)
        #expect(try Golden.matches("Tests/Fixtures/profiles/\(name).active.yaml", text))
        #expect(rendered.needsMasterKey)
    }

    @Test(arguments: [("reliability", 3, 1, 60), ("balanced", 2, 2, 30), ("cost", 1, 3, 10)])
    func `a shipped profile does what its numbers say`(name: String, retries: Int, fails: Int, cooldown: Int) throws {
        let rendered = try Samples.shipped().rendered(name)
        let root = try YAMLParser.parse(rendered.activeFile, name: "active.yaml")
        let configuration = try LiteLLMConfiguration.read(root, environment: nil)
        #expect(configuration.effectiveSettings.numRetries == retries)
        #expect(configuration.routerSettings.allowedFails == fails)
        #expect(configuration.routerSettings.cooldownTime == .seconds(cooldown))
        #expect(configuration.litellmSettings.allowedFails == fails)
        // Without it LiteLLM ignores an `allowed_fails` that equals the one in `litellm_settings`.
        #expect(root["router_settings"]?["allowed_fails_policy"]?.entries?.isEmpty == true)
    }

    @Test func `the shipped configs give no warnings`() throws {
        let catalog = try Samples.shipped()
        for name in catalog.names {
            let context = LiteLLMLint.Context(
                engine: .litellm, completion: .byRenderer,
                environment: { $0 == "DATABASE_URL" ? nil : "set-to-something-long-enough" })
            let findings = LiteLLMLint.check(try catalog.rendered(name).merged, context)
            #expect(findings.allSatisfy { $0.severity == .note }, "\(findings)")
            #expect(findings.allSatisfy { $0.span?.file == Samples.path && $0.span?.lineText.isEmpty == false })
        }
        let embedded = try Samples.shipped(path: "config/examples/embedded/routertool.yaml", engine: .embedded)
        for name in embedded.names {
            let context = LiteLLMLint.Context(engine: .embedded, completion: .byRenderer, environment: { _ in nil })
            let findings = LiteLLMLint.check(try embedded.rendered(name).merged, context)
            #expect(findings.allSatisfy { $0.severity == .note }, "\(findings)")
        }
    }

    @Test func `what the operator wrote into router_settings stays`() throws {
        let rendered = try render(
            base: """
                router_settings: {cooldown_time: 7, allowed_fails_policy: {TimeoutErrorAllowedFails: 4}}
                litellm_settings: {cooldown_time: 60, allowed_fails: 2, num_retries: 3, request_timeout: 5}
                general_settings: {master_key: sk-mine}
                """)
        #expect(rendered.root["router_settings"]?["cooldown_time"]?.integerValue == 7)
        #expect(rendered.root["router_settings"]?["allowed_fails"]?.integerValue == 2)
        #expect(
            rendered.root["router_settings"]?["allowed_fails_policy"]?["TimeoutErrorAllowedFails"]?.integerValue == 4)
        #expect(rendered.root["router_settings"]?["num_retries"] == nil)
        #expect(rendered.root["router_settings"]?["request_timeout"] == nil)
        #expect(rendered.root["general_settings"]?["master_key"]?.stringValue == "sk-mine")
        #expect(!rendered.needsMasterKey)
        #expect(rendered.additions.map(\.path) == ["router_settings.allowed_fails"])
    }

    @Test func `only LiteLLM needs a master key`() throws {
        #expect(try render(base: "{}", engine: .litellm).needsMasterKey)
        let embedded = try render(base: "{}", engine: .embedded)
        #expect(!embedded.needsMasterKey)
        #expect(embedded.root["general_settings"] == nil)
    }

    @Test func `virtual models are listed with the deployments of their stronger group`() throws {
        let rendered = try render(
            base: """
                model_list:
                  - {model_name: mini, litellm_params: {model: openai/m, api_key: k}}
                  - {model_name: big, litellm_params: {model: openai/b, api_key: k}, model_info: {id: b1, mode: chat}}
                  - {model_name: big, litellm_params: {model: openai/c, api_key: k}, model_info: {id: b2}}
                  - {model_name: there, litellm_params: {model: openai/t, api_key: k}}
                """,
            gateway: """
                virtual_models:
                  auto: {mode: vibe, simple: mini, complex: big}
                  there: {simple: mini, complex: big}
                  lost: {simple: nothing, complex: nobody}
                """)
        let list = try #require(rendered.root["model_list"]?.elements)
        #expect(list.compactMap { $0["model_name"]?.stringValue } == ["mini", "big", "big", "there", "auto", "auto"])
        #expect(list.suffix(2).compactMap { $0["litellm_params"]?["model"]?.stringValue } == ["openai/b", "openai/c"])
        #expect(list[4]["model_info"]?["mode"]?.stringValue == "chat")
        #expect(list.suffix(2).allSatisfy { $0["model_info"]?["id"] == nil })
    }

    @Test func `the gateway section lies beside the active file as JSON`() throws {
        let rendered = try render(base: "{}", gateway: "{port: 4000, hedge: {after: 800ms}, price: '0.00002', on: yes}")
        let policy = try JSONParser.parse(rendered.gatewayPolicy)
        #expect(policy["schema"]?.integerValue == 1)
        #expect(policy["profile"]?.stringValue == "test")
        #expect(policy["base_directory"]?.stringValue == "/etc/stack")
        #expect(policy["gateway"]?["hedge"]?["after"]?.stringValue == "800ms")
        #expect(policy["gateway"]?["port"]?.integerValue == 4000)
        #expect(policy["gateway"]?["price"]?.stringValue == "0.00002")
        #expect(GatewayPolicyPath.besides("/a/litellm.active.yaml") == "/a/litellm.active.gateway.json")
    }

    @Test func `rendering the same twice gives the same bytes`() throws {
        let catalog = try Samples.shipped()
        #expect(try catalog.rendered("cost").activeFile == catalog.rendered("cost").activeFile)
    }

    @Test func `an unknown profile is met with the nearest name`() throws {
        let catalog = try Samples.shipped()
        let error = #expect(throws: ProfileError.self) { try catalog.rendered("balancd") }
        #expect(error?.diagnostic.hints == ["did you mean `balanced`?"])
        #expect(
            error?.diagnostic.message == "there is no profile `balancd`; the config has reliability, balanced, cost")
    }

    private func render(base: String, gateway: String? = nil, engine: GatewayEngine = .litellm) throws
        -> RenderedProfile
    {
        let section = try gateway.map { try YAMLParser.parse(Array($0.utf8), name: "gateway.yaml") }
        let source = ProfileSource(
            base: try YAMLParser.parse(Array(base.utf8), name: "base.yaml"), gateway: section, engine: engine,
            configDirectory: "/etc/stack")
        return ProfileRenderer.render(source, profile: .mapping([]), name: "test")
    }
}
