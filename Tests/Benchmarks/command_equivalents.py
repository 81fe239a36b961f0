#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `llm-router status` and `profile set` read and write, done in Python with PyYAML: the comparison's other side."""
import copy
import datetime
import json
import os
import sys
import tempfile

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def merge(base, overlay):
    result = copy.copy(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merge(result[key], value) if both else value
    return result


def replace(path, text):
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def main():
    config_path = sys.argv[2]
    folder = os.path.dirname(os.path.abspath(config_path))
    with open(config_path) as file:
        config = yaml.load(file, Loader)
    paths = {key: os.path.join(folder, value) for key, value in config["paths"].items()}
    if sys.argv[1] == "status":
        with open(paths["state_file"]) as file:
            state = json.load(file)
        print(f"current_profile={state['current_profile']}\nupdated_at={state['updated_at']}")
        for name in sorted(config["services"]):
            pid_path = os.path.join(paths["runtime_dir"], "pids", name + ".pid")
            running = False
            if os.path.exists(pid_path):
                with open(pid_path) as file:
                    running = os.path.exists(f"/proc/{file.read().strip()}")
            print(f"{name}_running={'yes' if running else 'no'}")
    else:
        profile = config["profiles"][sys.argv[3]]
        replace(paths["active_config"], yaml.dump(merge(config["litellm_base"], profile), Dumper=Dumper, sort_keys=False))
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        replace(paths["state_file"], json.dumps({"current_profile": sys.argv[3], "updated_at": now}))


if __name__ == "__main__":
    main()
