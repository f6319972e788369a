"""Responses made of neutral events, as the official client's helpers understand them."""

import json
from typing import Any

import pytest
from openai import APIError
from pydantic import BaseModel
from tests.golden.sdk import client

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation, Opaque, Raw, Reasoning, ToolUse
from triplegate.wire.neutral_events import (
    BlockEnd,
    BlockStart,
    Cited,
    Delta,
    Event,
    Failed,
    Finish,
    Logprobs,
    OpaqueSeen,
    Start,
    UsageSeen,
)
from triplegate.wire.responses_items import read_items
from triplegate.wire.responses_writer import ResponsesWriter, write_reply

SHAPE = Shape("our-model", "ours", 17)
STATE = Opaque("anthropic", "signature", "c2ln")
EVENTS: list[Event] = [
    Start("msg_1", "claude", 0),
    BlockStart(0, "reasoning"),
    Delta(0, "hm, "),
    Delta(0, "well"),
    OpaqueSeen(0, STATE),
    BlockEnd(0),
    BlockStart(1, "text"),
    Delta(1, "Hé"),
    Logprobs(1, b'[{"token":"He","logprob":-0.5,"bytes":[72],"top_logprobs":[]}]'),
    Delta(1, "llo"),
    Cited(1, Citation("https://a.example", "A", "", 0, 2)),
    BlockEnd(1),
    BlockStart(2, "text"),
    Delta(2, " there"),
    BlockEnd(2),
    BlockStart(3, "tool_call", 0, "call_a", "f"),
    BlockStart(4, "tool_call", 0, "call_b", "g"),
    Delta(3, '{"x":'),
    Delta(4, '{"y":2}'),
    Delta(3, "1}"),
    OpaqueSeen(4, Opaque("gemini", "thought", "dGhv")),
    BlockStart(5, "native", name="web_search_call", provider="openai_responses"),
    Delta(5, '{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}'),
    BlockEnd(5),
    UsageSeen(Usage(10, 2, 3, output_text=4, reasoning=6, source="provider")),
    Finish("tool_calls", "tool_use"),
]


def stream(events: list[Event], shape: Shape = SHAPE) -> bytes:
    writer = ResponsesWriter(shape)
    return b"".join([writer.feed(event) for event in events] + [writer.finish()])


def said(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[5:]) for line in body.decode().splitlines() if line.startswith("data:")]


def accumulated(body: bytes) -> Any:
    with client(body) as openai, openai.responses.stream(model="m", input="x") as events:
        for _ in events:
            pass
        return events.get_final_response()


def test_the_official_client_accumulates_the_stream_and_parses_the_whole_alike():
    body = stream(EVENTS)
    with client(write_reply(EVENTS, SHAPE), "application/json") as openai:
        whole = openai.responses.create(model="m", input="x")
    for response in (accumulated(body), whole):
        assert (response.id, response.model, response.created_at) == ("resp_msg_1", "our-model", 17)
        assert response.output_text == "Héllo there"
        assert response.status == "completed"
        kinds = [item.type for item in response.output]
        assert kinds == ["reasoning", "message", "function_call", "function_call", "web_search_call", "reasoning"]
        assert response.output[0].summary[0].text == "hm, well"
        assert [(item.call_id, item.arguments) for item in response.output[2:4]] == [
            ("call_a", '{"x":1}'),
            ("call_b", '{"y":2}'),
        ]
        part = response.output[1].content[0]
        assert (part.annotations[0].url, part.logprobs[0].token) == ("https://a.example", "He")
        usage = response.usage
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (15, 10, 25)
        assert (usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens) == (2, 6)


def test_every_event_stands_in_its_order():
    kinds = [event["type"].removeprefix("response.") for event in said(stream(EVENTS[:12]))]
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in said(stream(EVENTS))] == list(range(len(said(stream(EVENTS)))))


def test_state_comes_back_to_us_with_the_clients_next_request():
    items = [Raw(json.dumps(item.to_dict()).encode()) for item in accumulated(stream(EVENTS)).output]
    parts = read_items(items)[0].parts
    thought = parts[0]
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.opaque) == ("hm, well", (STATE,))
    calls = [part for part in parts if isinstance(part, ToolUse)]
    assert [call.opaque for call in calls] == [None, Opaque("gemini", "thought", "dGhv")]


class City(BaseModel):
    name: str


def test_the_official_client_parses_a_structured_answer():
    text = write_reply([Start(), BlockStart(0, "text"), Delta(0, '{"name":"Rome"}'), Finish("stop")], SHAPE)
    with client(text, "application/json") as openai:
        parsed = openai.responses.parse(model="m", input="x", text_format=City)
    assert parsed.output_parsed == City(name="Rome")


@pytest.mark.parametrize(
    ("finish", "status", "why"),
    [
        ("stop", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("refusal", "completed", None),
    ],
)
def test_ends(finish: Any, status: str, why: str | None):
    events = said(stream([Start(), BlockStart(0, "refusal"), Delta(0, "No."), Finish(finish)]))
    response = events[-1]["response"]
    assert events[-1]["type"] == f"response.{status}"
    assert response["incomplete_details"] == ({"reason": why} if why else None)
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert response["id"] == "resp_ours"


def test_text_that_goes_on_beside_a_call_stays_one_part():
    events: list[Event] = [
        Start(),
        BlockStart(0, "text"),
        Delta(0, "a"),
        BlockStart(1, "custom_tool_call", 0, "call_c", "run"),
        Delta(0, "b"),
        Delta(1, "ls"),
        BlockStart(2, "native", name="server_tool_use", provider="anthropic"),
        Delta(2, "{}"),
        BlockEnd(2),
        BlockStart(3, "text", 1),
        Delta(3, "another choice"),
        BlockEnd(3),
    ]
    response = accumulated(stream(events))
    assert [item.type for item in response.output] == ["message", "custom_tool_call"]
    assert (response.output_text, response.output[1].input) == ("ab", "ls")


def test_a_failure_is_an_event_that_the_official_client_raises():
    writer = ResponsesWriter(SHAPE)
    body = b"".join(writer.feed(event) for event in EVENTS[:8])
    assert writer.feed(Failed("overload", "down")) == b""
    body += writer.fail(Refusal("upstream_overloaded", "Try later."))
    with pytest.raises(APIError, match="Try later"):
        accumulated(body)
    assert said(body)[-1]["type"] == "error"
    with pytest.raises(Refusal) as refused:
        write_reply([*EVENTS, Failed("overload", "down")], SHAPE)
    assert refused.value.code == "upstream_failed"


def test_little_was_said():
    response = accumulated(stream([Start("resp_x"), BlockStart(0, "tool_call", 0, "c", "f")]))
    assert (response.id, response.output[0].arguments) == ("resp_x", "{}")
    assert accumulated(stream([])).output == []
