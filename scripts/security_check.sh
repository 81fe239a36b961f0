#!/usr/bin/env bash
# Secret hygiene of the configured stack; arguments go to `llm-router security check`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${LLM_ROUTER:-.build/release/llm-router}" security check "$@"
