"""The Python package openai, unchanged, against an edge.

usage: python client.py BASE_URL MODEL PICTURE      (needs openai; PICTURE is a PNG of three stars)

Writes a line {"name", "error"} for each thing that it tries, null where all is as expected, and first {"version"}.
"""

import asyncio
import base64
import json
import sys
import traceback
from enum import Enum

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, Field

BASE_URL, MODEL, PICTURE = sys.argv[1:]
KEY = {"api_key": "unused", "base_url": BASE_URL}
client = OpenAI(**KEY)
with open(PICTURE, "rb") as file:
    IMAGE = f"data:image/png;base64,{base64.b64encode(file.read()).decode()}"


class Color(str, Enum):
    blue = "blue"
    red = "red"


class Seen(BaseModel):
    color: Color
    count: int = Field(ge=0, le=9)


def asked(**more):
    content = [
        {"type": "image_url", "image_url": {"url": IMAGE}},
        {"type": "text", "text": "How many shapes are there?"},
    ]
    return {"model": MODEL, "temperature": 0, "max_tokens": 300, "messages": [{"role": "user", "content": content}], **more}


def expect(condition, found):
    if not condition:
        raise AssertionError(f"found {found!r}")


def text_of(completion):
    return completion.choices[0].message.content


def chat():
    completion = client.chat.completions.create(**asked())
    expect(text_of(completion).lower().startswith("three"), text_of(completion))
    expect(completion.usage.prompt_tokens > 256, completion.usage)
    expect(completion._request_id.startswith("req_"), completion._request_id)


def stream():
    whole = text_of(client.chat.completions.create(**asked()))
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(**asked(stream=True, stream_options=options)))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    expect(text == whole, text)
    expect(chunks[-1].usage.completion_tokens > 0, chunks[-1])
    with client.chat.completions.stream(**asked()) as events:
        expect(text_of(events.get_final_completion()) == whole, events)


async def asynchronous():
    async with AsyncOpenAI(**KEY) as other:
        text = ""
        async for chunk in await other.chat.completions.create(**asked(stream=True)):
            text += chunk.choices[0].delta.content or ""
    expect(text.lower().startswith("three"), text)


def structured():
    completion = client.chat.completions.parse(**asked(response_format=Seen))
    expect(isinstance(completion.choices[0].message.parsed, Seen), completion)
    try:
        client.chat.completions.parse(**asked(response_format=Seen, max_tokens=3))
    except openai.LengthFinishReasonError:
        return
    raise AssertionError("an answer that was cut off was parsed")


def tools():
    tool = openai.pydantic_function_tool(Seen, name="report")
    calling = asked(tools=[tool], tool_choice="required", parallel_tool_calls=False)
    message = client.chat.completions.parse(**calling).choices[0].message
    call = message.tool_calls[0]
    expect(isinstance(call.function.parsed_arguments, Seen), call)
    messages = [
        *calling["messages"],
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}})]},
        {"role": "tool", "tool_call_id": call.id, "content": "noted"},
    ]
    after = client.chat.completions.create(**{**calling, "messages": messages, "tool_choice": "none"})
    expect(after.choices[0].message.tool_calls is None, after)
    with client.chat.completions.stream(**calling) as events:
        streamed = events.get_final_completion().choices[0].message.tool_calls[0]
    expect(streamed.function.parsed_arguments == call.function.parsed_arguments, streamed)


def responses():
    content = [{"type": "input_image", "image_url": IMAGE}, {"type": "input_text", "text": "How many shapes are there?"}]
    body = {"model": MODEL, "temperature": 0, "input": [{"role": "user", "content": content}]}
    whole = client.responses.create(**body).output_text
    expect(whole.lower().startswith("three"), whole)
    with client.responses.stream(**body) as events:
        expect(events.get_final_response().output_text == whole, events)
    after = client.responses.create(model=MODEL, input="And their colour?", previous_response_id=client.responses.create(**body).id)
    expect(after.status == "completed", after)


def others():
    expect([model.id for model in client.models.list()] == [MODEL], "models")
    expect(len(client.embeddings.create(model=MODEL, input=IMAGE).data[0].embedding) > 0, "embeddings")
    expect(len(client.completions.create(model=MODEL, prompt="A red", max_tokens=4).choices) == 1, "completions")


def errors():
    for more, kind, param in [
        ({"model": "gpt-9"}, openai.NotFoundError, "model"),
        ({"temperature": 9}, openai.BadRequestError, "temperature"),
        ({"max_tokens": 1_000_000}, openai.BadRequestError, "messages"),
    ]:
        try:
            client.chat.completions.create(**asked(**more))
        except kind as error:
            expect(error.param == param and error.request_id.startswith("req_"), error)
            continue
        raise AssertionError(f"{more} was answered")


def leaving():
    with client.chat.completions.create(**asked(stream=True, max_tokens=4000, extra_body={"ignore_eos": True})) as chunks:
        next(iter(chunks))
    chat()


print(json.dumps({"version": openai.__version__}), flush=True)
for check in [chat, stream, asynchronous, structured, tools, responses, others, errors, leaving]:
    error = None
    try:
        result = check()
        if asyncio.iscoroutine(result):
            asyncio.run(result)
    except Exception:
        error = traceback.format_exc()
    print(json.dumps({"name": check.__name__, "error": error}), flush=True)
