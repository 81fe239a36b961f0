# SPDX-License-Identifier: MIT
"""Plays the upstream of a LiteLLM proxy, lists the proxy's models, sends requests one after the other; prints all as JSON.

usage: drive_proxy.py PORT UPSTREAM_PORT REQUESTS SECONDS   (the key is read from LITELLM_MASTER_KEY)

The upstream fails for the model `router-default` and answers for any other.
"""

import http.server
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request

port, upstream_port, requests, limit = (int(argument) for argument in sys.argv[1:])
failed_calls = 0


class Upstream(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global failed_calls
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == "router-default":
            failed_calls += 1
            status, answer = 500, {"error": {"message": "out of order"}}
        else:
            message = {"role": "assistant", "content": "hello"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            status, answer = 200, {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"],
                "choices": [choice], "usage": usage}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


upstream = http.server.ThreadingHTTPServer(("127.0.0.1", upstream_port), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(path, body=None, key=os.environ["LITELLM_MASTER_KEY"]):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers=headers)
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        return None, None


deadline = time.monotonic() + limit
status, models = send("/v1/models")
while status != 200 and time.monotonic() < deadline:
    time.sleep(0.1)
    status, models = send("/v1/models")

question = {"messages": [{"role": "user", "content": "hello"}], "num_retries": 0, "disable_fallbacks": True}
answers = [send("/v1/chat/completions", {"model": "router-default", **question})[0] for _ in range(requests)]
fallback = send("/v1/chat/completions", {"model": "router-cheap", "messages": question["messages"]})
print(
    json.dumps(
        {
            "models_status": status,
            "models": [model["id"] for model in (models or {"data": []})["data"]],
            "wrong_key_status": send("/v1/models", key="sk-wrong")[0],
            "answers": answers,
            "failed_calls": failed_calls,
            "other_model_status": fallback[0],
        }
    )
)
