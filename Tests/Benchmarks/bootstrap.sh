#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One command: a 200 MB bootstrap against `curl | tar xz`.
set -euo pipefail
cd "$(dirname "$0")/../.."
swift build -c release --product llm-router-fetch
exec python3 Tests/Benchmarks/bootstrap.py "$(swift build -c release --show-bin-path)/llm-router-fetch" "$@"
