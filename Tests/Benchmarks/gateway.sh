#!/usr/bin/env bash
# The embedded gateway beside nginx and haproxy: CPU, latency, streams, memory. Needs a release build; options go to gateway.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 Tests/Benchmarks/gateway.py "$@"
