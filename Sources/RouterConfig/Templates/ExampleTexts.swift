// SPDX-License-Identifier: MIT

/// The files of `config/examples`, written here by the tests (`UPDATE_GOLDEN=1`); do not edit.
enum ExampleTexts {
    static let litellm = #"""
        # yaml-language-server: $schema=../schema/routertool.schema.json
        #
        # LiteLLM in front, CLIProxyAPIPlus behind it, three profiles. `llm-router init --engine litellm` writes this file
        # to config/routertool.yaml. Every key is explained in docs/configuration.md.
        config_version: 2

        # Relative paths are below the folder of this file.
        paths:
          runtime_dir: ../.router/runtime
          active_config: ../.router/runtime/litellm.active.yaml
          state_file: ../.router/runtime/state.json
          log_file: ../.router/logs/routerctl.log

        services:
          cliproxyapi_plus:
            host: 127.0.0.1
            port: 8317
            # A program with a slash is below `cwd`; one without is looked up in PATH.
            command:
              cwd: ..
              args: [.router/runtime/bin/CLIProxyAPIPlus, -config, config/cliproxyapi.yaml]
            # It exits with 0 whatever happened, so only `always` keeps it running.
            restart: always
            stop: {signal: TERM, timeout: 5s}
            readiness:
              # `os.environ/NAME` is looked up in the service's variables, .router/secrets.env included.
              http: {path: /v1/models, bearer: os.environ/ROUTER_UPSTREAM_API_KEY, expect: 2xx}
              period: 2s
              timeout: 2s
              start_period: 30s

          litellm:
            host: 127.0.0.1
            port: 4000
            command:
              cwd: ..
              args:
                - .router/runtime/bin/litellm
                - --config
                - .router/runtime/litellm.active.yaml
                - --host
                - 127.0.0.1
                - --port
                - "4000"
            env:
              LITELLM_LOCAL_MODEL_COST_MAP: "True"
            # Keys of your own: KEY=value lines, mode 0600. `.router/secrets.env` needs no line here, it is always read.
            # env_file: litellm.env
            depends_on: {cliproxyapi_plus: started}
            restart: always
            stop: {signal: TERM, timeout: 10s}
            readiness:
              http: {path: /v1/models, bearer: os.environ/LITELLM_MASTER_KEY, expect: 2xx}
              period: 2s
              timeout: 2s
              # LiteLLM takes 7 to 12 seconds to start, and longer on a busy machine.
              start_period: 90s
            liveness:
              http: {path: /health/liveliness}
              period: 10s
              timeout: 5s
              failures: 3
              start_period: 90s
            on_profile_switch: restart

        # LiteLLM's own config, passed on as it is. Each profile below is merged over it.
        litellm_base:
          model_list:
            - model_name: router-default
              litellm_params:
                model: openai/router-default
                api_base: http://127.0.0.1:8317/v1
                api_key: os.environ/ROUTER_UPSTREAM_API_KEY
            - model_name: router-cheap
              litellm_params:
                model: openai/gpt-4o-mini
                api_key: os.environ/CUSTOM_API_KEY
          router_settings:
            routing_strategy: simple-shuffle
            enable_pre_call_checks: true
          litellm_settings:
            num_retries: 1
            request_timeout: 30
            allowed_fails: 2
            cooldown_time: 10
          general_settings:
            # Generated once into .router/secrets.env; LiteLLM refuses to start without a strong one.
            master_key: os.environ/LITELLM_MASTER_KEY

        # `llm-router profile set NAME` renders one of these. Mappings merge deeply, lists and scalars replace.
        profiles:
          reliability:
            litellm_settings:
              num_retries: 3
              allowed_fails: 1
              cooldown_time: 60
              fallbacks: [{router-default: [router-cheap]}]
          balanced:
            litellm_settings:
              num_retries: 2
              allowed_fails: 2
              cooldown_time: 30
              fallbacks: [{router-default: [router-cheap]}]
          cost:
            litellm_settings:
              num_retries: 1
              allowed_fails: 3
              cooldown_time: 10
              fallbacks: [{router-cheap: [router-default]}]

        # What `llm-router bootstrap download` installs into .router/runtime/bin.
        bootstrap:
          cliproxy: {version: v6.8.16-0, repo: router-for-me/CLIProxyAPIPlus}
          litellm: {version: 1.106.2}

        # Files that only their owner may read; `llm-router doctor` and `security check` look at them.
        secret_files:
          - cliproxyapi.yaml
          - ../.router/secrets.env

        """#

    static let cliproxyapi = #"""
        # Config of CLIProxyAPIPlus. The server never reports an unknown key, so a misspelt one has no effect.
        # `llm-router init --engine litellm` writes it to config/cliproxyapi.yaml with a random key, at mode 0600.

        # Loopback only: everything the server offers is meant for this machine.
        host: 127.0.0.1
        port: 8317

        # Where `llm-router auth … login` puts credentials. Relative folders are below the service's `cwd`.
        auth-dir: .router/auths

        # Clients need one of these keys; LiteLLM sends it as ROUTER_UPSTREAM_API_KEY. An empty list lets everybody in.
        api-keys:
          - change-me-router-upstream-api-key

        remote-management:
          allow-remote: false
          # Empty on purpose: the server would hash a key and rewrite this file. The key that `auth` uses is
          # MANAGEMENT_PASSWORD in .router/secrets.env, which the supervisor gives to the server.
          secret-key: ""
          # The control panel is downloaded at every start; a supervised server does without.
          disable-control-panel: true

        debug: false
        logging-to-file: false
        usage-statistics-enabled: false

        # The server's own retries come before LiteLLM's; few of them keep a failure short.
        request-retry: 1
        quota-exceeded:
          switch-project: true
          switch-preview-model: true

        """#

    static let embedded = #"""
        # yaml-language-server: $schema=../../schema/routertool.schema.json
        #
        # One process, no Python, no download, no key: the embedded gateway answers with mock models until you put real
        # providers in. Written by `llm-router init`. Every key is explained in docs/configuration.md.
        config_version: 2

        # Relative paths are below the folder of this file.
        paths:
          runtime_dir: ../.router/runtime
          active_config: ../.router/runtime/litellm.active.yaml
          state_file: ../.router/runtime/state.json
          log_file: ../.router/logs/routerctl.log

        services:
          gateway:
            host: 127.0.0.1
            port: 4000
            # `llm-router` without a slash is this very command. To run LiteLLM on the same file, change only this line.
            command:
              cwd: ..
              args: [llm-router, gateway, serve, --config, .router/runtime/litellm.active.yaml]
            readiness:
              http: {path: /health/readiness}
              period: 2s
              start_period: 10s
            liveness:
              http: {path: /health/liveliness}
              period: 5s
              failures: 3
            # The gateway takes a new profile without closing a connection.
            on_profile_switch: reload

        # LiteLLM's config format; the gateway reads it as LiteLLM does.
        litellm_base:
          model_list:
            # `mock/` answers by itself: deterministic, free, for trying things out.
            - model_name: router-default
              litellm_params: {model: mock/router-default, api_key: none}
            - model_name: router-cheap
              litellm_params: {model: mock/router-cheap, api_key: none}

            # Real providers: uncomment, and put the keys into .router/secrets.env (see config/examples/env.example).
            # Deployments with the same model_name share its requests.
            #
            # - model_name: router-default
            #   litellm_params:
            #     model: openai/gpt-5.1
            #     api_key: os.environ/OPENAI_API_KEY
            # - model_name: router-default
            #   litellm_params:
            #     model: anthropic/claude-sonnet-4-5
            #     api_key: os.environ/ANTHROPIC_API_KEY
            # - model_name: router-cheap
            #   litellm_params:
            #     model: openrouter/openai/gpt-4o-mini
            #     api_key: os.environ/OPENROUTER_API_KEY
            # - model_name: router-cheap
            #   litellm_params:
            #     model: ollama_chat/llama3.2
            #     api_base: http://127.0.0.1:11434
            #     api_key: none
          router_settings:
            routing_strategy: simple-shuffle
            enable_pre_call_checks: true
          litellm_settings:
            num_retries: 1
            request_timeout: 30
            allowed_fails: 2
            cooldown_time: 10
          # With a master key every request needs it, and the gateway may listen on other addresses than loopback.
          # general_settings:
          #   master_key: os.environ/LITELLM_MASTER_KEY

        # `llm-router profile set NAME` renders one of these. Mappings merge deeply, lists and scalars replace.
        profiles:
          reliability:
            litellm_settings:
              num_retries: 3
              allowed_fails: 1
              cooldown_time: 60
              fallbacks: [{router-default: [router-cheap]}]
          balanced:
            litellm_settings:
              num_retries: 2
              allowed_fails: 2
              cooldown_time: 30
              fallbacks: [{router-default: [router-cheap]}]
          cost:
            litellm_settings:
              num_retries: 1
              allowed_fails: 3
              cooldown_time: 10
              fallbacks: [{router-cheap: [router-default]}]

        # The gateway's own settings.
        gateway:
          host: 127.0.0.1
          port: 4000
          admin: {socket: ../.router/runtime/admin.sock}
          # Models that are routed by how complex a request is: below the threshold to `simple`, else to `complex`.
          virtual_models:
            chat-auto: {threshold: 50, simple: router-cheap, complex: router-default}
            codex-auto: {threshold: 50, simple: router-cheap, complex: router-default}
            claude-auto: {threshold: 50, simple: router-cheap, complex: router-default}
          breaker: {failures: 3, open: 60s, probes: 1}
          timeouts: {connect: 5s, first_token: 15s, idle: 45s, total: 600s}
          traces: {dir: ../.router/traces, keep: 10000}
          # Each user that requests name may spend a dollar in thirty days; more is refused with 402.
          budgets: {users: {default: "1.00", window: 30d}, store: ../.router/budgets.sqlite}
          # Ask a second deployment when the first is slow, for at most 5 % more calls.
          # hedge: {after: 800ms, extra: 5%}

        # Files that only their owner may read; `llm-router doctor` and `security check` look at them.
        secret_files:
          - ../.router/secrets.env

        """#

    static let environment = #"""
        # Secrets of the stack, one NAME=value a line. The real file is .router/secrets.env, mode 0600.
        # `llm-router init` creates it with generated keys, and every service of the stack gets these variables.
        #
        # Generated by `init`; leave them alone unless you want to choose them yourself.
        # LITELLM_MASTER_KEY=sk-…            key that clients of LiteLLM need
        # ROUTER_UPSTREAM_API_KEY=…          key between LiteLLM and CLIProxyAPIPlus
        # MANAGEMENT_PASSWORD=…              key of CLIProxyAPIPlus' management API
        #
        # Yours: what the config names as os.environ/NAME.
        # CUSTOM_API_KEY=
        # OPENAI_API_KEY=
        # ANTHROPIC_API_KEY=
        # OPENROUTER_API_KEY=

        """#

    static let gitignore = #"""
        # Everything in here is generated or secret.
        *

        """#
}
