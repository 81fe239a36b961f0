#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a routing decision costs, how many settlements a ledger takes a second, and how both grow.
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
"$build/benchmark" "$@"
