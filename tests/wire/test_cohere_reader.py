"""Cohere's streams and whole answers as events, whatever the split of the bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.recordings import GOLDEN
from tests.wire.wellformed import check_blocks

from triplegate.core.errors import Refusal
from triplegate.wire.cohere_reader import CohereReader, read_reply
from triplegate.wire.neutral_events import Answer, Event, Failed, Finish, Start, Unknown, gather
from triplegate.wire.sse import MOST

STREAMS = sorted((GOLDEN / "cohere").glob("*.sse"))


def read(*pieces: bytes) -> list[Event]:
    reader = CohereReader()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    return events + reader.finish()


def golden(name: str) -> Answer:
    return gather(read((GOLDEN / "cohere" / f"{name}.sse").read_bytes()))


def blocks(answer: Answer) -> list[tuple[str, str, str, str]]:
    assert all(block.ended for block in answer.blocks)
    return [(block.kind, block.id, block.name, block.text) for block in answer.blocks]


@given(st.sampled_from(STREAMS), st.lists(st.integers(1, 60), max_size=60), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_split_of_the_bytes_changes_nothing(path: Path, sizes: list[int], end: bytes):
    text = path.read_bytes().replace(b"\n", end)
    pieces, position = [], 0
    for size in sizes:
        pieces.append(text[position : position + size])
        position += size
    assert read(*pieces, text[position:]) == read(path.read_bytes())


def test_a_plan_is_thoughts_and_calls_follow_it():
    answer = golden("tools")
    assert answer.start == Start("29f14a5a")
    assert blocks(answer) == [
        ("reasoning", "", "", "I will look up both cities."),
        ("tool_call", "get_weather_a1", "get_weather", '{"city": "Zürich"}'),
        ("tool_call", "get_weather_b2", "get_weather", '{"city": "Oslo"}'),
    ]
    assert answer.finishes == {0: Finish("tool_calls", "TOOL_CALL")}
    assert answer.usage is not None
    assert (answer.usage.input_total, answer.usage.output_total) == (41, 25)


def test_citations_belong_to_their_text_even_behind_its_end():
    answer = golden("citations")
    (text,) = answer.blocks
    assert text.text == "It is 22C in Zürich."
    assert [(one.title, text.text[one.start : one.end]) for one in text.citations] == [
        ("Weather", "22C"),
        ("get_weather_a1:0", "22C"),
        ("get_weather_a1:0", "Zürich"),
    ]
    assert answer.finishes == {0: Finish("stop", "COMPLETE")}
    assert answer.unknown == 0


def test_thoughts_come_before_the_text():
    answer = golden("thinking")
    assert blocks(answer) == [("reasoning", "", "", "Rivers are wide."), ("text", "", "", "Take the bridge.")]
    assert answer.finishes == {0: Finish("length", "MAX_TOKENS")}


def test_an_answer_that_broke_down_failed_and_its_usage_is_known():
    answer = golden("failed")
    assert answer.failed == Failed("transient", "The model broke down.", code="ERROR")
    assert answer.finishes == {}
    assert answer.usage is not None
    assert answer.usage.input_total == 3


def event(**said: Any) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def content(text: str) -> dict[str, Any]:
    return {"message": {"content": {"text": text}}}


def test_a_cut_stream_has_no_finish():
    text = (GOLDEN / "cohere" / "thinking.sse").read_bytes()
    for end in range(0, text.rindex(b"event:"), 37):
        assert gather(read(text[:end])).finishes == {}


def test_a_last_event_without_its_blank_line_counts():
    assert gather(read(event(type="message-end", delta={"finish_reason": "COMPLETE"}).rstrip())).finishes


def test_an_error_instead_of_an_event_ends_the_stream():
    events = read(event(type="content-delta", index=0, delta=content("a")), event(message="too slow", id="1"))
    assert events[-1] == Failed("transient", "too slow")
    late = read(event(message="broken"), event(type="content-delta", index=0, delta=content("a")))
    assert late == [Failed("transient", "broken")]


@pytest.mark.parametrize("data", [b"{", b"\xff", b'{"type":'])
def test_what_is_no_json_is_malformed(data: bytes):
    (failed,) = read(b"data: " + data + b"\n\n")
    assert isinstance(failed, Failed)
    assert failed.kind == "malformed"


@pytest.mark.parametrize(
    "said",
    [
        {"type": "something-new"},
        {"type": 7},
        {"type": "content-delta", "delta": {"message": {"content": []}}},
        {"type": "citation-start", "index": 0, "delta": {}},
        {"type": "tool-call-delta", "index": 4, "delta": {"message": {"tool_calls": {"function": {"arguments": "{"}}}}},
        {},
    ],
)
def test_what_has_no_place_is_unknown(said: dict[str, Any]):
    (unknown,) = read(b"data: " + json.dumps(said).encode() + b"\n\n")
    assert isinstance(unknown, Unknown)


def test_log_probabilities_come_with_their_text():
    logprobs = {"text": "Hi", "token_ids": [5], "logprobs": [-0.5]}
    streamed = gather(read(event(type="content-delta", index=0, delta=content("Hi"), logprobs=logprobs)))
    whole = {"message": {"content": [{"type": "text", "text": "Hi"}]}, "logprobs": [logprobs]}
    for answer in (streamed, gather(read_reply(json.dumps(whole).encode()))):
        assert json.loads(answer.blocks[0].logprobs[0])[0]["logprob"] == -0.5


def test_an_event_is_bounded():
    with pytest.raises(Refusal) as refused:
        read(b"data: ", b"x" * (MOST + 1))
    assert refused.value.code == "upstream_malformed"


def test_a_whole_answer_with_several_texts_keeps_citations_with_theirs():
    text = {
        "id": "1",
        "finish_reason": "STOP_SEQUENCE",
        "message": {
            "content": [
                {"type": "thinking", "thinking": "Hm."},
                {"type": "text", "text": "ab"},
                {"type": "text", "text": "cd"},
            ],
            "citations": [{"start": 0, "end": 1, "content_index": 2}],
        },
    }
    answer = gather(read_reply(json.dumps(text).encode()))
    assert [len(block.citations) for block in answer.blocks] == [0, 0, 1]
    assert answer.finishes == {0: Finish("stop_sequence", "STOP_SEQUENCE")}


@pytest.mark.parametrize("body", [b"", b"{", b"7", b"{}", b'{"message":"no"}', b'{"message":{"content":7}}'])
def test_a_body_that_is_no_answer_is_malformed(body: bytes):
    with pytest.raises(Refusal) as refused:
        read_reply(body)
    assert refused.value.code == "upstream_malformed"


def piece(member: str, *kinds: str, says: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An event of one of these kinds, whose message holds one of these."""
    return st.builds(
        lambda kind, index, one: {"type": kind, "index": index, "delta": {"message": {member: one}}},
        st.sampled_from(kinds),
        st.integers(0, 2),
        st.sampled_from(says),
    )


PIECES = st.one_of(
    piece("content", "content-start", "content-delta", says=[{"text": "a"}, {"thinking": "b"}, {"type": "text"}, {}]),
    piece(
        "tool_calls",
        "tool-call-start",
        "tool-call-delta",
        says=[{"id": "x", "function": {"name": "f", "arguments": "{"}}, {"function": {"arguments": "}"}}, {}],
    ),
    piece("tool_plan", "tool-plan-delta", says=["p", None]),
    piece("citations", "citation-start", says=[{"start": 0, "end": 1}, {}]),
    piece("content", "content-end", "tool-call-end", "message-end", says=[[]]),
)


@given(st.lists(PIECES, max_size=10))
def test_whatever_comes_blocks_begin_and_end_in_order(pieces: list[dict[str, Any]]):
    check_blocks(read(b"".join(event(**one) for one in pieces)))
