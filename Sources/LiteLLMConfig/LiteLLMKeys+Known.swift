// SPDX-License-Identifier: MIT

/// Which keys the pinned LiteLLM knows, section by section.
///
/// Tests/Fixtures/litellm/known_keys.py prints them, and a test compares.
extension LiteLLMKeys {
    /// The arguments of its router; LiteLLM ignores any other key in `router_settings`.
    package static let router: Set<String> = words(
        """
        alerting_config allowed_fails allowed_fails_policy assistants_config auto_router_capability_limit
        background_health_check_model_groups cache_kwargs cache_responses caching_groups client_ttl
        content_policy_fallbacks context_window_fallbacks cooldown_time debug_level default_fallbacks
        default_litellm_params default_max_parallel_requests default_priority deployment_affinity_ttl_seconds
        disable_cooldowns enable_health_check_routing enable_pre_call_checks enable_tag_filtering
        enable_weighted_failover fallback_access_check fallback_budget_check fallbacks guardrail_list
        health_check_ignore_transient_errors health_check_staleness_threshold ignore_invalid_deployments
        max_fallbacks model_group_affinity_config model_group_alias model_group_retry_policy num_retries
        optional_pre_call_checks plugins polling_interval provider_budget_config redis_db redis_host
        redis_password redis_port redis_url retry_after retry_policy router_general_settings routing_groups
        routing_strategy routing_strategy_args search_tools set_verbose stream_timeout tag_filtering_match_any
        tag_routing_prefix timeout
        """)

    package static let general: Set<String> = words(
        """
        admission_queue_timeout_seconds alert_to_webhook_url alert_type_config alert_types alerting
        alerting_args alerting_threshold allow_cli_sso_verification_uri_complete allow_client_side_credentials
        allow_public_health_readiness_details allow_requests_on_db_unavailable allow_unmanaged_response_ids
        allow_user_auth allowed_file_extensions allowed_ips allowed_routes always_include_stream_usage
        apply_user_budget_to_team_keys auto_redirect_ui_login_to_sso background_health_check_model_groups
        background_health_checks blocked_file_extensions cancel_on_disconnect
        claude_code_gateway_managed_settings completion_model control_plane_url coordination_redis custom_auth
        custom_auth_run_common_checks custom_key_generate custom_key_policy custom_key_update custom_sso
        custom_team_metadata_validate custom_ui_sso_sign_in_handler dangerously_permit_weak_or_unset_master_key
        database_args database_connect_timeout database_connection_pool_limit database_connection_pool_timeout
        database_connection_timeout database_disable_prepared_statements database_extra_connection_params
        database_max_idle_connection_lifetime database_socket_timeout database_type database_url
        default_team_disabled disable_auto_add_proxy_admin_to_teams disable_batch_input_file_rate_limiting
        disable_bedrock_agent_runtime_passthrough disable_budget_reservation disable_custom_api_keys
        disable_env_credential_login disable_error_logs disable_key_generate_for_org_admin
        disable_master_key_return disable_password_login_when_sso_enabled disable_prisma_schema_update
        disable_reset_budget disable_responses_id_security disable_retry_on_max_parallel_request_limit_error
        disable_spend_logs disable_spend_updates drain_endpoint_token enable_claude_code_gateway
        enable_drain_endpoint enable_health_check_routing enable_jwt_auth enable_mcp_registry
        enable_openai_websocket_passthrough enable_public_model_hub enforce_fallback_model_access enforce_rbac
        enforce_user_param enforced_params expose_fallback_errors_to_caller fail_closed_budget_enforcement
        fail_closed_rate_limit_enforcement failed_login_block_seconds failed_login_window_seconds
        forward_client_headers_to_llm_api forward_llm_provider_auth_headers forward_openai_org_id
        global_max_parallel_requests health_check_concurrency health_check_details
        health_check_ignore_transient_errors health_check_interval health_check_skip_disabled_background_models
        health_check_staleness_threshold hide_default_credentials_hint include_call_id_in_error_body
        infer_model_from_keys key_management_settings key_management_system litellm_jwtauth
        litellm_key_header_name master_key max_batch_file_records max_batch_file_size_mb
        max_batch_file_uploads_per_day max_failed_login_attempts_per_source
        max_failed_login_attempts_per_source_overrides max_file_downloads_per_minute max_file_size_mb
        max_in_flight_requests_per_worker max_parallel_requests max_queued_requests_per_worker
        max_request_size_mb max_response_size_mb maximum_autorouter_session_retention_period
        maximum_daily_tag_spend_retention_period maximum_health_check_retention_period
        maximum_spend_logs_cleanup_batch_size maximum_spend_logs_cleanup_batch_timeout
        maximum_spend_logs_cleanup_cron maximum_spend_logs_cleanup_max_batches
        maximum_spend_logs_cleanup_run_budget maximum_spend_logs_retention_interval
        maximum_spend_logs_retention_period mcp_advertised_versions mcp_allow_all_keys_respects_mcp_scope
        mcp_allowed_clients mcp_client_id_header mcp_client_side_auth_header_name mcp_internal_ip_ranges
        mcp_prefer_client_id_metadata_document mcp_required_fields mcp_session_token_signing
        mcp_trusted_proxy_ranges mcp_xff_num_trusted_hops missing_session_id model_list_healthy_only otel
        pass_through_endpoints pass_through_request_timeout passthrough_managed_object_ids
        password_policy_check_breached_passwords password_policy_min_length password_policy_require_lowercase
        password_policy_require_numbers password_policy_require_special_characters
        password_policy_require_uppercase plugins provider_url_destination_allowed_hosts
        proxy_batch_polling_interval proxy_batch_write_at proxy_budget_rescheduler_max_time
        proxy_budget_rescheduler_min_time proxy_config_reload_interval_seconds public_routes
        reject_clientside_metadata_tags require_end_user_mcp_access_defined require_key_mcp_access_defined
        responses_websocket_session_limit_seconds role_permissions scheduled_job_stagger
        search_tool_deny_by_default search_tools skip_batch_input_file_rate_limiting_for_models
        skip_batch_input_file_rate_limiting_for_providers spend_capture_rate_check spend_logs_metadata_fields
        spend_report_frequency store_model_in_db store_prompts_in_spend_logs supported_db_objects
        team_metadata_schema team_metadata_validation_error_message team_metadata_validation_timeout
        token_rate_limit_type tracing track_unmanaged_batch_cost transcribe_media_buckets trusted_proxy_ranges
        ui_access_mode use_azure_key_vault use_google_kms use_redis_transaction_buffer use_shared_health_check
        use_spend_logs_partitioning use_team_public_model_name use_x_forwarded_for user_api_key_cache_max_size
        user_api_key_cache_ttl user_header_mappings user_header_name user_mcp_management_mode
        user_url_allowed_hosts user_url_validation vector_store_deny_by_default
        """)

    /// The settings of its library; LiteLLM takes any other key without a word, and without an effect.
    package static let litellm: Set<String> = words(
        """
        aclient_session adapters add_function_to_prompt add_user_information_to_llm_headers
        agent_search_embedding_model ai21_key aiohttp_trust_env aleph_alpha_key allow_dynamic_callback_disabling
        allowed_fails amazon_nova_api_key anthropic_beta_headers_url anthropic_key anthropic_prompt_caching_ttl
        anthropic_sse_ping_interval_seconds api_base api_key api_version apply_search_free_tier
        argilla_batch_size argilla_transformation_object audit_log_callbacks autorouter_presets_url
        aws_sqs_callback_params azure_embedding_models azure_key azure_llms banned_keywords_list baseten_key
        bedrock_neutralize_orphaned_tool_blocks bedrock_request_metadata_fields
        block_requests_for_models_without_pricing blocked_user_list blog_posts_url budget_duration
        budget_exceeded_status_code budget_exceeded_throttle_percentage budget_rollover bytez_key cache
        cache_params caching_with_models callback_settings callbacks check_provider_endpoint clarifai_key
        client_session cloudflare_api_key cohere_key cold_storage_custom_logger cometapi_key
        common_cloud_provider_auth_params config_path content_policy_fallbacks context_window_fallbacks
        cost_discount_config cost_margin_config credential_list custom_prometheus_metadata_labels
        custom_prometheus_tags custom_prompt_dict custom_provider_map databricks_key
        datadog_llm_observability_params datadog_params datadog_use_v1 datarobot_key default_fallbacks
        default_in_memory_ttl default_internal_user_params default_key_generate_params
        default_key_max_budget_alert_emails default_max_internal_user_budget default_redis_batch_cache_expiry
        default_redis_ttl default_soft_budget default_team_params default_team_settings
        disable_add_prefix_to_prompt disable_add_transform_inline_image_block
        disable_add_user_agent_to_request_tags disable_aiohttp_transport disable_aiohttp_trust_env
        disable_anthropic_gemini_context_caching_transform disable_copilot_system_to_assistant
        disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only
        disable_hf_tokenizer_download disable_stop_sequence_limit disable_streaming_logging
        disable_token_counter disable_vertex_batch_output_transformation drop_params dynamodb_table_name email
        enable_anthropic_prompt_caching enable_azure_ad_token_refresh
        enable_caching_on_provider_specific_optional_params enable_end_user_cost_tracking_prometheus_only
        enable_gemini_default_thinking_level_low enable_json_schema_validation
        enable_key_alias_format_validation enable_loadbalancing_on_batch_endpoints
        enable_model_config_credential_overrides enable_preview_features enable_redis_auth_cache error_logs
        expose_router_debug_in_errors extra_spend_tag_headers failure_callback fallbacks filter_invalid_headers
        force_ipv4 force_redis_hash_tag_grouping forward_traceparent_to_llm_provider gcs_pub_sub_use_v1
        gdc_api_base gdc_key gemini_live_defer_setup generic_api_use_v1 generic_logger_headers gigachat_key
        global_bitbucket_config global_disable_no_log_param global_gitlab_config
        google_moderation_confidence_threshold gradient_ai_api_key groq_key guardrail_name_config_map guardrails
        headers heroku_key http2 huggingface_key inception_key include_cost_in_streaming_usage infinity_key
        initialized_langfuse_clients input_callback internal_user_budget_duration json_logs key_alias_pattern
        key_generation_settings known_tokenizer_config langfuse_default_tags langfuse_enable_update_trace_keys
        langsmith_batch_size lemonade_key litellm_mode llama_api_key llamaguard_model_name
        llamaguard_unsafe_content_categories llm_guard_mode log_auth_failure_key_identity
        log_client_error_tracebacks log_level log_raw_request_response logged_real_time_event_types logging
        longer_context_model_fallback_dict maritalk_key maritalk_models max_budget max_end_user_budget
        max_end_user_budget_id max_fallbacks max_internal_user_budget max_tokens max_ui_session_budget
        max_user_budget mcp_aliases mcp_semantic_tool_filter mcp_tool_search model_alias_map model_cost
        model_cost_map_url model_fallbacks model_group_settings model_list models_by_provider modify_params
        nebius_key network_mock newrelic_params nlp_cloud_key novita_api_key num_retries num_retries_per_request
        ollama_key ollama_models openai_compatible_endpoints openai_compatible_providers
        openai_image_generation_models openai_key openai_like_key openai_moderations_model_name
        openai_system_messages_first openai_text_completion_compatible_providers openai_video_generation_models
        openrouter_key organization otel_tenant_destination_mode output_parse_pii overwrite_user_with_key_hash
        ovhcloud_key petals_models pointfive_params post_call_rules pre_call_rules predibase_key
        predibase_tenant_id presidio_ad_hoc_recognizers presidio_logging_only priority_reservation project
        prometheus_deployment_and_latency_caller_identity prometheus_emit_input_sequence_length_label
        prometheus_emit_rate_limit_labels prometheus_emit_stream_label
        prometheus_end_user_metrics_cleanup_interval_seconds prometheus_end_user_metrics_max_series_per_metric
        prometheus_end_user_metrics_ttl_seconds prometheus_exclude_labels prometheus_exclude_metrics
        prometheus_initialize_budget_metrics prometheus_latency_buckets
        prometheus_metrics_cleanup_interval_seconds prometheus_metrics_config
        prometheus_metrics_max_series_per_metric prometheus_metrics_ttl_seconds
        prometheus_user_budget_label_include_email_alias prompt_name_config_map
        provider_url_destination_allowed_hosts proxy_auth public_agent_groups public_mcp_hub_strict_whitelist
        public_mcp_servers public_model_groups public_model_groups_links public_skills_index
        reasoning_auto_summary redact_messages_in_exceptions redact_user_api_key_info replicate_key
        request_correlation_in_logs request_timeout request_timeout_explicitly_set
        require_auth_for_metrics_endpoint require_managed_files retry return_response_headers
        route_all_chat_openai_to_responses s3_audit_callback_params s3_callback_params safe_memory_mode
        sap_service_key scim_admin_group scim_upsert_user secret_manager_client service_callback set_verbose
        skill_search_embedding_model skip_system_message_in_guardrail skip_tool_message_in_guardrail
        snowflake_key sse_keepalive_ping_interval_seconds ssl_certificate ssl_ecdh_curve ssl_security_level
        ssl_verify standard_logging_payload_excluded_fields store_audit_logs strip_anthropic_total_tokens
        success_callback suppress_debug_info tag_budget_config togetherai_api_key token turn_off_message_logging
        upperbound_key_generate_params use_aiohttp_transport use_chat_completions_url_for_anthropic_messages
        use_client use_litellm_proxy user_url_allowed_hosts user_url_validation validate_end_user_id_in_db
        vector_store_index_registry vector_store_registry vector_store_search_failure_mode vercel_ai_gateway_key
        vertex_ai_safety_settings vertex_location vertex_project wandb_key websearch_interception_params xai_key
        zerobus_params
        """)

    /// Of `litellm_params`; others are sent to the provider with each request.
    package static let parameters: Set<String> = words(
        """
        adaptive_router_config adaptive_router_default_model allow_client_keepalive_override
        annotation_cost_per_page annotation_cost_per_page_batches anthropic_disable_workload_identity_federation
        anthropic_federation_rule_id anthropic_federation_workspace_id anthropic_identity_source
        anthropic_identity_token anthropic_identity_token_file anthropic_issuer_audience
        anthropic_issuer_signing_key_ref anthropic_issuer_subject anthropic_issuer_ttl_seconds
        anthropic_issuer_url anthropic_keycloak_auth_method anthropic_keycloak_client_id
        anthropic_keycloak_client_secret_ref anthropic_keycloak_scope anthropic_keycloak_token_url
        anthropic_organization_id anthropic_service_account_id api_base api_key api_type api_version audio
        auto_router_config auto_router_config_path auto_router_default_model auto_router_embedding_model
        auto_router_max_input_chars auto_router_model_compression auto_router_routing_compression
        aws_access_key_id aws_batch_role_arn aws_bedrock_project_id aws_bedrock_runtime_endpoint aws_external_id
        aws_profile_name aws_region_name aws_role_name aws_secret_access_key aws_session_name aws_session_tags
        aws_session_token aws_sts_endpoint aws_web_identity_token azure_ad_token azure_password azure_scope
        azure_username base_url bedrock_tags bucket_name budget_duration cache_creation_input_audio_token_cost
        cache_creation_input_token_cost cache_creation_input_token_cost_above_100k_tokens
        cache_creation_input_token_cost_above_100k_tokens_batches cache_creation_input_token_cost_above_1hr
        cache_creation_input_token_cost_above_1hr_above_100k_tokens
        cache_creation_input_token_cost_above_200k_tokens
        cache_creation_input_token_cost_above_200k_tokens_batches
        cache_creation_input_token_cost_above_272k_tokens
        cache_creation_input_token_cost_above_272k_tokens_batches
        cache_creation_input_token_cost_above_272k_tokens_flex
        cache_creation_input_token_cost_above_272k_tokens_priority
        cache_creation_input_token_cost_above_272k_tokens_ultrafast cache_creation_input_token_cost_batches
        cache_creation_input_token_cost_flex cache_creation_input_token_cost_priority
        cache_creation_input_token_cost_ultrafast cache_read_input_audio_token_cost
        cache_read_input_image_token_cost cache_read_input_token_cost
        cache_read_input_token_cost_above_100k_tokens cache_read_input_token_cost_above_100k_tokens_batches
        cache_read_input_token_cost_above_200k_tokens cache_read_input_token_cost_above_200k_tokens_batches
        cache_read_input_token_cost_above_200k_tokens_priority cache_read_input_token_cost_above_272k_tokens
        cache_read_input_token_cost_above_272k_tokens_batches cache_read_input_token_cost_above_272k_tokens_flex
        cache_read_input_token_cost_above_272k_tokens_priority
        cache_read_input_token_cost_above_272k_tokens_ultrafast cache_read_input_token_cost_above_512k_tokens
        cache_read_input_token_cost_balanced cache_read_input_token_cost_batches
        cache_read_input_token_cost_flex cache_read_input_token_cost_priority
        cache_read_input_token_cost_ultrafast citation_cost_per_token client_id client_secret
        complexity_router_config complexity_router_default_model configurable_clientside_auth_params
        cooldown_time cost_per_second custom_llm_provider default_api_key_rpm_limit default_api_key_tpm_limit
        default_headers deployment_id drop_params extra_body extra_headers fallbacks fireworks_forward_user_id
        frequency_penalty function_call functions gcs_bucket_name google_maps_grounding_cost_per_query headers
        include_server_side_tool_invocations input_cost_per_audio_per_second
        input_cost_per_audio_per_second_above_128k_tokens input_cost_per_audio_token
        input_cost_per_audio_token_batches input_cost_per_character input_cost_per_character_above_128k_tokens
        input_cost_per_image input_cost_per_image_above_128k_tokens input_cost_per_image_token
        input_cost_per_image_token_batches input_cost_per_pixel input_cost_per_query input_cost_per_second
        input_cost_per_token input_cost_per_token_above_100k_tokens
        input_cost_per_token_above_100k_tokens_batches input_cost_per_token_above_128k_tokens
        input_cost_per_token_above_200k_tokens input_cost_per_token_above_200k_tokens_batches
        input_cost_per_token_above_200k_tokens_priority input_cost_per_token_above_272k_tokens
        input_cost_per_token_above_272k_tokens_batches input_cost_per_token_above_272k_tokens_flex
        input_cost_per_token_above_272k_tokens_priority input_cost_per_token_above_272k_tokens_ultrafast
        input_cost_per_token_above_512k_tokens input_cost_per_token_balanced input_cost_per_token_batches
        input_cost_per_token_cache_hit input_cost_per_token_flex input_cost_per_token_priority
        input_cost_per_token_ultrafast input_cost_per_video_per_second
        input_cost_per_video_per_second_above_128k_tokens input_cost_per_video_per_second_above_15s_interval
        input_cost_per_video_per_second_above_8s_interval input_cost_per_video_token
        input_cost_per_video_token_batches itpm keepalive_seconds litellm_credential_name litellm_trace_id
        logit_bias logprobs max_budget max_completion_tokens max_file_size_mb max_parallel_requests max_retries
        max_tokens merge_reasoning_content_in_choices milvus_db_name milvus_partition_names milvus_text_field
        mock_response mock_timeout modalities model model_info n num_retries ocr_cost_per_credit
        ocr_cost_per_page ocr_cost_per_page_batches openai_identity_provider_id openai_identity_token_file
        openai_service_account_id order organization otpm output_cost_per_audio_per_second
        output_cost_per_audio_token output_cost_per_character output_cost_per_character_above_128k_tokens
        output_cost_per_image output_cost_per_image_1024 output_cost_per_image_1536 output_cost_per_image_512
        output_cost_per_image_token output_cost_per_image_token_batches output_cost_per_pixel
        output_cost_per_reasoning_token output_cost_per_reasoning_token_flex
        output_cost_per_reasoning_token_priority output_cost_per_second output_cost_per_second_1080p
        output_cost_per_second_2k output_cost_per_second_480p output_cost_per_second_4k
        output_cost_per_second_720p output_cost_per_second_768p output_cost_per_token
        output_cost_per_token_above_100k_tokens output_cost_per_token_above_100k_tokens_batches
        output_cost_per_token_above_128k_tokens output_cost_per_token_above_200k_tokens
        output_cost_per_token_above_200k_tokens_batches output_cost_per_token_above_200k_tokens_priority
        output_cost_per_token_above_272k_tokens output_cost_per_token_above_272k_tokens_batches
        output_cost_per_token_above_272k_tokens_flex output_cost_per_token_above_272k_tokens_priority
        output_cost_per_token_above_272k_tokens_ultrafast output_cost_per_token_above_512k_tokens
        output_cost_per_token_balanced output_cost_per_token_batches output_cost_per_token_flex
        output_cost_per_token_priority output_cost_per_token_ultrafast output_cost_per_video_per_second
        output_cost_per_video_token output_vector_size parallel_tool_calls prediction presence_penalty
        prompt_cache_key prompt_cache_retention provider_affinity_header quality_router_config
        quality_router_default_model reasoning_effort region_name regional_endpoint_uplift_multiplier
        regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us request_timeout
        response_format rpm s3_access_key_id s3_bucket_name s3_bucket_owner s3_encryption_key_id s3_endpoint_url
        s3_output_bucket_name s3_region_name s3_secret_access_key safety_identifier
        search_context_cost_per_query seed service_tier ssl_verify stop store stream stream_options
        stream_timeout stream_timeout_by_service_tier tag_regex tags temperature tenant_id thinking
        tiered_pricing timeout timeout_by_service_tier tool_choice tools top_logprobs top_p tpm
        use_chat_completions_api use_in_pass_through use_litellm_proxy use_xai_oauth user valkey_embedding_field
        valkey_host valkey_password valkey_port valkey_ssl valkey_text_field vector_store_id verbosity
        vertex_credentials vertex_location vertex_project watsonx_region_name web_search_options weight
        """)

    /// Of `model_info`.
    package static let facts: Set<String> = words(
        """
        access_groups access_windows allow_fail_open allowed_fails allowed_fails_policy annotation_cost_per_page
        annotation_cost_per_page_batches base_model bedrock_converse_supports_strict_tools
        bedrock_output_config_effort_ceiling blocked cache_creation_input_token_cost
        cache_creation_input_token_cost_above_100k_tokens
        cache_creation_input_token_cost_above_100k_tokens_batches cache_creation_input_token_cost_above_1hr
        cache_creation_input_token_cost_above_1hr_above_100k_tokens
        cache_creation_input_token_cost_above_200k_tokens
        cache_creation_input_token_cost_above_200k_tokens_batches
        cache_creation_input_token_cost_above_272k_tokens
        cache_creation_input_token_cost_above_272k_tokens_batches
        cache_creation_input_token_cost_above_272k_tokens_flex
        cache_creation_input_token_cost_above_272k_tokens_priority
        cache_creation_input_token_cost_above_272k_tokens_ultrafast cache_creation_input_token_cost_batches
        cache_creation_input_token_cost_flex cache_creation_input_token_cost_priority
        cache_creation_input_token_cost_ultrafast cache_read_input_audio_token_cost
        cache_read_input_image_token_cost cache_read_input_token_cost
        cache_read_input_token_cost_above_100k_tokens cache_read_input_token_cost_above_100k_tokens_batches
        cache_read_input_token_cost_above_200k_tokens cache_read_input_token_cost_above_200k_tokens_batches
        cache_read_input_token_cost_above_200k_tokens_priority cache_read_input_token_cost_above_272k_tokens
        cache_read_input_token_cost_above_272k_tokens_batches cache_read_input_token_cost_above_272k_tokens_flex
        cache_read_input_token_cost_above_272k_tokens_priority
        cache_read_input_token_cost_above_272k_tokens_ultrafast cache_read_input_token_cost_above_512k_tokens
        cache_read_input_token_cost_balanced cache_read_input_token_cost_batches
        cache_read_input_token_cost_flex cache_read_input_token_cost_priority
        cache_read_input_token_cost_ultrafast citation_cost_per_token cooldown_time cost_per_ptu_per_hour
        cost_per_second created_at created_by db_model default_reasoning_effort description
        disable_background_health_check discoverable enable_tag_filtering fallback_order fallback_reason
        google_maps_grounding_cost_per_query health_check_model health_check_timeout health_check_voice id
        input_cost_per_audio_per_second input_cost_per_audio_token input_cost_per_audio_token_batches
        input_cost_per_character input_cost_per_character_above_128k_tokens input_cost_per_image
        input_cost_per_image_token input_cost_per_image_token_batches input_cost_per_query input_cost_per_second
        input_cost_per_token input_cost_per_token_above_100k_tokens
        input_cost_per_token_above_100k_tokens_batches input_cost_per_token_above_128k_tokens
        input_cost_per_token_above_200k_tokens input_cost_per_token_above_200k_tokens_batches
        input_cost_per_token_above_200k_tokens_priority input_cost_per_token_above_272k_tokens
        input_cost_per_token_above_272k_tokens_batches input_cost_per_token_above_272k_tokens_flex
        input_cost_per_token_above_272k_tokens_priority input_cost_per_token_above_272k_tokens_ultrafast
        input_cost_per_token_above_512k_tokens input_cost_per_token_balanced input_cost_per_token_batches
        input_cost_per_token_flex input_cost_per_token_priority input_cost_per_token_ultrafast
        input_cost_per_video_per_second input_cost_per_video_token input_cost_per_video_token_batches
        internal_router_model key litellm_provider max_input_tokens max_output_tokens max_tokens
        member_auto_router mode ocr_cost_per_credit ocr_cost_per_page ocr_cost_per_page_batches off_peak_pricing
        order output_cost_per_audio_per_second output_cost_per_audio_token output_cost_per_character
        output_cost_per_character_above_128k_tokens output_cost_per_image output_cost_per_image_1024
        output_cost_per_image_1536 output_cost_per_image_512 output_cost_per_image_token
        output_cost_per_image_token_batches output_cost_per_pixel output_cost_per_reasoning_token
        output_cost_per_reasoning_token_flex output_cost_per_reasoning_token_priority output_cost_per_second
        output_cost_per_second_1080p output_cost_per_second_2k output_cost_per_second_480p
        output_cost_per_second_4k output_cost_per_second_720p output_cost_per_second_768p output_cost_per_token
        output_cost_per_token_above_100k_tokens output_cost_per_token_above_100k_tokens_batches
        output_cost_per_token_above_128k_tokens output_cost_per_token_above_200k_tokens
        output_cost_per_token_above_200k_tokens_batches output_cost_per_token_above_200k_tokens_priority
        output_cost_per_token_above_272k_tokens output_cost_per_token_above_272k_tokens_batches
        output_cost_per_token_above_272k_tokens_flex output_cost_per_token_above_272k_tokens_priority
        output_cost_per_token_above_272k_tokens_ultrafast output_cost_per_token_above_512k_tokens
        output_cost_per_token_balanced output_cost_per_token_batches output_cost_per_token_flex
        output_cost_per_token_priority output_cost_per_token_ultrafast output_cost_per_video_per_second
        output_cost_per_video_token output_vector_size prompt_cache_min_tokens provider_specific_entry ptu_count
        ptu_effective_from ptu_effective_to reasoning_effort_levels regional_endpoint_uplift_multiplier
        regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us rpm
        search_context_cost_per_query search_free_requests supported_audio_formats supported_endpoints
        supports_adaptive_thinking supports_anthropic_compaction supports_anthropic_thinking_payload
        supports_assistant_prefill supports_audio_input supports_audio_output supports_box_questions
        supports_computer_use supports_embedding_image_input supports_function_calling supports_image_size
        supports_legacy_thinking supports_low_reasoning_effort supports_max_reasoning_effort
        supports_mid_conversation_system supports_minimal_reasoning_effort supports_native_streaming
        supports_native_structured_output supports_none_reasoning_effort supports_output_config
        supports_parallel_function_calling supports_pdf_input supports_prompt_cache_breakpoint
        supports_prompt_caching supports_reasoning supports_regex_lookaround supports_response_schema
        supports_system_messages supports_thinking_cache_preservation supports_tool_choice supports_tool_search
        supports_url_context supports_video_input supports_vision supports_web_search
        supports_xhigh_reasoning_effort team_id team_public_model_name thinking_always_on tier tiered_pricing
        token_count_framing token_count_model token_count_tokenizer tpm updated_at updated_by
        use_openai_responses_path uses_embed_content version vertex_ai_audio_api web_search_billing_unit
        """)
}
