"""Recorded answers of AI Studio and Vertex, compared with facts read straight from their JSON."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from genai_prices.data import providers
from tests.golden.recordings import Recorded, recorded, streams

from triplegate.wire.codec import Losses
from triplegate.wire.gemini import PROVIDER
from triplegate.wire.neutral import Message, Request, Text, ToolUse
from triplegate.wire.neutral_events import Answer, Event, Start, gather

_GOOGLE = next(provider for provider in providers if provider.id == "google")


def read(exchange: Recorded, chunk: int = 0) -> list[Event]:
    if exchange.framing == "json":
        return PROVIDER.read_reply(exchange.body)
    reader = PROVIDER.reader()
    step = chunk or len(exchange.body)
    events = [
        event for at in range(0, len(exchange.body), step) for event in reader.feed(exchange.body[at : at + step])
    ]
    return events + reader.finish()


def chunks(exchange: Recorded) -> list[Any]:
    if exchange.framing == "json":
        return [exchange.json()]
    return [json.loads(line[6:]) for line in exchange.body.decode().splitlines() if line.startswith("data: ")]


def parts(exchange: Recorded) -> Iterator[Any]:
    for chunk in chunks(exchange):
        for candidate in chunk.get("candidates", []):
            yield from candidate.get("content", {}).get("parts", [])


def text(answer: Answer, kind: str) -> str:
    return "".join(block.text for block in answer.blocks if block.kind == kind)


def answers(exchange: Recorded | None) -> bool:
    return exchange is None or (
        exchange.status == 200 and "generateContent" in exchange.request["path"].replace("streamG", "g")
    )


ALL = [one for one in recorded("gemini", "vertex") if answers(one.values[0])]


@pytest.mark.parametrize("exchange", ALL)
def test_text_thoughts_calls_and_signatures_are_those_of_the_recording(exchange: Recorded):
    answer = gather(read(exchange))
    said = list(parts(exchange))
    assert text(answer, "text") == "".join(part.get("text", "") for part in said if not part.get("thought"))
    assert text(answer, "reasoning") == "".join(part.get("text", "") for part in said if part.get("thought"))
    calls = [(block.name, json.loads(block.text)) for block in answer.blocks if block.kind == "tool_call"]
    assert calls == [(call["name"], call.get("args", {})) for part in said if (call := part.get("functionCall"))]
    states = [state.value for block in answer.blocks for state in block.opaque]
    assert states == [part["thoughtSignature"] for part in said if "thoughtSignature" in part]
    assert all(block.ended for block in answer.blocks)
    assert (answer.unknown, answer.failed) == (0, None)


@pytest.mark.parametrize("exchange", ALL)
def test_start_and_finish_are_those_of_the_recording(exchange: Recorded):
    first, *_ = events = read(exchange)
    said = chunks(exchange)
    assert isinstance(first, Start)
    assert (first.id, first.model) == (said[0]["responseId"], said[0]["modelVersion"])
    reasons = [one["finishReason"] for chunk in said for one in chunk["candidates"] if "finishReason" in one]
    (finish,) = gather(events).finishes.values()
    assert finish.raw == reasons[-1]
    called = any("functionCall" in part for part in parts(exchange))
    wanted = {"STOP": "tool_calls" if called else "stop", "MAX_TOKENS": "length"}
    assert finish.reason == wanted.get(finish.raw, "content_filter")


@pytest.mark.parametrize("exchange", ALL)
def test_usage_is_that_of_the_last_piece_and_what_genai_prices_reads(exchange: Recorded):
    usage = gather(read(exchange)).usage
    said = [chunk["usageMetadata"] for chunk in chunks(exchange)][-1]
    assert usage is not None
    assert usage.total == said["totalTokenCount"]
    assert usage.cache_read == said.get("cachedContentTokenCount", 0)
    _, theirs = _GOOGLE.extract_usage({"usageMetadata": said, "modelVersion": "gemini-2.5-pro"}, api_flavor="default")
    assert usage.input_total == (theirs.input_tokens or 0)
    assert usage.output_total == (theirs.output_tokens or 0)


@pytest.mark.parametrize("exchange", streams("gemini", "vertex"))
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


@pytest.mark.parametrize("exchange", streams("gemini", "vertex"))
def test_a_recording_cut_anywhere_before_its_last_piece_has_no_finish(exchange: Recorded):
    last = exchange.body.rstrip().rindex(b"data: ")
    for end in range(0, last, max(1, last // 50)):
        reader = PROVIDER.reader()
        events = reader.feed(exchange.body[:end]) + reader.finish()
        assert gather(events).finishes == {}


@pytest.mark.parametrize("exchange", [one for one in ALL if one.values[0] is None or "web-search" in one.id])
def test_grounding_is_cited_where_the_recording_says(exchange: Recorded):
    answer = gather(read(exchange))
    said = [
        one["groundingMetadata"]
        for chunk in chunks(exchange)
        for one in chunk["candidates"]
        if one.get("groundingMetadata")
    ]
    grounding = said[-1]
    (block,) = [block for block in answer.blocks if block.kind == "text"]
    cited = [(one.start, one.end, one.url) for one in block.citations if one.end]
    wanted = [
        (support["segment"], grounding["groundingChunks"][number]["web"]["uri"])
        for support in grounding["groundingSupports"]
        for number in support["groundingChunkIndices"]
    ]
    assert [url for *_, url in cited] == [url for _, url in wanted]
    for (start, end, _), (segment, _) in zip(cited, wanted, strict=True):
        assert block.text[start:end] == segment["text"]
    assert answer.usage is not None
    assert json.loads(answer.usage.tool_units) == {"web_searches": len(grounding["webSearchQueries"])}


@pytest.mark.parametrize("exchange", [one for one in ALL if one.values[0] is None or "signature/01" in one.id])
def test_a_signed_call_goes_back_as_it_came(exchange: Recorded):
    (block,) = [block for block in gather(read(exchange)).blocks if block.kind == "tool_call"]
    call = ToolUse(block.id, block.name, block.text, block.opaque[0])
    request = Request("openai", "m", (Message("user", (Text("?"),)), Message("assistant", (call,))))
    written = json.loads(PROVIDER.write_request(request, "gemini-3-pro-preview", Losses()))
    (wanted,) = [part for part in parts(exchange) if "functionCall" in part]
    wanted["functionCall"]["id"] = block.id
    assert written["contents"][1]["parts"] == [wanted]


@pytest.mark.parametrize(
    "exchange", [one for one in recorded("gemini") if one.values[0] is None or one.values[0].status == 404]
)
def test_an_unknown_model_is_missing(exchange: Recorded):
    failed = PROVIDER.read_error(exchange.status, [], exchange.body)
    assert (failed.kind, failed.status, failed.code) == ("model_missing", 404, "NOT_FOUND")
