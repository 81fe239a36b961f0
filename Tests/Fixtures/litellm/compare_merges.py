# SPDX-License-Identifier: MIT
"""Reads base, overlay and our merge of the two with PyYAML, merges by itself, and compares values and their types.

usage: compare_merges.py FOLDER   (holds 0.base.yaml, 0.overlay.yaml, 0.merged.yaml, 1.base.yaml, …); prints differences
"""

import pathlib
import sys

import yaml


def merge(base, overlay):
    if not (isinstance(base, dict) and isinstance(overlay, dict)):
        return overlay
    merged = dict(base)
    for key, value in overlay.items():
        merged[key] = merge(merged[key], value) if key in merged else value
    return merged


def spelled(value):
    if isinstance(value, dict):
        return sorted((spelled(k), str(spelled(v))) for k, v in value.items())
    if isinstance(value, list):
        return [spelled(v) for v in value]
    return f"{type(value).__name__}:{value!r}"


def load(path):
    return yaml.load(path.read_bytes(), Loader=yaml.SafeLoader)


folder = pathlib.Path(sys.argv[1])
for path in sorted(folder.glob("*.base.yaml")):
    number = path.name.split(".")[0]
    try:
        wanted = spelled(merge(load(path), load(folder / f"{number}.overlay.yaml")))
        found = spelled(load(folder / f"{number}.merged.yaml"))
    except yaml.YAMLError as error:
        print(f"{number}: {' '.join(str(error).split())}")
        continue
    if wanted != found:
        print(f"{number}: wanted {wanted} found {found}")
print(f"compared {len(list(folder.glob('*.base.yaml')))}")
