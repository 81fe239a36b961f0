#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a routing decision costs, how many settlements a ledger takes a second, and how both grow. Ends with 1 when a bound
# is missed. The database is measured with the package's build (debug unless CONFIGURATION says release).
set -euo pipefail
cd "$(dirname "$0")/../.."

# The library has no dependencies, so the compiler alone builds it: no package to resolve.
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
find Sources/LLMRouting -name '*.swift' >"$build/sources"
features=(-swift-version 6 -O -whole-module-optimization -enable-upcoming-feature NonisolatedNonsendingByDefault)
swiftc "${features[@]}" -emit-module -emit-library -static -module-name LLMRouting \
    -emit-module-path "$build/LLMRouting.swiftmodule" -o "$build/libLLMRouting.a" @"$build/sources"
swiftc "${features[@]}" -parse-as-library -I "$build" -L "$build" -lLLMRouting \
    Tests/Benchmarks/Routing/Main.swift -o "$build/benchmark" $([[ $(uname) == Linux ]] && echo -lm)
status=0
"$build/benchmark" "$@" || status=1

configuration=${CONFIGURATION:-debug}
swift build -c "$configuration" --product benchmark-ledger >/dev/null
echo "budget database ($configuration build)"
"$(swift build -c "$configuration" --show-bin-path)/benchmark-ledger" || status=1
exit "$status"
