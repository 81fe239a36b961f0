#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The supervisor's own figures beside their goals, then beside other supervisors:
#   Tests/Benchmarks/supervisor.sh [--full] [--only PART ...]     figures alone, see supervisor/figures.py
#   Tests/Benchmarks/supervisor.sh --peers [--services 1000] [--only llm-router "C floor"]
# With --built as the first argument nothing is built: what lies there from the last time is measured, so that parts can be
# run one after the other in quiet moments.
# Peers: apt-get install s6 runit; pip install supervisor circus. What is missing is left out, and said.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/Tests/Benchmarks/supervisor
export BENCH_PROGRAMS=$root/.build/benchmarks
mkdir -p "$BENCH_PROGRAMS"
build=(swift build --package-path "$root" -c release)
if [ "${1:-}" = --built ]; then
    shift
    build=(true)
    products=$root/.build/release
else
    products=$("${build[@]}" --show-bin-path)
fi
for program in stamp floor flood; do
    cc -O2 -static -Wall -o "$BENCH_PROGRAMS/$program" "$here/$program.c"
done
if [ "${1:-}" = --peers ]; then
    shift
    "${build[@]}" --product stand-in-supervisor
    exec python3 "$here/bench.py" "$products" "$@"
fi
"${build[@]}" --product llm-router
exec python3 "$here/figures.py" "$products/llm-router" "$@"
