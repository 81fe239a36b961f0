// SPDX-License-Identifier: MIT

/// The `model` of a deployment: who serves it, and under which name.
package struct UpstreamModel: Equatable, Sendable {
    /// As it was written, such as `openai/gpt-4o-mini`.
    package let text: String
    /// `openai`: what stands before the first slash, or `custom_llm_provider`; nil for a bare name.
    package let prefix: String?
    /// The name that the provider knows; it may hold slashes itself.
    package let name: String

    /// Splits `text`; `provider` is `custom_llm_provider`, which wins over the text.
    package init(_ text: String, provider: String? = nil) {
        self.text = text
        let slash = text.firstIndex(of: "/")
        let head = slash.map { String(text[..<$0]) }
        let tail = slash.map { String(text[text.index(after: $0)...]) }
        if let provider {
            prefix = provider
            name = head == provider ? tail ?? text : text
        } else {
            prefix = head
            name = tail ?? text
        }
    }

    package var isWildcard: Bool { text.contains("*") }
}

/// The providers that `model` may name before its first slash.
package enum ProviderPrefix {
    /// Those that the embedded gateway serves.
    package static let servedByGateway: Set<String> = [
        "anthropic", "custom_openai", "litellm_proxy", "mock", "ollama_chat", "openai", "openai_like", "openrouter",
    ]

    /// Those whose deployments work without any key.
    package static let withoutKey: Set<String> = ["mock", "ollama", "ollama_chat"]

    /// Those that sign in by other means than `api_key`, such as cloud credentials or a login.
    package static let withOwnCredentials: Set<String> = [
        "bedrock", "bedrock_mantle", "chatgpt", "codestral", "gemini", "github_copilot", "oci", "petals", "sagemaker",
        "sagemaker_chat", "sagemaker_nova", "sap", "vertex_ai", "vertex_ai_beta", "watsonx", "watsonx_text",
    ]

    package static func isKnownToLiteLLM(_ prefix: String) -> Bool {
        knownToLiteLLM.contains(prefix)
    }

    /// `litellm.provider_list` of the pinned LiteLLM; a test compares the two.
    package static let knownToLiteLLM: Set<String> = LiteLLMKeys.words(
        """
        a2a a2a_agent ai21 ai21_chat aiml aiohttp_openai amazon_nova anthropic anthropic_text apertis
        assemblyai auto_router aws_polly aws_textract azure azure_ai azure_speech azure_text baseten bedrock
        bedrock_mantle black_forest_labs bytez cerebras charity_engine chatgpt chutes clarifai cloudflare
        codestral cognition cohere cohere_chat cometapi compactifai cortecs cursor custom custom_openai
        darkbloom dashscope databricks datarobot deepgram deepinfra deepseek docker_model_runner dotprompt
        edenai elevenlabs empower fal_ai featherless_ai fireworks_ai friendliai galadriel gdc gemini gigachat
        github github_copilot gradient_ai groq helicone heroku hosted_vllm huggingface humanloop hyperbolic
        inception infinity jina_ai lambda_ai langflow langfuse langgraph lemonade libertai litellm_agent
        litellm_proxy llamafile lm_studio manus maritalk meta meta_llama milvus minimax mistral modelscope
        mongodb moonshot morph nadir nano-gpt nebius neosantara nlp_cloud novita nscale nvidia_nim nvidia_riva
        oci ollama ollama_chat oobabooga openai openai_like openrouter ovhcloud parasail perplexity petals
        pg_vector pinstripes poe predibase prism publicai qwen_ai_platform qwencloud ragflow recraft reducto
        reka replicate runwayml s3_vectors sagemaker sagemaker_chat sagemaker_nova sail sambanova sap scaleway
        scx-ai snowflake soniox stability strands_decider synthetic tencent tensormesh
        text-completion-codestral text-completion-inception text-completion-openai together_ai topaz
        transcribe triton typesafe v0 valkey vercel_ai_gateway vertex_ai vertex_ai_beta vllm volcengine voyage
        wandb watsonx watsonx_text xai xiaomi_mimo xinference zai
        """)
}
