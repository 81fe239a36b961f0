// SPDX-License-Identifier: MIT

/// Which key LiteLLM reads from which section, as its source says.
package enum LiteLLMKeys {
    /// The sections that LiteLLM looks at; any other is ignored without a word.
    package static let sections: Set<String> = words(
        """
        agent_list assistant_settings callback_settings credential_list default_vertex_config environment_variables
        files_settings finetune_settings general_settings guardrails include litellm_settings mcp_aliases mcp_servers
        mcp_tools model_list policies policy_attachments prompts router_settings sandbox_tools search_tools
        vector_store_registry worker_registry
        """)

    /// The arguments of LiteLLM's router that have no meaning in `litellm_settings`.
    package static let readOnlyFromRouterSettings: Set<String> = words(
        """
        allowed_fails allowed_fails_policy cooldown_time default_max_parallel_requests disable_cooldowns
        enable_pre_call_checks enable_tag_filtering enable_weighted_failover model_group_alias model_group_retry_policy
        optional_pre_call_checks provider_budget_config redis_db redis_host redis_password redis_port redis_url retry_after
        retry_policy routing_groups routing_strategy routing_strategy_args stream_timeout tag_filtering_match_any timeout
        """)

    static func words(_ text: String) -> Set<String> {
        Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
    }
}
