# SPDX-License-Identifier: MIT
"""Prints, as JSON, which keys and providers the installed LiteLLM knows; Sources/LiteLLMConfig holds the same as data."""

import inspect
import json
import pathlib
import re

import litellm
import litellm.proxy
from litellm.proxy._types import ConfigGeneralSettings
from litellm.router import Router
from litellm.types.router import LiteLLM_Params, ModelInfo
from litellm.types.utils import ModelInfoBase

proxy = pathlib.Path(litellm.proxy.__file__).parent
sources = "\n".join(path.read_text() for path in proxy.rglob("*.py"))
simple = (type(None), bool, int, float, str, list, dict)
module_values = [k for k, v in vars(litellm).items() if re.fullmatch("[a-z][a-z0-9_]*", k) and isinstance(v, simple)]
read_from_general = re.findall(r'general_settings\.get\(\s*"([a-z_]+)"', sources)
read_from_litellm = re.findall(r'litellm_settings\.get\(\s*"([a-z_]+)"', sources)
router = [k for k in inspect.signature(Router.__init__).parameters if k not in ("self", "model_list")]
keys = {
    "providers": [str(getattr(p, "value", p)) for p in litellm.provider_list],
    "router": router,
    "litellm": module_values + read_from_litellm + ["cache_params", "guardrails"],
    "general": list(ConfigGeneralSettings.model_fields) + read_from_general,
    "parameters": [*LiteLLM_Params.model_fields, "base_url", "weight", "order", "extra_headers", "extra_body", "max_parallel_requests",
        "cooldown_time", "mock_timeout", "ssl_verify", "headers", "num_retries", "fallbacks", "input_cost_per_second", "api_type",
        *litellm.OPENAI_CHAT_COMPLETION_PARAMS],
    "facts": [*ModelInfo.model_fields, *ModelInfoBase.__annotations__, "fallback_order", "fallback_reason", "order", "mode",
        "allowed_fails", "allowed_fails_policy", "cooldown_time", "health_check_model", "health_check_timeout",
        "health_check_voice", "disable_background_health_check", "access_groups", "description", "supports_vision",
        "supports_function_calling", "version"],
}
print(json.dumps({name: sorted(set(found)) for name, found in keys.items()}))
