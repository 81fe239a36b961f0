#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compares the supervisor with others: `Tests/Benchmarks/supervisor.sh [--services 1000] [--only llm-router "C floor"]`.
# Peers: apt-get install s6 runit; pip install supervisor circus. What is missing is left out.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/Tests/Benchmarks/supervisor
swift build --package-path "$root" -c release --product stand-in-supervisor
export BENCH_PROGRAMS=$root/.build/benchmarks
mkdir -p "$BENCH_PROGRAMS"
for program in stamp floor flood; do
    cc -O2 -static -Wall -o "$BENCH_PROGRAMS/$program" "$here/$program.c"
done
products=$(swift build --package-path "$root" -c release --show-bin-path)
exec python3 "$here/bench.py" "$products" "$@"
