"""Legacy completions for clients that still speak them."""

import json
from typing import Any

import pytest
from openai import APIError
from tests.golden.sdk import client

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import Shape
from triplegate.wire.completions import CLIENT
from triplegate.wire.neutral import Message, Text
from triplegate.wire.neutral_events import BlockStart, Delta, Event, Failed, Finish, Start, UsageSeen

SHAPE = Shape("m", "cmpl-1", 7)
EVENTS: list[Event] = [
    Start("", "vendor"),
    BlockStart(0, "reasoning"),
    Delta(0, "hm"),
    BlockStart(1, "text"),
    Delta(1, "Hé"),
    Delta(1, "llo"),
    BlockStart(2, "text", 1),
    Delta(2, "x"),
    UsageSeen(Usage(5, output_text=2, source="provider")),
    Finish("length"),
    Finish("tool_calls", choice=1),
]


def read(**members: Any) -> Any:
    return CLIENT.read_request(json.dumps({"model": "m", **members}).encode())


def test_a_prompt_is_one_message_of_the_user():
    request = read(prompt="Say", max_tokens=5, stop=["a"], echo=False, suffix="end", n=2, logprobs=3)
    assert request.messages == (Message("user", (Text("Say"),)),)
    assert (request.dialect, request.max_tokens, request.stop, request.n) == ("completions", 5, ("a",), 2)
    assert set(request.rest) == {"suffix", "logprobs"}
    assert read(prompt=["Say"]).messages == request.messages


@pytest.mark.parametrize("prompt", [None, [1, 2], [[1, 2]], ["a", "b"], [], 3])
def test_prompts_that_are_no_one_text_are_refused_by_name(prompt: Any):
    with pytest.raises(Refusal) as refused:
        read(prompt=prompt)
    assert (refused.value.code, refused.value.payload["param"]) == ("invalid_body", "prompt")


def test_the_official_client_reads_the_stream_and_the_whole_alike():
    writer = CLIENT.writer(SHAPE)
    body = b"".join([writer.feed(event) for event in EVENTS] + [writer.finish()])
    texts, ends, total = {0: "", 1: ""}, {}, 0
    with client(body) as openai:
        for chunk in openai.completions.create(model="m", prompt="x", stream=True):
            assert (chunk.id, chunk.object, chunk.model) == ("cmpl-1", "text_completion", "m")
            total = chunk.usage.total_tokens if chunk.usage else total
            for choice in chunk.choices:
                texts[choice.index] += choice.text
                ends[choice.index] = choice.finish_reason or ends.get(choice.index)
    with client(CLIENT.write_reply(EVENTS, SHAPE), "application/json") as openai:
        whole = openai.completions.create(model="m", prompt="x")
    assert whole.usage is not None
    assert (texts, ends, total) == ({0: "Héllo", 1: "x"}, {0: "length", 1: "stop"}, 7)
    assert {choice.index: choice.text for choice in whole.choices} == texts
    assert ({choice.index: choice.finish_reason for choice in whole.choices}, whole.usage.total_tokens) == (ends, total)


def test_a_stream_that_says_little_ends_well_and_a_failed_one_does_not():
    writer = CLIENT.writer(Shape("m", "c", 1, include_usage=False))
    assert writer.feed(Start()) + writer.finish() == (
        b'data: {"id":"c","object":"text_completion","created":1,"model":"m","choices":'
        b'[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    body = writer.fail(Refusal("upstream_failed", "Down."))
    with client(body) as openai, pytest.raises(APIError, match="Down"):
        list(openai.completions.create(model="m", prompt="x", stream=True))
    with pytest.raises(Refusal):
        CLIENT.write_reply([Failed("transient", "x")], SHAPE)
