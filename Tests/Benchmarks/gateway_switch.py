#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes a gateway's configuration, or the gateway itself, under load and counts what its clients notice.

usage: gateway_switch.py BINARIES [--mode sighup|profile|handover] [--switches 200] [--seconds 60] [--streams 64] [--rate 500]

BINARIES is a folder with llm-router and llm-router-gateway. `sighup` rewrites the config and signals; `profile` runs
`llm-router profile set` on a stack that `llm-router init` wrote; `handover` has a successor take over the listening socket.
Exit status 0: no request failed and no stream was cut.
"""
import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = """model_list:
  - {{model_name: router-default, litellm_params: {{model: "mock/echo?text={text}&chunks=40&chunk_delay_ms=25"}}}}
  - {{model_name: quick, litellm_params: {{model: "mock/echo?text={text}"}}}}
"""


class Tally:
    def __init__(self):
        self.answers, self.streams, self.chunks, self.stale, self.failures = 0, 0, 0, 0, []

    def failed(self, what):
        self.failures.append(f"{time.monotonic():.3f} {what}")


def request(model, stream):
    body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
    return (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


async def head(reader):
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split(" ")[1]), fields


async def chunks(reader):
    while True:
        size = int((await reader.readuntil(b"\r\n")).strip(), 16)
        yield (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return


async def streams(port, model, tally, over):
    """One stream after the other, each over a connection of its own."""
    while not over.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(model, True))
            status, _ = await head(reader)
            last = b""
            async for chunk in chunks(reader):
                if chunk:
                    last = chunk
                    tally.chunks += 1
            writer.close()
            if status != 200 or not last.endswith(b"data: [DONE]\n\n"):
                tally.failed(f"a stream ended with status {status} and {last[-80:]!r}")
            else:
                tally.streams += 1
        except (OSError, asyncio.IncompleteReadError, ValueError) as problem:
            tally.failed(f"a stream: {problem!r}")


async def requests(port, model, tally, over, interval, keeps):
    """Requests at a fixed rate. With `keeps` over one connection, which a gateway that leaves may close between two of them."""
    connection = None
    due = time.monotonic()
    while not over.is_set():
        due += interval
        await asyncio.sleep(max(0, due - time.monotonic()))
        is_used = connection is not None
        for _ in range(2):
            try:
                if connection is None:
                    connection = await asyncio.open_connection("127.0.0.1", port)
                reader, writer = connection
                writer.write(request(model, False))
                status, fields = await head(reader)
                await reader.readexactly(int(fields["content-length"]))
                if status != 200:
                    tally.failed(f"a request was answered with {status}")
                tally.answers += 1
                if not keeps or fields.get("connection") == "close":
                    writer.close()
                    connection = None
                break
            except (OSError, asyncio.IncompleteReadError) as problem:
                connection = None
                if is_used and isinstance(problem, (ConnectionError, asyncio.IncompleteReadError)):
                    # Every client opens another connection then; it is counted all the same.
                    tally.stale += 1
                    is_used = False
                    continue
                tally.failed(f"a request: {problem!r}")
                break


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def replace(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


class Signalled:
    """A gateway of its own, told by a signal."""

    def __init__(self, binaries, folder, number):
        self.number, self.config, self.port = number, os.path.join(folder, "litellm.yaml"), free_port()
        self.log = os.path.join(folder, "gateway.err")
        replace(self.config, CONFIG.format(text="start"))
        self.process = subprocess.Popen(
            [os.path.join(binaries, "llm-router-gateway"), "serve", "--config", self.config, "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=open(self.log, "w"))
        self.pid = self.process.pid

    def said(self, pattern):
        return re.findall(pattern, open(self.log).read())

    async def switch(self, index):
        if self.number == signal.SIGHUP:
            replace(self.config, CONFIG.format(text=f"switch{index}"))
        count = len(self.said(r"started the successor (\d+)"))
        os.kill(self.pid, self.number)
        if self.number == signal.SIGHUP:
            return
        # The next one is told only when it answers, as an operator would.
        for _ in range(400):
            started, ready = self.said(r"started the successor (\d+)"), self.said("listening on")
            if len(started) > count and len(ready) > len(started):
                self.pid = int(started[-1])
                return
            await asyncio.sleep(0.005)
        raise SystemExit("no successor started:\n" + open(self.log).read())

    def problems(self):
        return self.said("(?i).*error.*|.*crash.*")

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.process.wait(40)


class Stack:
    """A stack as `llm-router init` writes it, switched by `llm-router profile set`."""

    def __init__(self, binaries, folder, _):
        self.command, self.folder, self.port = os.path.join(binaries, "llm-router"), folder, free_port()
        self.run("init", "--engine", "embedded")
        path = os.path.join(folder, "config", "routertool.yaml")
        text = open(path).read().replace("4000", str(self.port))
        text = text.replace("model: mock/router-default,", 'model: "mock/echo?chunks=40&chunk_delay_ms=25",')
        replace(path, text.replace("router-cheap", "quick"))
        self.run("profile", "set", "balanced")
        self.run("up")

    def run(self, *arguments):
        result = subprocess.run(
            [self.command, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60,
            env=dict(os.environ, PATH=os.path.dirname(self.command) + ":" + os.environ["PATH"]))
        if result.returncode != 0:
            raise SystemExit(f"llm-router {' '.join(arguments)}: {result.stdout}{result.stderr}")
        return result.stdout

    async def switch(self, index):
        name = ["cost", "reliability", "balanced"][index % 3]
        await asyncio.get_running_loop().run_in_executor(None, self.run, "profile", "set", name)

    def problems(self):
        return []

    def stop(self):
        self.run("down")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--mode", choices=["sighup", "profile", "handover"], default="sighup")
    parser.add_argument("--switches", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--rate", type=float, default=500)
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    kinds = {"sighup": (Signalled, signal.SIGHUP), "handover": (Signalled, signal.SIGUSR2), "profile": (Stack, None)}
    kind, number = kinds[options.mode]
    gateway = kind(os.path.abspath(options.binaries), folder, number)
    tally, over = Tally(), asyncio.Event()
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", gateway.port)).close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        workers = 10
        interval = workers / options.rate
        tasks = [asyncio.create_task(streams(gateway.port, "router-default", tally, over)) for _ in range(options.streams)]
        tasks += [
            asyncio.create_task(requests(gateway.port, "quick", tally, over, interval, index % 2 == 0))
            for index in range(workers)]
        start = time.monotonic()
        slowest = 0
        for index in range(options.switches):
            await asyncio.sleep(max(0, start + options.seconds * (index + 1) / (options.switches + 1) - time.monotonic()))
            before = time.monotonic()
            await gateway.switch(index)
            slowest = max(slowest, time.monotonic() - before)
        await asyncio.sleep(max(0, start + options.seconds - time.monotonic()))
        elapsed = time.monotonic() - start
        over.set()
        await asyncio.wait(tasks, timeout=30)
    finally:
        gateway.stop()
        problems = gateway.problems()
        shutil.rmtree(folder, ignore_errors=True)
    for failure in (problems + tally.failures)[:10]:
        print(failure)
    print(
        f"{options.mode}: {options.switches} switches in {elapsed:.0f} s (slowest {slowest * 1000:.0f} ms), "
        f"{tally.answers} requests, {tally.streams} whole streams, {tally.chunks} chunks, "
        f"{tally.stale} kept connections closed between requests, {len(tally.failures)} failures")
    sys.exit(1 if tally.failures or problems or tally.answers == 0 or tally.streams == 0 else 0)


asyncio.run(main())
