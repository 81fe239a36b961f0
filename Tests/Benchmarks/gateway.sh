#!/usr/bin/env bash
# CPU a request and median latency of the embedded gateway beside nginx as a bare proxy: one worker each, same upstream.
# Needs nginx, wrk and a release build of llm-router-gateway. Ratios of one run mean something; absolute figures do not.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5}
gateway=.build/release/llm-router-gateway
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT

answer='{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}'
cat >"$scratch/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $scratch/pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; client_body_temp_path $scratch/b; proxy_temp_path $scratch/p;
  fastcgi_temp_path $scratch/f; uwsgi_temp_path $scratch/u; scgi_temp_path $scratch/s; client_body_buffer_size 256k;
  upstream up { server 127.0.0.1:18081; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:18081; default_type application/json; location / { return 200 '$answer'; } }
  server { listen 127.0.0.1:18082; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
CONF
# The upstream runs in a process of its own, so that its time is not counted as the proxy's.
sed '/18082/d' "$scratch/nginx.conf" >"$scratch/upstream.conf"
sed -e '/18081; default_type/d' -e "s#$scratch/pid#$scratch/pid2#" "$scratch/nginx.conf" >"$scratch/proxy.conf"
cat >"$scratch/litellm.yaml" <<YAML
model_list:
  - model_name: m
    litellm_params: {model: openai/gpt, api_base: "http://127.0.0.1:18081/v1", api_key: sk-benchmark-key}
general_settings: {master_key: sk-benchmark-client}
YAML
cat >"$scratch/post.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-benchmark-client"
wrk.body = '{"model":"m","messages":[{"role":"user","content":"' .. string.rep("a", tonumber(os.getenv("PROMPT") or "150")) .. '"}]}'
LUA

nginx -c "$scratch/upstream.conf" -p "$scratch" &
nginx -c "$scratch/proxy.conf" -p "$scratch" &
"$gateway" serve --config "$scratch/litellm.yaml" --port 18083 --threads 1 >"$scratch/log" 2>/dev/null &
gateway_pid=$!
sleep 1
proxy_pid=$(pgrep -P "$(cat "$scratch/pid2")")

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
measure() { # name pid port connections
    local before after requests
    before=$(ticks "$2")
    wrk -t1 -c"$4" -d"${seconds}s" --latency -s "$scratch/post.lua" "http://127.0.0.1:$3/v1/chat/completions" >"$scratch/wrk"
    after=$(ticks "$2")
    requests=$(awk '/requests in/ {print $1}' "$scratch/wrk")
    awk -v n="$1" -v c="$4" -v t=$((after - before)) -v r="$requests" -v p="$(awk '/50%/ {print $2}' "$scratch/wrk")" \
        -v rss="$(awk '/VmRSS/ {print $2}' "/proc/$2/status")" -v bad="$(grep -c 'Non-2xx' "$scratch/wrk" || true)" \
        'BEGIN {printf "%-8s %4d conns  %8.1f us CPU/request  p50 %s  %9d requests  RSS %d kB%s\n", n, c, t * 10000 / r, p, r, rss, (bad > 0) ? "  NOT ALL ANSWERED" : ""}'
}
for connections in 1 64; do
    measure nginx "$proxy_pid" 18082 "$connections"
    measure gateway "$gateway_pid" 18083 "$connections"
done
echo "107 KB bodies"
export PROMPT=107000
measure nginx "$proxy_pid" 18082 64
measure gateway "$gateway_pid" 18083 64
