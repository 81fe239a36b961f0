// SPDX-License-Identifier: MIT

/// Which key LiteLLM reads from which section, as its source says.
package enum LiteLLMKeys {
    /// The sections that LiteLLM looks at; any other is ignored without a word.
    package static let sections: Set<String> = words(
        """
        agent_list agents assistant_settings callback_settings credential_list default_vertex_config
        environment_variables files_settings finetune_settings general_settings guardrails include
        litellm_settings mcp_servers mcp_tools model_list policies policy_attachments prompts router_settings
        sandbox_tools search_tools vector_store_registry worker_registry
        """)

    /// The arguments of LiteLLM's router that have no meaning in `litellm_settings`.
    package static let readOnlyFromRouterSettings: Set<String> = words(
        """
        allowed_fails allowed_fails_policy cooldown_time default_max_parallel_requests disable_cooldowns
        enable_pre_call_checks enable_tag_filtering enable_weighted_failover model_group_alias
        model_group_retry_policy optional_pre_call_checks provider_budget_config redis_db redis_host
        redis_password redis_port redis_url retry_after retry_policy routing_groups routing_strategy
        routing_strategy_args stream_timeout tag_filtering_match_any timeout
        """)

    /// Those that both sections may hold; `router_settings` wins.
    package static let sharedByRouterAndLiteLLM: Set<String> = words(
        "content_policy_fallbacks context_window_fallbacks default_fallbacks fallbacks max_fallbacks num_retries")

    /// The sections where LiteLLM reads `key`, best first; empty when it knows no such key.
    package static func sections(reading key: String) -> [String] {
        if readOnlyFromRouterSettings.contains(key) { return ["router_settings"] }
        if sharedByRouterAndLiteLLM.contains(key) { return ["router_settings", "litellm_settings"] }
        var found: [String] = []
        if litellm.contains(key) { found.append("litellm_settings") }
        if general.contains(key) { found.append("general_settings") }
        if router.contains(key) { found.append("router_settings") }
        return found
    }

    /// The words of a text of ours, which has spaces and line breaks only: bytes are compared twenty times as fast as
    /// characters are classified, and this runs at every `profile set`.
    static func words(_ text: String) -> Set<String> {
        let separators: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\n")]
        return Set(text.utf8.split { separators.contains($0) }.map { String(Substring($0)) })
    }
}
