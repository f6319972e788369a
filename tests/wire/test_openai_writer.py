"""Chat answers made of neutral events, as the official client understands them."""

import json
from typing import Any

import pytest
from openai import APIError, ContentFilterFinishReasonError, LengthFinishReasonError
from tests.golden.sdk import client

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.codec import Shape
from triplegate.wire.neutral import Citation, Opaque, Raw, seal
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
    gather,
)
from triplegate.wire.openai_messages import read_messages
from triplegate.wire.openai_reader import ChatReader, read_reply
from triplegate.wire.openai_writer import ChatWriter, write_reply

SHAPE = Shape("our-model", "chatcmpl-ours", 17)
STATE = Opaque("anthropic", "signature", "c2ln")
WEIGHTS = b'[{"token":"He","logprob":-0.5,"bytes":[72,101],"top_logprobs":[]}]'
EVENTS: list[Event] = [
    Start("msg_1", "claude", 0),
    BlockStart(0, "reasoning"),
    Delta(0, "hm, "),
    Delta(0, "well"),
    OpaqueSeen(0, STATE),
    BlockEnd(0),
    BlockStart(1, "text"),
    Delta(1, "Hé"),
    Logprobs(1, WEIGHTS),
    Delta(1, "llo"),
    Cited(1, Citation("https://a.example", "A", "quote", 0, 2)),
    Cited(1, Citation("https://b.example", "B")),
    BlockEnd(1),
    BlockStart(2, "tool_call", 0, "call_a", "f"),
    BlockStart(3, "tool_call", 0, "call_b", "g"),
    Delta(2, '{"x":'),
    Delta(3, '{"y":2}'),
    Delta(2, "1}"),
    OpaqueSeen(3, Opaque("gemini", "thought", "dGhv")),
    BlockStart(4, "text", 1),
    Delta(4, "other"),
    UsageSeen(Usage(10, 2, 3, output_text=4, reasoning=6, source="provider")),
    Finish("tool_calls", "tool_use"),
    Finish("stop", "end_turn", 1),
]


def stream(events: list[Event], shape: Shape = SHAPE) -> bytes:
    writer = ChatWriter(shape)
    return b"".join([writer.feed(event) for event in events] + [writer.finish()])


def accumulated(body: bytes) -> Any:
    with client(body) as openai, openai.chat.completions.stream(model="m", messages=[]) as said:
        for _ in said:
            pass
        return said.get_final_completion()


def check(completion: Any) -> None:
    assert (completion.id, completion.model, completion.created) == ("msg_1", "our-model", 17)
    first, second = completion.choices
    assert first.message.content == "Héllo"
    assert first.message.reasoning_content == "hm, well"
    assert [(call.id, call.function.name, call.function.arguments) for call in first.message.tool_calls] == [
        ("call_a", "f", '{"x":1}'),
        ("call_b", "g", '{"y":2}'),
    ]
    assert (first.finish_reason, second.finish_reason, second.message.content) == ("tool_calls", "stop", "other")
    assert first.logprobs.content[0].token == "He"
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (15, 10, 25)
    assert (usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens) == (2, 6)


def whole(events: list[Event]) -> Any:
    with client(write_reply(events, SHAPE), "application/json") as openai:
        return openai.chat.completions.create(model="m", messages=[])


def test_the_official_client_accumulates_the_stream_and_parses_the_whole_alike():
    check(accumulated(stream(EVENTS)))
    check(whole(EVENTS))
    said = whole(EVENTS).choices[0].message
    assert [one.url_citation.url for one in said.annotations] == ["https://a.example", "https://b.example"]


def test_state_comes_back_to_us_with_the_clients_next_request():
    streamed = accumulated(stream(EVENTS)).choices[0].message.to_dict()
    for message in (streamed, whole(EVENTS).choices[0].message.to_dict()):
        parts = read_messages([Raw(json.dumps(message).encode())])[0].parts
        assert (parts[0].text, parts[0].opaque) == ("hm, well", (STATE,))  # type: ignore[union-attr]
        assert parts[-1].opaque == Opaque("gemini", "thought", "dGhv")  # type: ignore[union-attr]
        assert seal(STATE) in json.dumps(message)


def test_our_reader_reads_what_our_writer_writes():
    for events in (ChatReader().feed(stream(EVENTS)), read_reply(write_reply(EVENTS, SHAPE))):
        answer, wanted = gather(events), gather(EVENTS)
        assert [(block.kind, block.text) for block in answer.of(0) if "tool" in block.kind] == [
            (block.kind, block.text) for block in wanted.of(0) if "tool" in block.kind
        ]
        assert {key: finish.reason for key, finish in answer.finishes.items()} == {0: "tool_calls", 1: "stop"}
        assert answer.usage is not None
        assert answer.usage.tokens() == wanted.usage.tokens()  # type: ignore[union-attr]


def test_usage_is_told_only_to_those_who_asked():
    silent = stream(EVENTS, Shape("m", "i", 1, include_usage=False))
    assert b"usage" not in silent
    assert stream(EVENTS).count(b'"usage":null') == stream(EVENTS).count(b"data: {") - 1


def test_the_stream_ends_with_done_even_when_little_was_said():
    body = stream([Start("a")])
    assert body.endswith(b"data: [DONE]\n\n")
    assert accumulated(body).choices[0].finish_reason == "stop"


def test_a_failure_is_an_event_that_the_official_client_raises():
    writer = ChatWriter(SHAPE)
    body = b"".join(writer.feed(event) for event in EVENTS[:8])
    assert writer.feed(Failed("overload", "down")) == b""
    body += writer.fail(Refusal("upstream_overloaded", "Try later."))
    assert b"[DONE]" not in body
    with pytest.raises(APIError, match="Try later"):
        accumulated(body)
    with pytest.raises(Refusal) as refused:
        write_reply([*EVENTS, Failed("overload", "down")], SHAPE)
    assert refused.value.code == "upstream_failed"


@pytest.mark.parametrize(
    ("events", "finish", "refusal"),
    [
        ([BlockStart(0, "refusal"), Delta(0, "No."), Finish("refusal")], "stop", "No."),
        ([Finish("refusal")], "content_filter", None),
        ([Finish("pause")], "stop", None),
        ([Finish("length")], "length", None),
        ([Finish("content_filter")], "content_filter", None),
    ],
)
def test_refusals_and_ends(events: list[Event], finish: str, refusal: str | None):
    completion = whole([Start(), *events])
    assert (completion.choices[0].finish_reason, completion.choices[0].message.refusal) == (finish, refusal)
    assert completion.id == "chatcmpl-ours"
    text = stream([Start(), *events])
    assert b'"finish_reason":"%b"' % finish.encode() in text
    if finish != "stop":
        with pytest.raises((ContentFilterFinishReasonError, LengthFinishReasonError)):
            accumulated(text)
    else:
        assert accumulated(text).choices[0].message.refusal == refusal


def test_custom_calls_and_native_blocks():
    events: list[Event] = [
        Start("a"),
        BlockStart(0, "custom_tool_call", 0, "call_c", "run"),
        Delta(0, "ls"),
        BlockStart(1, "native", name="audio", provider="openai"),
        Delta(1, '{"id":"z","data":"AA==","expires_at":1,"transcript":"hi"}'),
        BlockStart(2, "native", name="image", provider="openai"),
        Delta(2, '{"type":"image_url"}'),
        BlockStart(3, "native", name="server_tool_use", provider="anthropic"),
        Delta(3, "{}"),
        BlockStart(4, "text"),
        Delta(4, "x"),
        OpaqueSeen(4, Opaque("gemini", "thought", "t")),
        Finish("tool_calls"),
    ]
    text = stream(events)
    assert b'"custom":{"name":"run","input":""}' in text
    assert b'"audio":{"id":"z"' in text
    assert b"server_tool_use" not in text
    message = whole(events).choices[0].message
    assert message.tool_calls[0].custom.input == "ls"
    assert message.audio.transcript == "hi"
    assert message.reasoning_details == [{"type": "reasoning.encrypted", "data": "tg1.gemini.thought.t", "index": 0}]
