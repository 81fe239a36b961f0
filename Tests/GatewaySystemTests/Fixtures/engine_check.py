# SPDX-License-Identifier: MIT
"""One config, both engines, the same requests: prints what each answers and fails where they differ without a reason.

usage: engine_check.py LITELLM GATEWAY
"""

import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

KEY = "sk-test-0123456789"

# What differs, and why. docs/gateway.md says the same.
DIFFERENT = {
    "no key": "500 makes clients try again",
    "wrong key": "401 is what OpenAI says",
    "unknown model": "404 is what OpenAI says",
    "a web page": "a fault of the deployment is 502, not one of the gateway's own",
    "no choices": "it is no answer",
    "a stream that begins with an error": "a fault of the deployment is 502, not one of the gateway's own",
}


def completion(text):
    return {
        "id": "c", "object": "chat.completion", "created": 1, "model": "served",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def problem(message, code=None, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def events(*items):
    return "".join(f"data: {item if isinstance(item, str) else json.dumps(item)}\n\n" for item in items)


def delta(text, finish=None):
    content = {"content": text} if text else {}
    return {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "served",
        "choices": [{"index": 0, "delta": content, "finish_reason": finish}]}


class Provider(http.server.BaseHTTPRequestHandler):
    """Answers by the name of the model that it is asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = body["model"]
        if self.path.endswith("/embeddings"):
            vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}
            return self.say(200, {"object": "list", "model": model, "data": [vector], "usage": {"prompt_tokens": 1, "total_tokens": 1}})
        if body.get("stream"):
            if model == "stream-error":
                return self.say(200, events(problem("it failed", kind="server_error")), "text/event-stream")
            return self.say(200, events(delta(f"from {model}"), delta("", "stop"), "[DONE]"), "text/event-stream")
        answers = {
            "error500": (500, problem("it failed", kind="server_error")),
            "error503": (503, problem("overloaded", kind="server_error")),
            "error429": (429, problem("slow down", "rate_limit_exceeded", "requests")),
            "error400": (400, problem("temperature is too high")),
            "error401": (401, problem("wrong key", "invalid_api_key")),
            "toolong": (400, problem("This model's maximum context length is 10 tokens", "context_length_exceeded")),
            "policy": (400, problem("flagged by our content policy", "content_policy_violation")),
            "empty": (200, dict(completion(""), choices=[])),
        }
        if model == "html":
            return self.say(200, "<html>sign in</html>", "text/html")
        self.say(*answers.get(model, (200, completion(f"from {model}"))))

    def say(self, status, body, kind="application/json"):
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def config(port):
    names = [
        "good", "backup", "big", "error500", "error503", "error429", "error400", "error401", "toolong", "policy", "html", "empty",
        "stream-error", "lonely500"]
    models = "".join(
        f"  - model_name: {name}\n    litellm_params: {{model: openai/{name.replace('lonely', 'error')}, "
        f"api_base: 'http://127.0.0.1:{port}/v1', api_key: sk-upstream}}\n" for name in names)
    return (
        "model_list:\n" + models + "router_settings:\n  num_retries: 1\n  model_group_alias: {nickname: good}\n"
        "  fallbacks: [{error500: [backup]}, {error503: [backup]}, {error429: [backup]}, {error401: [backup]}]\n"
        "  context_window_fallbacks: [{toolong: [big]}]\n  allowed_fails_policy: {}\n  disable_cooldowns: true\n"
        f"general_settings: {{master_key: {KEY}}}\n")


def chat(model, **more):
    return ("POST", "/v1/chat/completions", dict({"model": model, "messages": [{"role": "user", "content": "hi"}]}, **more), KEY)


REQUESTS = [
    ("models", ("GET", "/v1/models", None, KEY)),
    ("a plain answer", chat("good")),
    ("a stream", chat("good", stream=True)),
    ("an alias", chat("nickname")),
    ("embeddings", ("POST", "/v1/embeddings", {"model": "good", "input": ["a"]}, KEY)),
    ("liveliness", ("GET", "/health/liveliness", None, None)),
    ("readiness", ("GET", "/health/readiness", None, None)),
    ("no key", ("POST", "/v1/chat/completions", chat("good")[2], None)),
    ("wrong key", ("POST", "/v1/chat/completions", chat("good")[2], "sk-wrong-key-0000")),
    ("unknown model", chat("nobody")),
    ("no model", ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}, KEY)),
    ("not JSON", ("POST", "/v1/chat/completions", "{", KEY)),
    ("unknown route", ("POST", "/v1/nothing", {}, KEY)),
    ("500 and a fallback", chat("error500")),
    ("503 and a fallback", chat("error503")),
    ("429 and a fallback", chat("error429")),
    ("401 and a fallback", chat("error401")),
    ("500 and nobody else", chat("lonely500")),
    ("a bad request", chat("error400")),
    ("a prompt that is too long", chat("toolong")),
    ("a refusal by policy", chat("policy")),
    ("a web page", chat("html")),
    ("no choices", chat("empty")),
    ("a stream that begins with an error", chat("stream-error", stream=True)),
]


def ask(port, method, path, body, key):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = "Bearer " + key
    content = body if isinstance(body, (str, type(None))) else json.dumps(body)
    connection.request(method, path, content, headers)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    if path == "/v1/models":
        return answer.status, " ".join(sorted(model["id"] for model in json.loads(text)["data"]))
    served = [name for name in ["good", "backup", "big"] if f"from {name}" in text]
    return answer.status, " ".join(served)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, port, folder, name):
    environment = dict(os.environ, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR")
    log = open(os.path.join(folder, name + ".log"), "w")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    for _ in range(600):
        try:
            if ask(port, "GET", "/health/readiness", None, None)[0] == 200:
                return process
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
    process.kill()
    raise SystemExit(f"{name} does not start:\n" + open(log.name).read()[-3000:])


def main():
    provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "litellm.yaml")
        open(path, "w").write(config(provider.server_address[1]))
        ports = [free_port(), free_port()]
        processes = [
            start([sys.argv[2], "serve", "--config", path, "--port", str(ports[1])], ports[1], folder, "gateway"),
            start([sys.argv[1], "--config", path, "--port", str(ports[0])], ports[0], folder, "litellm"),
        ]
        try:
            for name, request in REQUESTS:
                theirs, ours = [ask(port, *request) for port in ports]
                is_same = theirs == ours
                reason = "" if is_same else DIFFERENT.get(name, "NO REASON")
                print(f"{name}: litellm {theirs} here {ours} {reason}")
                if is_same == (name in DIFFERENT):
                    failures.append(name)
        finally:
            for process in processes:
                process.terminate()
                process.wait(60)
    print("differs without a reason, or no longer: " + ", ".join(failures) if failures else "as documented")
    sys.exit(1 if failures else 0)


main()
