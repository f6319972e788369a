"""Bedrock's answers event by event, and whole."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.aws_frames import event, exception, frame, text
from tests.wire.wellformed import check_blocks

from triplegate.core.errors import Refusal
from triplegate.wire.bedrock_reader import BedrockReader, read_reply
from triplegate.wire.neutral_events import Event, Failed, Finish, Start, Unknown, UsageSeen, gather

BEGIN = event("messageStart", role="assistant", p="abc")
STOP = event("messageStop", stopReason="end_turn")
USAGE = event("metadata", usage={"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, metrics={"latencyMs": 9})


def delta(number: int, **said: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=number, delta=said)


def call(number: int, name: str, **more: str) -> bytes:
    return event(
        "contentBlockStart", contentBlockIndex=number, start={"toolUse": {"toolUseId": "id", "name": name, **more}}
    )


ANSWER = b"".join(
    (
        BEGIN,
        delta(0, reasoningContent={"text": "Hm."}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        event("contentBlockStop", contentBlockIndex=0),
        delta(1, text="Look"),
        delta(1, text="ing äöü."),
        delta(1, citation={"title": "T"}),
        event("contentBlockStop", contentBlockIndex=1),
        call(2, "get_time"),
        delta(2, toolUse={"input": '{"city":'}),
        delta(2, toolUse={"input": '"Rome"}'}),
        event("contentBlockStop", contentBlockIndex=2),
        event("messageStop", stopReason="tool_use"),
        event("metadata", usage={"inputTokens": 3, "outputTokens": 2}, serviceTier={"type": "priority"}),
    )
)


def read(*pieces: bytes) -> list[Event]:
    reader = BedrockReader()
    return [found for piece in pieces for found in reader.feed(piece)] + reader.finish()


def test_an_answer_is_thoughts_text_a_call_usage_and_an_end():
    events = read(ANSWER)
    check_blocks(events)
    answer = gather(events)
    assert events[0] == Start()
    assert [(block.kind, block.text) for block in answer.blocks] == [
        ("reasoning", "Hm."),
        ("text", "Looking äöü."),
        ("tool_call", '{"city":"Rome"}'),
    ]
    assert [one.title for one in answer.blocks[1].citations] == ["T"]
    assert events[-1] == Finish("tool_calls", "tool_use")
    assert answer.usage is not None
    assert (answer.usage.total, answer.usage.tier) == (5, "priority")


@given(st.lists(st.integers(0, len(ANSWER)), max_size=12))
def test_the_split_changes_nothing(cuts: list[int]):
    places = [0, *sorted(cuts), len(ANSWER)]
    pieces = [ANSWER[begin:end] for begin, end in pairwise(places)]
    assert read(*pieces) == read(ANSWER)


PIECES = st.sampled_from(
    [
        {"text": "a"},
        {"text": ""},
        {"toolUse": {"input": "{"}},
        {"toolUse": {}},
        {"reasoningContent": {"text": "b"}},
        {"reasoningContent": {"signature": "c2ln"}},
        {"reasoningContent": {"redactedContent": "aGlk"}},
        {"citation": {"title": "T", "location": {"web": None}}},
        {"citation": 7},
        {"text": None},
        {},
        None,
    ]
)
NUMBERS = st.sampled_from([0, 1, 2, -1, None])
EVENTS = st.one_of(
    st.builds(lambda number, said: event("contentBlockDelta", contentBlockIndex=number, delta=said), NUMBERS, PIECES),
    st.builds(lambda number: call(number, "f"), NUMBERS),
    st.builds(lambda number: event("contentBlockStop", contentBlockIndex=number), NUMBERS),
    st.sampled_from([BEGIN, STOP, USAGE, event("metadata"), event("messageStop"), frame(b"", b"7"), frame(b"", b"{}")]),
)


@given(st.lists(EVENTS, max_size=12))
def test_whatever_comes_blocks_are_whole_and_there_is_one_finish_at_most(events: list[bytes]):
    found = read(*events)
    check_blocks(found)
    ends = [place for place, one in enumerate(found) if isinstance(one, Finish)]
    assert ends in ([], [len(found) - 1])


def test_the_finish_waits_for_usage():
    reader = BedrockReader()
    assert not any(isinstance(one, Finish) for one in reader.feed(BEGIN + delta(0, text="a") + STOP))
    events = reader.feed(USAGE)
    assert [type(one) for one in events] == [UsageSeen, Finish]
    assert reader.feed(USAGE) == reader.finish() == []


def test_without_usage_the_end_of_the_stream_tells_the_finish():
    reader = BedrockReader()
    reader.feed(BEGIN + delta(0, text="a") + STOP)
    assert reader.finish() == [Finish("stop", "end_turn")]


@pytest.mark.parametrize("pieces", [(BEGIN, delta(0, text="a")), (BEGIN, delta(0, text="a"), USAGE), ()])
def test_a_stream_without_its_stop_has_no_finish(pieces: tuple[bytes, ...]):
    events = read(*pieces)
    check_blocks(events)
    assert gather(events).finishes == {}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_tool_use", "error"),
        ("model_context_window_exceeded", "length"),
        ("something_new", "stop"),
    ],
)
def test_reasons_are_those_of_every_dialect(said: str, reason: str):
    (finish,) = gather(read(BEGIN, event("messageStop", stopReason=said), USAGE)).finishes.values()
    assert (finish.reason, finish.raw) == (reason, said)


def test_a_turn_that_ends_with_a_call_ends_for_it():
    (finish,) = gather(read(BEGIN, call(0, "f"), STOP, USAGE)).finishes.values()
    assert finish == Finish("tool_calls", "end_turn")


def test_an_exception_is_the_end():
    events = read(BEGIN, delta(0, text="a"), exception("throttlingException", message="Slow"), STOP, USAGE)
    assert events[-1] == Failed("rate", "Slow", 0, "throttlingException")
    assert gather(events).finishes == {}
    unmodelled = text(":message-type", "error") + text(":error-code", "InternalFailure") + text(":error-message", "Oh")
    assert read(frame(unmodelled, b""))[-1] == Failed("transient", "Oh", 0, "InternalFailure")


def test_damage_is_a_failure_behind_what_was_whole():
    damaged = BEGIN + delta(0, text="a") + STOP[:-1] + bytes([STOP[-1] ^ 1])
    answer = gather(read(damaged, USAGE))
    assert answer.blocks[0].text == "a"
    assert answer.failed is not None
    assert answer.failed.kind == "malformed"
    assert answer.finishes == {}


def test_an_event_that_is_no_json_is_a_failure():
    headers = text(":event-type", "messageStop") + text(":message-type", "event")
    assert [one.kind for one in read(frame(headers, b"{")) if isinstance(one, Failed)] == ["malformed"]


@pytest.mark.parametrize(
    "strange",
    [
        event("somethingNew", x=1),
        delta(0, image={"source": {"bytes": "eA=="}}),
        delta(0, toolUse={"input": "{}"}),
        delta(0, text=7),
        call(0, "web", type="server_tool_use"),
        event("contentBlockStart", contentBlockIndex=0, start={"image": {"format": "png"}}),
    ],
)
def test_what_has_no_meaning_here_is_unknown(strange: bytes):
    answer = gather(read(BEGIN, strange, delta(1, text="a"), STOP, USAGE))
    assert (answer.unknown, answer.failed, len(answer.blocks)) == (1, None, 1)


def whole(*content: Any, **more: Any) -> bytes:
    message = {"role": "assistant", "content": list(content)}
    return json.dumps({"output": {"message": message}, "stopReason": "end_turn", **more}).encode()


def test_a_whole_answer_tells_the_same():
    cited = {"citationsContent": {"content": [{"text": "c"}], "citations": [{"source": "s"}]}}
    body = whole(
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "aGlk"}},
        {"text": "a"},
        {"text": "b"},
        cited,
        {"toolUse": {"toolUseId": "id", "name": "f", "input": {"x": 1.0}}},
        {"image": {"format": "png"}},
        {"toolUse": {"toolUseId": "id", "name": "web", "input": {}, "type": "server_tool_use"}},
        {"text": 7},
        usage={"inputTokens": 1, "outputTokens": 2},
        trace={"promptRouter": {"invokedModelId": "routed"}},
    )
    events = read_reply(body)
    check_blocks(events)
    answer = gather(events)
    assert [(block.kind, block.text) for block in answer.blocks] == [
        ("reasoning", "Hm."),
        ("reasoning", ""),
        ("text", "a"),
        ("text", "b"),
        ("text", "c"),
        ("tool_call", '{"x": 1.0}'),
    ]
    assert [state.kind for block in answer.blocks for state in block.opaque] == ["signature", "redacted"]
    assert answer.start.model == "routed"
    assert answer.unknown == 3
    assert answer.finishes == {0: Finish("tool_calls", "end_turn")}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"output":{}}', b'{"output":', b"\xff"])
def test_what_is_no_answer_is_refused(body: bytes):
    with pytest.raises(Refusal) as refused:
        read_reply(body)
    assert refused.value.code == "upstream_malformed"


def test_unknown_content_keeps_its_text():
    (unknown,) = [one for one in read_reply(whole({"x": 1})) if isinstance(one, Unknown)]
    assert unknown == Unknown("bedrock", b'{"x": 1}')
