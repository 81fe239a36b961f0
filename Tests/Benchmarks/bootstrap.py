#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times the installation of a 200 MB release archive against `curl | tar xz`, side by side in one run.

usage: bootstrap.py FETCH_HELPER [--runs N] [--megabytes N] [--directory D]

Both fetch the same file from the same server on loopback. Ours also verifies sha256, keeps the part for a resume, syncs
the program to disk and renames it into place; `curl | tar` does none of that, and the third command verifies with
sha256sum. Peak memory is that of the largest process of each command.
"""
import argparse
import hashlib
import http.server
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

NAME = "CLIProxyAPIPlus_1.0.0-0_linux_" + ("arm64" if os.uname().machine == "aarch64" else "amd64") + ".tar.gz"


def make_archive(folder, megabytes):
    """Writes a program of the size and compressibility of real ones: machine code of this system, over and over."""
    path = os.path.join(folder, NAME)
    program = os.path.join(folder, "cli-proxy-api-plus")
    sources = sorted(
        (os.path.join(root, name) for root, _, names in os.walk("/usr/lib") for name in names if ".so" in name),
        key=lambda source: -os.path.getsize(source) if os.path.exists(source) else 0,
    )
    with open(program, "wb") as output:
        output.write(b"#!/bin/sh\nexit 0\n")
        size, index = 0, 0
        while size < megabytes * 2_600_000:
            with open(sources[index % len(sources)], "rb") as source:
                block = source.read(16 << 20)
            output.write(block)
            size += len(block)
            index += 1
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        archive.add(program, "cli-proxy-api-plus")
    os.remove(program)
    return path


class Host(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        base = f"http://127.0.0.1:{self.server.server_port}"
        if self.path.startswith("/repos/"):
            asset = {"name": NAME, "browser_download_url": f"{base}/{NAME}", "state": "uploaded",
                     "digest": "sha256:" + self.server.digest, "size": self.server.size}
            body = json.dumps({"tag_name": "v1.0.0-0", "assets": [asset]}).encode()
            self.answer(len(body))
            self.wfile.write(body)
            return
        self.answer(self.server.size)
        with open(self.server.archive, "rb") as source:
            sent = 0
            while sent < self.server.size:
                sent += os.sendfile(self.connection.fileno(), source.fileno(), sent, self.server.size - sent)

    def answer(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"benchmark"')
        self.end_headers()
        self.wfile.flush()


def serve(folder, megabytes):
    """A process of its own: whatever a parent has in memory counts as memory of its children until they exec."""
    archive = make_archive(folder, megabytes)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.archive, server.size = archive, os.path.getsize(archive)
    with open(archive, "rb") as source:
        server.digest = hashlib.file_digest(source, "sha256").hexdigest()
    print(server.server_port, server.size, flush=True)
    server.serve_forever()


def ours(helper, port, runtime):
    request = {"protocol": 1, "request": "bootstrap.binary", "body": {
        "runtime_dir": runtime, "artifact": "cliproxyapi_plus", "file_name": "CLIProxyAPIPlus",
        "members": ["cli-proxy-api-plus"], "repetition": "keep", "verification": "required",
        "api": f"http://127.0.0.1:{port}", "sources": [{"repository": "owner/name", "tag": None}], "token": None}}
    process = subprocess.Popen([helper], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.write((json.dumps(request) + "\n").encode())
    process.stdin.flush()
    return process


def shell(line):
    return subprocess.Popen(["bash", "-o", "pipefail", "-c", line])


def measure(start):
    before = os.times()
    begin = time.perf_counter()
    process = start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    after = os.times()
    process.returncode = status
    if status != 0:
        sys.exit(f"a command failed with wait status {status}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return wall, cpu, usage.ru_maxrss / 1024


def compare(helper, port, folder, runs):
    url = f"http://127.0.0.1:{port}/{NAME}"
    target = os.path.join(folder, "target")
    commands = {
        "llm-router (verified)": lambda: ours(helper, port, target),
        "curl | sha256 | tar xz": lambda: shell(f"curl -sS {url} | tee >(sha256sum > {target}/sum) | tar xz -C {target}"),
        "curl | tar xz": lambda: shell(f"curl -sS {url} | tar xz -C {target}"),
    }
    samples = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            shutil.rmtree(target, ignore_errors=True)
            os.mkdir(target, 0o700)
            os.sync()
            sample = measure(command)
            if turn > 0:  # the first turn warms the caches
                samples[name].append(sample)
    base = statistics.median(wall for wall, _, _ in samples["curl | tar xz"])
    print(f"{'command':24} {'median s':>9} {'min s':>7} {'cpu s':>7} {'peak MiB':>9} {'ratio':>7}")
    for name, values in samples.items():
        median = statistics.median(wall for wall, _, _ in values)
        fastest = min(wall for wall, _, _ in values)
        cpu = statistics.median(cpu for _, cpu, _ in values)
        peak = max(memory for _, _, memory in values)
        print(f"{name:24} {median:9.2f} {fastest:7.2f} {cpu:7.2f} {peak:9.1f} {base / median:6.2f}x")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("helper")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--directory", default=None)
    parser.add_argument("--serve", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve, options.megabytes)
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        arguments = [sys.executable, __file__, options.helper, "--serve", folder, "--megabytes", str(options.megabytes)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:
            try:
                port, size = server.stdout.readline().split()
                print(f"archive: {int(size) / 1e6:.0f} MB")
                compare(os.path.abspath(options.helper), int(port), folder, options.runs)
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
