#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Rendering a profile of 2,000 models beside PyYAML with its C loader. PYTHON must have PyYAML.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-.build/litellm-venv/bin/python}
swift build -c release --product benchmark-render >/dev/null
"$python" Tests/Benchmarks/render.py .build/release/benchmark-render "${MODELS:-2000}" "${TURNS:-5}"
