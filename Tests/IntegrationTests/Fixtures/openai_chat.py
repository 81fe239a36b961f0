# SPDX-License-Identifier: MIT
"""One chat through the openai package, whole and streamed; base URL and key come from the environment."""
import openai

client = openai.OpenAI(max_retries=0, timeout=60)
messages = [{"role": "user", "content": "Say hello."}]
answer = client.chat.completions.create(model="router-default", messages=messages)
assert answer.choices[0].message.content, answer
print("whole", answer.choices[0].message.content)
parts = []
for chunk in client.chat.completions.create(model="router-default", messages=messages, stream=True):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
assert parts, "an empty stream"
print("streamed", "".join(parts))
