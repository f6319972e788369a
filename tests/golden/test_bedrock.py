"""Recorded answers of Bedrock, compared with facts read straight from their frames and JSON."""

import json
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from tests.golden.recordings import Recorded, recorded
from tests.wire.wellformed import check_blocks

from triplegate.wire.bedrock_converse import PROVIDER
from triplegate.wire.codec import Losses
from triplegate.wire.neutral import Message, Opaque, Reasoning, Request, Text, ToolUse
from triplegate.wire.neutral_events import Answer, Event, Start, gather

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def read(exchange: Recorded, chunk: int = 0) -> list[Event]:
    if exchange.framing == "json":
        return PROVIDER.read_reply(exchange.body)
    reader = PROVIDER.reader()
    step = chunk or len(exchange.body)
    events = [
        event for at in range(0, len(exchange.body), step) for event in reader.feed(exchange.body[at : at + step])
    ]
    return events + reader.finish()


def frames(body: bytes) -> Iterator[Any]:
    """Payloads of a stream: what stands behind the headers, as the lengths say."""
    while body:
        whole, headers = struct.unpack(">II", body[:8])
        yield json.loads(body[12 + headers : whole - 4])
        body = body[whole:]


def content(exchange: Recorded) -> Iterator[tuple[str, Any]]:
    """Pieces of the answer: what they are, and what they say."""
    if exchange.framing == "json":
        pieces = exchange.json()["output"]["message"]["content"]
    else:
        pieces = [
            part.get("delta") or part["start"] for part in frames(exchange.body) if "delta" in part or "start" in part
        ]
    for piece in pieces:
        yield from piece.items()


def last(exchange: Recorded, name: str) -> Any:
    said = [exchange.json()] if exchange.framing == "json" else list(frames(exchange.body))
    return next(one[name] for one in said if name in one)


def thoughts(exchange: Recorded, *names: str) -> list[str]:
    said = [one.get("reasoningText", one) for kind, one in content(exchange) if kind == "reasoningContent"]
    return [one[name] for one in said for name in names if name in one]


def text(answer: Answer, kind: str) -> str:
    return "".join(block.text for block in answer.blocks if block.kind == kind)


ALL = [one for one in recorded("bedrock") if one.values[0] is None or one.values[0].status == 200]
STREAMS = [one for one in ALL if one.values[0] is None or one.values[0].framing == "aws-event-stream"]


@pytest.mark.parametrize("exchange", ALL)
def test_text_thoughts_calls_and_signatures_are_those_of_the_recording(exchange: Recorded):
    answer = gather(read(exchange))
    said = list(content(exchange))
    assert text(answer, "text") == "".join(one for kind, one in said if kind == "text")
    assert text(answer, "reasoning") == "".join(thoughts(exchange, "text"))
    states = [state.value for block in answer.blocks for state in block.opaque]
    assert states == thoughts(exchange, "signature", "redactedContent")
    uses = [one for kind, one in said if kind == "toolUse"]
    calls = [block for block in answer.blocks if block.kind == "tool_call"]
    named = [(use["toolUseId"], use["name"]) for use in uses if "name" in use]
    assert [(block.id, block.name) for block in calls] == named
    inputs = [use["input"] for use in uses if "input" in use]
    if exchange.framing == "json":
        assert [json.loads(block.text) for block in calls] == inputs
    else:
        assert "".join(block.text for block in calls) == "".join(inputs)
    assert (answer.unknown, answer.failed) == (0, None)


@pytest.mark.parametrize("exchange", ALL)
def test_start_finish_and_usage_are_those_of_the_recording(exchange: Recorded):
    events = read(exchange)
    check_blocks(events)
    assert isinstance(events[0], Start)
    answer = gather(events)
    (finish,) = answer.finishes.values()
    assert finish.raw == last(exchange, "stopReason")
    assert finish.reason == {"end_turn": "stop", "tool_use": "tool_calls"}[finish.raw]
    assert events[-1] == finish
    usage, said = answer.usage, last(exchange, "usage")
    assert usage is not None
    assert usage.total == said["totalTokens"]
    assert usage.output_total == said["outputTokens"]
    assert usage.cache_read == said.get("cacheReadInputTokens", 0)
    assert usage.cache_write_5m == said.get("cacheWriteInputTokens", 0)


@pytest.mark.parametrize("exchange", STREAMS)
def test_the_split_changes_nothing(exchange: Recorded):
    whole = read(exchange)
    for size in (1, 2, 3, 7, 64, 1000):
        assert read(exchange, size) == whole
    draw = random.Random(7)
    reader, events, at = PROVIDER.reader(), [], 0
    while at < len(exchange.body):
        size = draw.randint(1, 300)
        events += reader.feed(exchange.body[at : at + size])
        at += size
    assert events + reader.finish() == whole


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_recording_cut_anywhere_before_its_stop_has_no_finish(exchange: Recorded):
    stop = exchange.body.index(b"messageStop")
    for end in range(0, stop, max(1, stop // 50)):
        reader = PROVIDER.reader()
        events = reader.feed(exchange.body[:end]) + reader.finish()
        assert gather(events).finishes == {}
        check_blocks(events)


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_damaged_byte_anywhere_is_a_failure(exchange: Recorded):
    for place in range(0, len(exchange.body), max(1, len(exchange.body) // 50)):
        body = bytearray(exchange.body)
        body[place] ^= 1
        reader = PROVIDER.reader()
        failed = gather(reader.feed(bytes(body)) + reader.finish()).failed
        assert failed is not None
        assert failed.kind == "malformed"


@pytest.mark.parametrize("exchange", [one for one in ALL if one.values[0] is None or "thinking" in one.id])
def test_thoughts_and_calls_go_back_as_they_came(exchange: Recorded):
    parts: list[Reasoning | Text | ToolUse] = []
    for block in gather(read(exchange)).blocks:
        if block.kind == "reasoning":
            parts.append(Reasoning(block.text, tuple(block.opaque)))
        elif block.kind == "tool_call":
            parts.append(ToolUse(block.id, block.name, block.text))
        else:
            parts.append(Text(block.text))
    request = Request("anthropic", "m", (Message("user", (Text("?"),)), Message("assistant", tuple(parts))))
    written = json.loads(PROVIDER.write_request(request, CLAUDE, Losses()))["messages"][1]["content"]
    if exchange.framing == "json":
        assert written == exchange.json()["output"]["message"]["content"]
    states = [one["reasoningContent"] for one in written if "reasoningContent" in one]
    values = [one.get("redactedContent") or one["reasoningText"]["signature"] for one in states]
    assert values == thoughts(exchange, "signature", "redactedContent")


def test_thoughts_of_others_stay_behind():
    thought = Reasoning("Hm.", (Opaque("anthropic", "signature", "c2ln"),))
    request = Request("anthropic", "m", (Message("assistant", (thought, Text("Yes."))),))
    assert json.loads(PROVIDER.write_request(request, CLAUDE, Losses()))["messages"][1]["content"] == [{"text": "Yes."}]


@pytest.mark.parametrize(
    "exchange", [one for one in recorded("bedrock") if one.values[0] is None or one.values[0].status == 400]
)
def test_an_unknown_model_is_missing(exchange: Recorded):
    failed = PROVIDER.read_error(exchange.status, [], exchange.body)
    assert (failed.kind, failed.status) == ("model_missing", 400)
    assert failed.message == exchange.json()["message"]


@pytest.mark.parametrize("exchange", recorded("bedrock"))
def test_the_path_is_that_of_the_recording(exchange: Recorded):
    path = exchange.request["path"]
    model = path.split("/")[2].replace("%3A", ":")
    assert "/" + PROVIDER.path(model, path.endswith("stream")) == path
