# SPDX-License-Identifier: MIT
"""Renders a large profile with benchmark-render and with PyYAML, in turn; prints medians and their ratio.

usage: render.py BENCHMARK_RENDER [MODELS] [TURNS]
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import yaml

program, models, turns = sys.argv[1], *(int(a) for a in (sys.argv[2:] + ["2000", "5"])[:2])
loader, dumper = yaml.CSafeLoader, yaml.CSafeDumper


def config(count):
    lines = ["litellm_base:", "  model_list:"]
    for i in range(count):
        lines += [
            f"    - model_name: group-{i // 4}",
            "      litellm_params:",
            f"        model: openai/model-{i}",
            f"        api_base: http://127.0.0.1:{8000 + i % 1000}/v1",
            f"        api_key: os.environ/KEY_{i % 50}",
            f"        rpm: {100 + i}",
            "        input_cost_per_token: 0.00002",
            "        timeout: 30.5",
            "      model_info:",
            f'        id: "{i}"',
            "        mode: chat",
        ]
    lines += [
        "  router_settings: {routing_strategy: simple-shuffle}",
        "  litellm_settings: {num_retries: 1, allowed_fails: 2, cooldown_time: 10}",
        "profiles:",
        "  balanced: {litellm_settings: {num_retries: 2, cooldown_time: 30, fallbacks: [{group-0: [group-1]}]}}",
    ]
    return "\n".join(lines) + "\n"


def merge(base, overlay):
    if not (isinstance(base, dict) and isinstance(overlay, dict)):
        return overlay
    merged = dict(base)
    for key, value in overlay.items():
        merged[key] = merge(merged[key], value) if key in merged else value
    return merged


def render(data):
    root = yaml.load(data, Loader=loader)
    merged = merge(root["litellm_base"], root["profiles"]["balanced"])
    return yaml.dump(merged, Dumper=dumper, sort_keys=False, allow_unicode=True)


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "routertool.yaml")
    path.write_text(config(models))
    data = path.read_bytes()
    ours, theirs = [], []
    for _ in range(turns):
        ours.append(json.loads(subprocess.check_output([program, str(path), "balanced", "20"])))
        for _ in range(2):
            start = time.perf_counter()
            render(data)
            theirs.append((time.perf_counter() - start) * 1000)
    python = statistics.median(theirs)
    swift = {key: statistics.median(run[key] for run in ours) for key in ours[0]}
    print(f"{models} models, {len(data) / 1024:.0f} KiB in, {swift['bytes'] / 1024:.0f} KiB out")
    print(f"PyYAML (C loader and dumper)   {python:9.2f} ms")
    print(f"llm-router                     {swift['render_ms']:9.2f} ms   {python / swift['render_ms']:.1f}x as fast")
    print(f"  of which parsing             {swift['parse_ms']:9.2f} ms;  lint, beside it, {swift['lint_ms']:.2f} ms")
