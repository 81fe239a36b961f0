# SPDX-License-Identifier: MIT
"""Uses the gateway through the clients that people have beside the two vendors' own: litellm, LangChain, instructor, llm."""

import asyncio
import os
import subprocess
import sys
import tempfile

BASE = sys.argv[1] + "/v1"
KEY = "sk-test-0123456789"
HELLO = [{"role": "user", "content": "hello there"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def with_litellm():
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # the prices it ships with; no look-up in the network
    import litellm

    litellm.telemetry = False
    settings = {"api_base": BASE, "api_key": KEY, "num_retries": 0, "timeout": 20}
    answer = litellm.completion(model="openai/echo", messages=HELLO, **settings)
    check(answer.choices[0].message.content == "You said: hello there", answer)
    chunks = litellm.completion(
        model="openai/echo", messages=HELLO, stream=True, stream_options={"include_usage": True}, **settings)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    check(text == "You said: hello there", text)
    answer = litellm.completion(model="openai/tool", messages=HELLO, tools=[TOOL], **settings)
    check(answer.choices[0].message.tool_calls[0].function.arguments == '{"city":"Paris"}', answer)
    answer = asyncio.run(litellm.acompletion(model="litellm_proxy/echo", messages=HELLO, **settings))
    check(answer.choices[0].message.content == "You said: hello there", answer)
    vectors = litellm.embedding(
        model="openai/echo", input=["a"], api_base=BASE, api_key=KEY, encoding_format="float")
    check(len(vectors.data[0]["embedding"]) == 8, vectors)
    try:
        litellm.completion(model="openai/absent", messages=HELLO, **settings)
    except litellm.NotFoundError:
        return
    raise AssertionError("an absent model was found")


def with_langchain():
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    @tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        return "sunny"

    settings = {"base_url": BASE, "api_key": KEY, "max_retries": 0}
    chat = ChatOpenAI(model="echo", stream_usage=True, **settings)
    answer = chat.invoke([HumanMessage("hello there")])
    check(answer.content == "You said: hello there" and answer.usage_metadata["total_tokens"] > 0, answer)
    check("".join(chunk.text for chunk in chat.stream("hi")) == "You said: hi", "stream")
    calls = ChatOpenAI(model="tool", **settings).bind_tools([get_weather]).invoke("weather?").tool_calls
    check(calls[0]["name"] == "get_weather" and calls[0]["args"] == {"city": "Paris"}, calls)
    check([a.content for a in chat.batch(["1", "2"])] == ["You said: 1", "You said: 2"], "batch")
    check(ChatOpenAI(model="echo", use_responses_api=True, **settings).invoke("hi").text == "You said: hi", "responses")
    vectors = OpenAIEmbeddings(model="echo", check_embedding_ctx_length=False, **settings).embed_documents(["a", "b"])
    check(len(vectors) == 2 and len(vectors[0]) == 8, vectors)


def with_instructor():
    import instructor
    import openai
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str

    client = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0)
    tools = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
    found = tools.chat.completions.create(model="tool", messages=HELLO, response_model=Weather, max_retries=0)
    check(found.city == "Paris", found)
    json = instructor.from_openai(client, mode=instructor.Mode.JSON)
    found = json.chat.completions.create(model="json", messages=HELLO, response_model=Weather, max_retries=0)
    check(found.city == "Paris", found)


def with_llm_command():
    with tempfile.TemporaryDirectory() as home:
        with open(os.path.join(home, "extra-openai-models.yaml"), "w") as models:
            models.write(f"- {{model_id: echo, model_name: echo, api_base: '{BASE}', api_key_name: gateway}}\n")
        environment = dict(os.environ, LLM_USER_PATH=home)
        command = os.path.join(os.path.dirname(sys.executable), "llm")
        subprocess.run([command, "keys", "set", "gateway", "--value", KEY], env=environment, check=True, timeout=60)
        for options in [[], ["--no-stream"]]:
            answer = subprocess.run(
                [command, "-m", "echo", *options, "hello there"], env=environment, capture_output=True, text=True,
                timeout=60)
            check(answer.stdout.strip() == "You said: hello there", answer)


for step in [with_litellm, with_langchain, with_instructor, with_llm_command]:
    step()
    print("ok", step.__name__, flush=True)
