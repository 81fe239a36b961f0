#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times commands in turn (A B A B ...) and prints medians and the ratio of each to the last one.

usage: compare.py [--runs N] [--directory D] NAME='command line' NAME='command line' ...

Wall time is measured around posix_spawn and wait4, so that no shell is in it; memory is the peak of the process.
"""
import argparse
import os
import shlex
import statistics
import sys
import time


def run(arguments, null):
    actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(arguments[0], arguments, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"`{shlex.join(arguments)}` failed with wait status {status}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--directory", default=".")
    parser.add_argument("commands", nargs="+")
    options = parser.parse_args()
    os.chdir(options.directory)
    commands = [(name, shlex.split(line)) for name, line in (entry.split("=", 1) for entry in options.commands)]
    samples = {name: [] for name, _ in commands}
    null = os.open(os.devnull, os.O_WRONLY)
    for turn in range(options.runs + 1):
        for name, arguments in commands:
            sample = run(arguments, null)
            if turn > 0:  # the first turn warms the caches
                samples[name].append(sample)
    base = statistics.median(sample[0] for sample in samples[commands[-1][0]])
    print(f"{'command':24} {'median ms':>10} {'p95 ms':>10} {'cpu ms':>8} {'peak MiB':>9} {'ratio':>8}")
    for name, _ in commands:
        walls = sorted(sample[0] for sample in samples[name])
        median = statistics.median(walls)
        p95 = walls[min(len(walls) - 1, int(len(walls) * 0.95))]
        cpu = statistics.median(sample[1] for sample in samples[name])
        peak = max(sample[2] for sample in samples[name])
        print(f"{name:24} {median:10.2f} {p95:10.2f} {cpu:8.2f} {peak:9.1f} {base / median:7.2f}x")


if __name__ == "__main__":
    main()
