#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The embedded gateway beside other proxies and gateways: one worker each, the same upstream, in turns.

usage: gateway.py [--gateway PATH] [--rounds N] [--seconds N] [--modes LIST] [--only LIST] [--litellm PATH] [--vllm-router PATH]
                  [--tensorzero PYTHON]

Needs nginx, wrk and a C compiler; haproxy and the other gateways take part when they are there. Processor time is the kernel's
account of the process and its children. Ratios of one run mean something; absolute figures do not.

modes: 1 and 64 (connections), 107k (64 connections, prompts of 107 KB), paced (256 streams, an event every 20 ms each), burst
(64 streams of 200 events at once), many (10,000 streams, or as many as descriptors allow, an event a second each), ready (time from start to first answer).
"""
import argparse
import glob
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
UPSTREAM, STREAMS = 18081, 18381
# Each stream takes two descriptors of the proxy.
MANY = min(10_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000) // 2)
ANSWER = (
    '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",'
    '"content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}')
POST = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-benchmark-client"
wrk.body = '{"model":"MODEL","messages":[{"role":"user","content":"' .. string.rep("a", tonumber(os.getenv("PROMPT"))) .. '"}]}'
"""
NGINX = """worker_processes 1; daemon off; pid FOLDER/NAME.pid; error_log /dev/null; worker_rlimit_nofile 65536;
events { worker_connections 32768; }
http {
  access_log off; keepalive_requests 100000000; client_body_buffer_size 256k; client_body_temp_path FOLDER/b;
  proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  UP
  server { listen 127.0.0.1:PORT backlog=4096; default_type application/json; location / { WHAT } }
}
"""
HAPROXY = """global
  nbthread 1
  maxconn MOST
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:PORT
  default_backend b
backend b
  http-reuse always
  server s 127.0.0.1:UPSTREAM
"""
LITELLM = """model_list:
  - model_name: m
    litellm_params: {model: openai/gpt, api_base: "http://127.0.0.1:UPSTREAM/v1", api_key: sk-benchmark-key}
general_settings: {master_key: sk-benchmark-client}
"""
TENSORZERO = """[gateway]
bind_address = "127.0.0.1:PORT"
observability.enabled = false
[models.m]
routing = ["up"]
[models.m.providers.up]
type = "openai"
model_name = "gpt"
api_base = "http://127.0.0.1:UPSTREAM/v1/"
api_key_location = "none"
"""
# The package starts its gateway at a port of its own choice and says which; what else it wants to know differs by version.
START_TENSORZERO = """import asyncio, inspect, sys, tensorzero
async def main():
    start = tensorzero._start_http_gateway
    options = {name: None for name in inspect.signature(start).parameters}
    options["config_file"] = sys.argv[1]
    if "async_setup" in options: options["async_setup"] = False
    gateway = start(**options)
    if inspect.isawaitable(gateway): gateway = await gateway
    print(gateway.base_url, flush=True)
    await asyncio.sleep(90000)
asyncio.run(main())
"""


class Contestant:
    """A program under test, twice: before the upstream of whole answers and before that of streams."""

    def __init__(self, name, model="m"):
        self.name, self.model, self.runs = name, model, {}

    def add(self, upstream, process, port):
        self.runs[upstream] = (process, port)

    def tree(self, upstream):
        found, waiting = [], [self.runs[upstream][0].pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for path in glob.glob(f"/proc/{pid}/task/*/children"):
                waiting += [int(child) for child in open(path).read().split()]
        return found

    def cpu(self, upstream):
        """Microseconds of processor time so far."""
        total = 0
        for pid in self.tree(upstream):
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                try:
                    total += int(open(path).read().split()[0])
                except OSError:
                    pass
        return total / 1000

    def memory(self, upstream):
        """Resident kilobytes."""
        pages = [line for pid in self.tree(upstream) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")]
        return sum(int(line.split()[1]) for line in pages)

    def peak(self, upstream):
        pages = [line for pid in self.tree(upstream) for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")]
        return sum(int(line.split()[1]) for line in pages)


class Bench:
    def __init__(self, options):
        self.options, self.folder, self.processes, self.contestants = options, tempfile.mkdtemp(), [], []
        self.port = 18400
        self.tool = os.path.join(self.folder, "streams")
        subprocess.run(["cc", "-O2", "-o", self.tool, os.path.join(HERE, "gateway_streams.c")], check=True)

    def file(self, name, text, **words):
        path = os.path.join(self.folder, name)
        for word, value in dict(words, FOLDER=self.folder).items():
            text = text.replace(word, str(value))
        open(path, "w").write(text)
        return path

    def start(self, command, **more):
        more.setdefault("stdout", subprocess.DEVNULL)
        # Kept for what a program says that does not start.
        errors = open(os.path.join(self.folder, f"errors{len(self.processes)}"), "wb+")
        process = subprocess.Popen(command, stderr=errors, cwd=self.folder, **more)
        process.errors = errors.name
        self.processes.append(process)
        return process

    def nginx(self, name, port, what, up=""):
        path = self.file(name + ".conf", NGINX, NAME=name, PORT=port, WHAT=what, UP=up)
        return self.start(["nginx", "-c", path, "-p", self.folder])

    def begin(self):
        self.nginx("upstream", UPSTREAM, f"return 200 '{ANSWER}';")
        self.wait(UPSTREAM)
        for name, make in [
            ("nginx", self.make_nginx), ("haproxy", self.make_haproxy), ("gateway", self.make_gateway),
            ("vllm-router", self.make_vllm), ("tensorzero", self.make_tensorzero), ("litellm", self.make_litellm),
        ]:
            if self.options.only and name not in self.options.only.split(","):
                continue
            contestant = Contestant(name, "tensorzero::model_name::m" if name == "tensorzero" else "m")
            # vllm-router wants its upstream to answer before it starts, and that of streams runs only while it is measured.
            for upstream in [UPSTREAM] if name == "vllm-router" else [UPSTREAM, STREAMS]:
                self.port += 1
                process = make(upstream, self.port)
                if process is None:
                    break
                contestant.add(upstream, process, getattr(process, "port", self.port))
            if contestant.runs:
                self.contestants.append(contestant)
        for contestant in list(self.contestants):
            for process, port in contestant.runs.values():
                if port is None or not self.wait(port):
                    words = open(process.errors, errors="replace").read().strip().splitlines() or ["it says nothing"]
                    print(f"{contestant.name} does not start here: {words[-1][:200]}")
                    self.contestants.remove(contestant)
                    break

    def wait(self, port):
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def make_nginx(self, upstream, port):
        up = f"upstream up {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}"
        what = 'proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;'
        return self.nginx(f"proxy{port}", port, what, up)

    def make_haproxy(self, upstream, port):
        if shutil.which("haproxy") is None:
            return None
        path = self.file(f"haproxy{port}.cfg", HAPROXY, PORT=port, UPSTREAM=upstream, MOST=MANY)
        return self.start(["haproxy", "-f", path])

    def make_gateway(self, upstream, port):
        path = self.file(f"litellm{port}.yaml", LITELLM, UPSTREAM=upstream)
        return self.start([self.options.gateway, "serve", "--config", path, "--port", str(port), "--threads", "1"])

    def make_vllm(self, upstream, port):
        if not self.options.vllm_router:
            return None
        command = [self.options.vllm_router, "--worker-urls", f"http://127.0.0.1:{upstream}", "--host", "127.0.0.1"]
        return self.start(command + ["--port", str(port), "--prometheus-port", str(port + 100)])

    def make_tensorzero(self, upstream, port):
        if not self.options.tensorzero:
            return None
        path = self.file(f"tensorzero{port}.toml", TENSORZERO, PORT=port, UPSTREAM=upstream)
        process = self.start([self.options.tensorzero, "-c", START_TENSORZERO, path], stdout=subprocess.PIPE, text=True)
        found = next((re.search(r"://[^/]*:(\d+)", line) for line in process.stdout if line.startswith("http")), None)
        process.port = int(found[1]) if found else None
        return process

    def make_litellm(self, upstream, port):
        if not self.options.litellm:
            return None
        path = self.file(f"litellm{port}.yaml", LITELLM, UPSTREAM=upstream)
        environment = dict(os.environ, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR")
        return self.start([self.options.litellm, "--config", path, "--port", str(port)], env=environment)

    def whole(self, contestant, connections, prompt):
        """Processor time a request, and the median time of one, in microseconds."""
        script = self.file(f"{contestant.name}.lua", POST, MODEL=contestant.model)
        path = "/openai/v1/chat/completions" if contestant.name == "tensorzero" else "/v1/chat/completions"
        before = contestant.cpu(UPSTREAM)
        output = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{self.options.seconds}s", "--latency", "-s", script,
             f"http://127.0.0.1:{contestant.runs[UPSTREAM][1]}{path}"],
            capture_output=True, text=True, env=dict(os.environ, PROMPT=str(prompt))).stdout
        after = contestant.cpu(UPSTREAM)
        if "Non-2xx" in output:
            raise SystemExit(f"{contestant.name} did not answer all requests")
        count = int(re.search(r"(\d+) requests in", output)[1])
        number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", output).groups()
        return (after - before) / max(1, count), float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]

    def streams(self, contestant, count, events, interval, seconds):
        """Processor time an event, and the delay of events at p50 and p99, in microseconds."""
        if STREAMS not in contestant.runs:
            return None
        before = contestant.cpu(STREAMS)
        result = subprocess.run(
            [self.tool, str(STREAMS), str(contestant.runs[STREAMS][1]), str(count), str(events), str(interval), str(seconds)],
            capture_output=True, text=True)
        after = contestant.cpu(STREAMS)
        numbers = [int(number) for number in re.findall(r"\d+", re.sub(r"p50|p99", "", result.stdout))]
        if len(numbers) != 6 or numbers[2] > 0 or numbers[0] == 0:
            print(f"{contestant.name}: {result.stdout.strip()} {result.stderr.strip()}")
            return None
        return (after - before) / numbers[0], numbers[3], numbers[4]

    def ready(self, contestant):
        """Milliseconds from the start of the program to its first answer."""
        self.port += 1
        makers = {"nginx": self.make_nginx, "haproxy": self.make_haproxy, "gateway": self.make_gateway}
        if contestant.name not in makers:
            return None
        begin = time.monotonic()
        process = makers[contestant.name](UPSTREAM, self.port)
        while True:
            try:
                path = f"http://127.0.0.1:{self.port}/health/readiness"
                urllib.request.urlopen(path, timeout=5).read()
                break
            except OSError:
                time.sleep(0.0005)
        elapsed = (time.monotonic() - begin) * 1000
        process.terminate()
        process.wait()
        return (elapsed,)

    def table(self, title, heads, measure):
        samples = {contestant.name: [] for contestant in self.contestants}
        for _ in range(self.options.rounds):
            for contestant in self.contestants:
                sample = measure(contestant)
                if sample is not None:
                    samples[contestant.name].append(sample)
        print(f"\n{title}\n| | " + " | ".join(heads) + " |\n|---|" + "---|" * len(heads))
        base = None
        for name, rows in samples.items():
            if not rows:
                print(f"| {name} |" + " failed |" * len(heads))
                continue
            medians = [statistics.median(row[place] for row in rows) for place in range(len(heads))]
            base = base or medians
            cells = [f"{value:.1f} ({value / first:.2f}×)" if first else f"{value:.1f}" for value, first in zip(medians, base)]
            print(f"| {name} | " + " | ".join(cells) + " |")
        sys.stdout.flush()

    def memory(self, upstream, title):
        print(f"\n{title}: " + ", ".join(f"{c.name} {c.memory(upstream) / 1024:.0f} MB" for c in self.contestants))
        sys.stdout.flush()

    def many(self):
        print(f"\n{MANY} streams, an event a second each")
        for contestant in self.contestants:
            if contestant.name not in ("nginx", "haproxy", "gateway"):
                continue
            before = contestant.memory(STREAMS)
            sample = self.streams(contestant, MANY, 12, 1_000_000, 2)
            each = (contestant.peak(STREAMS) - before) / MANY
            print(f"{contestant.name}: " + (
                "failed" if sample is None else
                f"CPU {sample[0]:.1f} us an event, delay p50 {sample[1] / 1000:.1f} ms p99 {sample[2] / 1000:.1f} ms, {each:.1f} KB a stream"))
            sys.stdout.flush()

    def run(self):
        modes = self.options.modes.split(",")
        print("load average before: " + " ".join(f"{value:.1f}" for value in os.getloadavg()))
        heads = ["CPU µs a request", "p50 µs"]
        for mode, title, connections, prompt in [
            ("1", "1 connection", 1, 150), ("64", "64 connections", 64, 150), ("107k", "64 connections, 107 KB prompts", 64, 107_000),
        ]:
            if mode in modes:
                self.table(title, heads, lambda c: self.whole(c, connections, prompt))
        if "64" in modes:
            self.memory(UPSTREAM, "resident after that")
        heads = ["CPU µs an event", "delay p50 µs", "delay p99 µs"]
        if "paced" in modes:
            self.table("256 streams, an event every 20 ms each", heads, lambda c: self.streams(c, 256, 50, 20_000, self.options.seconds))
        if "burst" in modes:
            self.table("64 streams of 200 events at once", heads, lambda c: self.streams(c, 64, 200, 0, self.options.seconds))
        if "many" in modes:
            self.many()
        if "ready" in modes:
            self.table("start to first answer", ["ms"], self.ready)
        print("load average after: " + " ".join(f"{value:.1f}" for value in os.getloadavg()))

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", default=os.path.join(HERE, "../../.build/release/llm-router-gateway"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--modes", default="1,64,107k,paced,burst,many,ready")
    parser.add_argument("--only")
    parser.add_argument("--litellm")
    parser.add_argument("--vllm-router")
    parser.add_argument("--tensorzero")
    bench = Bench(parser.parse_args())
    bench.options.gateway = os.path.abspath(bench.options.gateway)
    try:
        bench.begin()
        bench.run()
    finally:
        bench.end()


main()
