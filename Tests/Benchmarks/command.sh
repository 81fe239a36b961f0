#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `status` and `profile set` beside /bin/true and a Python program that reads and writes the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

swift build -c release --product llm-router >/dev/null
swift build -c release --product llm-router-gateway >/dev/null
router=$PWD/.build/release/llm-router
here=$PWD/Tests/Benchmarks
python=${PYTHON:-/usr/bin/python3}
scratch=$(mktemp -d)
trap 'cd / && "$router" --quiet --config "$scratch/config/routertool.yaml" down >/dev/null 2>&1; rm -rf "$scratch"' EXIT

cd "$scratch"
"$router" --quiet init --dir "$scratch" >/dev/null
"$router" --quiet profile set balanced >/dev/null
echo "status, no supervisor (files only):"
"$python" "$here/compare.py" --directory "$scratch" --runs "${RUNS:-40}" \
    "python=$python $here/command_equivalents.py status config/routertool.yaml" \
    "true=/bin/true" \
    "llm-router=$router status"
echo "profile set:"
"$python" "$here/compare.py" --directory "$scratch" --runs "${RUNS:-40}" \
    "python=$python $here/command_equivalents.py set config/routertool.yaml balanced" \
    "llm-router=$router --quiet profile set balanced"
