#!/usr/bin/env bash
# Preflight of the configured stack; arguments go to `llm-router doctor`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${LLM_ROUTER:-.build/release/llm-router}" doctor "$@"
