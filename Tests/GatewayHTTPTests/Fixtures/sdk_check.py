# SPDX-License-Identifier: MIT
"""Uses the gateway as its users do: through the real openai and anthropic SDKs."""

import asyncio
import sys

import anthropic
import openai

BASE = sys.argv[1]
KEY = "sk-test-0123456789"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
openai_client = openai.OpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0, timeout=10)
claude = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0, timeout=10)
HELLO = [{"role": "user", "content": "hello there"}]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def models():
    names = [model.id for model in openai_client.models.list()]
    check("echo" in names, names)
    check(openai_client.models.retrieve("echo").id == "echo", "retrieve")


def chat():
    answer = openai_client.chat.completions.create(model="echo", messages=HELLO)
    check(answer.choices[0].message.content == "You said: hello there", answer)
    check(answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer.usage)


def chat_stream():
    text, usage = "", None
    options = {"include_usage": True}
    for chunk in openai_client.chat.completions.create(model="echo", messages=HELLO, stream=True, stream_options=options):
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        usage = chunk.usage or usage
    check(text == "You said: hello there", text)
    check(usage.completion_tokens > 0, usage)


async def chat_async():
    async with openai.AsyncOpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0) as client:
        answers = await asyncio.gather(
            *[client.chat.completions.create(model="echo", messages=[{"role": "user", "content": str(i)}]) for i in range(20)])
        check([a.choices[0].message.content for a in answers] == [f"You said: {i}" for i in range(20)], "order")
        stream = await client.chat.completions.create(model="echo", messages=HELLO, stream=True)
        text = "".join([c.choices[0].delta.content or "" async for c in stream])
        check(text == "You said: hello there", text)


async def other_routes_async():
    async with openai.AsyncOpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0) as client:
        # Without a format the package asks for base64 and decodes it.
        for more in [{}, {"encoding_format": "float"}]:
            answers = await asyncio.gather(*[client.embeddings.create(model="echo", input=["a", str(i)], **more) for i in range(8)])
            check(all(len(a.data) == 2 and len(a.data[0].embedding) == 8 for a in answers), answers[0])
            check(all(isinstance(number, float) for number in answers[0].data[0].embedding), answers[0])
        check((await client.responses.create(model="echo", input="hi")).output_text == "You said: hi", "response")
        stream = await client.responses.create(model="echo", input="hi", stream=True)
        events = [event async for event in stream]
        check("".join(e.delta for e in events if e.type == "response.output_text.delta") == "You said: hi", events)
        check(events[-1].type == "response.completed" and events[-1].response.usage.output_tokens > 0, events[-1])
        check([model.id async for model in client.models.list()][0] == "echo", "models")
        check((await client.completions.create(model="echo", prompt="hi")).choices[0].text == "You said: hi", "completion")
        calls = await client.chat.completions.create(model="tool", messages=HELLO, tools=[WEATHER])
        check(calls.choices[0].message.tool_calls[0].function.arguments == '{"city":"Paris"}', calls)


async def messages_async():
    async with anthropic.AsyncAnthropic(base_url=BASE, api_key=KEY, max_retries=0) as client:
        answer = await client.messages.create(model="claude", max_tokens=100, messages=HELLO)
        check(answer.content[0].text == "You said: hello there", answer)
        async with client.messages.stream(model="echo", max_tokens=100, messages=HELLO) as stream:
            check("".join([text async for text in stream.text_stream]) == "You said: hello there", "async stream")


def chat_tools():
    answer = openai_client.chat.completions.create(model="tool", messages=HELLO, tools=[WEATHER])
    check(answer.choices[0].finish_reason == "tool_calls", answer)
    check(answer.choices[0].message.tool_calls[0].function.name == "get_weather", answer)
    calls = []
    for chunk in openai_client.chat.completions.create(model="tool", messages=HELLO, tools=[WEATHER], stream=True):
        calls += chunk.choices[0].delta.tool_calls or []
    check(calls[0].function.arguments == '{"city":"Paris"}', calls)


def chat_vision():
    content = [{"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    answer = openai_client.chat.completions.create(model="echo", messages=[{"role": "user", "content": content}])
    check("what is it" in answer.choices[0].message.content, answer)


def other_routes():
    vectors = openai_client.embeddings.create(model="echo", input=["a", "b"], encoding_format="float")
    check(len(vectors.data) == 2 and len(vectors.data[0].embedding) == 8, vectors)
    check(openai_client.completions.create(model="echo", prompt="hi").choices[0].text == "You said: hi", "completion")
    check(openai_client.responses.create(model="echo", input="hi").output_text == "You said: hi", "response")
    text = "".join(
        e.delta for e in openai_client.responses.create(model="echo", input="hi", stream=True)
        if e.type == "response.output_text.delta")
    check(text == "You said: hi", text)
    check(openai_client.moderations.create(model="echo", input="hi").results[0].flagged is False, "moderation")
    upload = ("a.wav", b"RIFF0000WAVE", "audio/wav")
    check("Hello" in openai_client.audio.transcriptions.create(model="echo", file=upload).text, "transcription")


def errors():
    for error, call in [
        (openai.NotFoundError, lambda: openai_client.chat.completions.create(model="absent", messages=HELLO)),
        (openai.AuthenticationError, lambda: openai.OpenAI(base_url=BASE + "/v1", api_key="wrong").models.list()),
        (openai.RateLimitError, lambda: openai_client.chat.completions.create(model="limited", messages=HELLO)),
        (openai.InternalServerError, lambda: openai_client.chat.completions.create(model="broken", messages=HELLO)),
        (anthropic.NotFoundError, lambda: claude.messages.create(model="absent", max_tokens=9, messages=HELLO)),
    ]:
        try:
            call()
        except error:
            continue
        raise AssertionError(f"{error} was expected")
    try:
        for _ in openai_client.chat.completions.create(model="cut", messages=HELLO, stream=True):
            pass
    except openai.APIError as problem:
        check("cut off" in problem.message, problem)
    else:
        raise AssertionError("a cut stream looked complete")


def messages():
    for model in ["echo", "claude"]:
        answer = claude.messages.create(model=model, max_tokens=100, system="be brief", messages=HELLO)
        check(answer.content[0].text == "You said: hello there", answer)
        check(answer.stop_reason == "end_turn" and answer.usage.input_tokens > 0, answer)
        with claude.messages.stream(model=model, max_tokens=100, messages=HELLO) as stream:
            check("".join(stream.text_stream) == "You said: hello there", model)
            check(stream.get_final_message().stop_reason == "end_turn", model)
            check(stream.get_final_message().usage.output_tokens > 0, model)
        check(claude.messages.count_tokens(model=model, messages=HELLO).input_tokens > 0, model)


def messages_tools():
    tool = {"name": "get_weather", "description": "w", "input_schema": WEATHER["function"]["parameters"]}
    first = claude.messages.create(model="tool", max_tokens=100, messages=HELLO, tools=[tool])
    use = first.content[0]
    check(use.type == "tool_use" and use.input == {"city": "Paris"} and first.stop_reason == "tool_use", first)
    with claude.messages.stream(model="tool", max_tokens=100, messages=HELLO, tools=[tool]) as stream:
        check(stream.get_final_message().content[0].input == {"city": "Paris"}, "streamed tool")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    talk = HELLO + [{"role": "assistant", "content": [use.model_dump()]}, {"role": "user", "content": [result, {"type": "text", "text": "so?"}]}]
    check(claude.messages.create(model="echo", max_tokens=100, messages=talk).content[0].text == "You said: so?", "result")
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL.split(",")[1]}}
    seen = claude.messages.create(
        model="echo", max_tokens=9, messages=[{"role": "user", "content": [image, {"type": "text", "text": "see"}]}])
    check("see" in seen.content[0].text, seen)


def chat_on_claude():
    answer = openai_client.chat.completions.create(model="claude", messages=[{"role": "system", "content": "s"}] + HELLO)
    check(answer.choices[0].message.content == "You said: hello there", answer)
    text, usage = "", None
    for chunk in openai_client.chat.completions.create(
        model="claude", messages=HELLO, stream=True, stream_options={"include_usage": True}):
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        usage = chunk.usage or usage
    check(text == "You said: hello there" and usage.completion_tokens > 0, (text, usage))


for step in [models, chat, chat_stream, chat_tools, chat_vision, other_routes, errors, messages, messages_tools, chat_on_claude]:
    step()
    print("ok", step.__name__)
for step in [other_routes_async, messages_async, chat_async]:
    asyncio.run(step())
    print("ok", step.__name__)
