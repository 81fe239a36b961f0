#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The supervisor's own figures beside their goals, then beside other supervisors:
#   Tests/Benchmarks/supervisor.sh [--full] [--only PART ...]     figures alone, see supervisor/figures.py
#   Tests/Benchmarks/supervisor.sh --peers [--services 1000] [--only llm-router "C floor"]
# Peers: apt-get install s6 runit; pip install supervisor circus. What is missing is left out.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/Tests/Benchmarks/supervisor
export BENCH_PROGRAMS=$root/.build/benchmarks
mkdir -p "$BENCH_PROGRAMS"
for program in stamp floor flood; do
    cc -O2 -static -Wall -o "$BENCH_PROGRAMS/$program" "$here/$program.c"
done
products=$(swift build --package-path "$root" -c release --show-bin-path)
if [ "${1:-}" = --peers ]; then
    shift
    swift build --package-path "$root" -c release --product stand-in-supervisor
    exec python3 "$here/bench.py" "$products" "$@"
fi
swift build --package-path "$root" -c release --product llm-router
exec python3 "$here/figures.py" "$products/llm-router" "$@"
