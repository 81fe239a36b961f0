// SPDX-License-Identifier: MIT

import JSONSyntax
import TestSupport
import Testing

@Suite struct DashboardTests {
    private static let config = """
        model_list:
          - model_name: gpt
            model_info: {id: openai}
            litellm_params: {model: mock/echo}

        """

    @Test func `the page needs no key and holds nothing; what it shows needs one`() async throws {
        let port = try FreePort.find()
        var policy = GatewayUnderTest.usualPolicy
        policy["admin"] = ["port": .integer(port), "key": "planted-admin-key"]
        try await withGateway(Self.config, policy: policy) { gateway in
            let admin = RawClient(port: port)
            let page = try await admin.get("/dashboard")
            #expect(page.status == 200)
            #expect(page.text.hasPrefix("<!doctype html>"))
            #expect(!page.text.contains("planted-admin-key"))
            let policy = page.headers.first { $0.name.lowercased() == "content-security-policy" }?.value
            #expect(policy?.hasPrefix("default-src 'none'; connect-src 'self'") == true)
            for path in ["/providers", "/routing/analytics"] {
                #expect(page.text.contains("\"\(path)\""))
                #expect(try await admin.get(path).status == 401)
                let answer = try await admin.get(path, headers: [("Authorization", "Bearer planted-admin-key")])
                #expect(answer.status == 200)
            }
            #expect(try await gateway.client.get("/dashboard").status == 404)
        }
    }
}
