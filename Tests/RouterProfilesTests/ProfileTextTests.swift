// SPDX-License-Identifier: MIT

import LiteLLMConfig
import RouterProfiles
import Testing

@Suite struct ProfileTextTests {
    @Test func `shows everything but secrets in clear text`() throws {
        let catalog = try Samples.catalog(
            of: """
                litellm_base:
                  model_list:
                    - model_name: a
                      litellm_params:
                        {model: openai/x, api_key: sk-planted, extra_headers: {X: planted, Y: os.environ/Y}}
                  general_settings: {master_key: os.environ/KEY, database_url: postgres://u:planted@h/d}
                  environment_variables: {Z: planted}
                  litellm_settings: {max_tokens: 5, proxy: "http://user:planted@proxy:3128/", site: "https://a.b/c@d:e"}
                profiles: {one: {}}
                """, engine: .litellm)
        let text = ProfileText.redacted(try catalog.rendered("one"))
        #expect(!text.contains("planted"))
        #expect(text.contains("api_key: <redacted>"))
        #expect(text.contains("Y: os.environ/Y"))
        #expect(text.contains("master_key: os.environ/KEY"))
        #expect(text.contains("max_tokens: 5"))
        #expect(text.contains("https://a.b/c@d:e"))
    }
}
