#!/usr/bin/env bash
# Runs the configured stack once from download to stop and says whether it works.
#   PROFILE=balanced          which profile to set
#   STARTUP_TIMEOUT=120       seconds until everything must be healthy
set -euo pipefail
cd "$(dirname "$0")/.."

router="${LLM_ROUTER:-.build/release/llm-router}"
profile="${PROFILE:-balanced}"
timeout="${STARTUP_TIMEOUT:-120}"

finish() {
    status=$?
    "$router" service stop all >/dev/null 2>&1 || true
    [[ $status -eq 0 ]] && echo "smoke: PASS" || echo "smoke: FAIL" >&2
    exit "$status"
}
trap finish EXIT

"$router" bootstrap download
"$router" profile set "$profile"
"$router" service start all --wait --timeout "$timeout"
"$router" health
endpoint=$("$router" status --output json | sed -n 's/.*"endpoint": "\(.*\)".*/\1/p')
key=$(sed -n 's/^LITELLM_MASTER_KEY=//p' .router/secrets.env 2>/dev/null || true)
echo "GET $endpoint/models"
# The key goes through standard input, so that it is in no process's arguments.
printf 'header = "Authorization: Bearer %s"\n' "${key:-none}" |
    curl --silent --show-error --fail --max-time 20 --config - --output /dev/null "$endpoint/models"
