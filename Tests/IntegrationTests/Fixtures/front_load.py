# SPDX-License-Identifier: MIT
"""usage: API_KEY=… front_load.py PORT MODEL STREAMS CALLERS STOP_FILE

Clients of one address until STOP_FILE exists: STREAMS read one stream after the other, CALLERS ask whole answers on
connections they keep. Prints every failure and, at the end, `streams=N answers=N failures=N`.
"""
import http.client
import json
import os
import sys
import threading
import time

port, model, streams, callers = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["API_KEY"]}
stop = threading.Event()
lock = threading.Lock()
counts = {"streams": 0, "answers": 0, "failures": 0}


def count(name, words=None):
    with lock:
        counts[name] += 1
        if words:
            print(words, flush=True)


def ask(connection, stream):
    body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": "one two three"}]})
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise RuntimeError(f"status {answer.status}: {text[:200]}")
    if stream and not text.rstrip().endswith("data: [DONE]"):
        raise RuntimeError(f"a cut stream: {text[-200:]}")
    if not stream and not json.loads(text)["choices"]:
        raise RuntimeError(f"no choices: {text[:200]}")


def client(stream):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while not stop.is_set():
        try:
            ask(connection, stream)
            count("streams" if stream else "answers")
        except Exception as error:
            count("failures", f"failure: {type(error).__name__}: {error}")
            connection.close()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)


threads = [threading.Thread(target=client, args=(True,)) for _ in range(streams)]
threads += [threading.Thread(target=client, args=(False,)) for _ in range(callers)]
for thread in threads:
    thread.start()
while not os.path.exists(sys.argv[5]):
    time.sleep(0.02)
stop.set()
for thread in threads:
    thread.join()
print(" ".join(f"{name}={value}" for name, value in counts.items()))
sys.exit(1 if counts["failures"] else 0)
