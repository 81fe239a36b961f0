# SPDX-License-Identifier: MIT
"""Lets LiteLLM load each config file as its proxy does at the start; prints, a JSON line a file, what came of it.

usage: load_configs.py FILE ...
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import sys

import litellm
from litellm.proxy.proxy_server import ProxyConfig
from litellm.router_utils.cooldown_handlers import _is_allowed_fails_set_on_router

logging.disable(logging.CRITICAL)


async def load(path):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            router, _, _ = await ProxyConfig().load_config(router=None, config_file_path=path)
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "error": None,
        "models": sorted({entry["model_name"] for entry in router.model_list}),
        "keys": [entry["litellm_params"].get("api_key") for entry in router.model_list],
        "strategy": router.routing_strategy,
        "retries": router.num_retries,
        "timeout": router.timeout,
        "cooldown_time": router.cooldown_time,
        "heeds_allowed_fails": router.allowed_fails_policy is not None or _is_allowed_fails_set_on_router(router),
        "allowed_fails": router.allowed_fails,
        "fallbacks": router.fallbacks,
        "aliases": router.model_group_alias,
        "pre_call_checks": router.enable_pre_call_checks,
        "drop_params": litellm.drop_params,
    }


for path in sys.argv[1:]:
    # Settings go into globals of the library: each file gets a process of its own.
    child = os.fork()
    if child == 0:
        print(json.dumps(asyncio.run(load(path)), default=str), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
