"""Gemini's streams as events, whatever the split, the line ends and the places where errors stand."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.wellformed import check_blocks

from triplegate.core.errors import Refusal
from triplegate.wire.gemini_reader import GeminiReader, read_reply
from triplegate.wire.neutral_events import Event, Failed, Finish, Start, Unknown, UsageSeen, gather
from triplegate.wire.sse import MOST


def chunk(*parts: dict[str, Any], finish: str = "", index: int = 0, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-3", "responseId": "r1", **more}


def stream(*chunks: Any, end: str = "\r\n") -> bytes:
    return "".join(f"data: {json.dumps(one)}{end}{end}" for one in chunks).encode()


def read(*pieces: bytes) -> list[Event]:
    reader = GeminiReader()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    return events + reader.finish()


USED = {"promptTokenCount": 5, "candidatesTokenCount": 2}
FAILURE = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
WHOLE = stream(
    chunk({"text": "Hm", "thought": True}, usageMetadata={"promptTokenCount": 5, "totalTokenCount": 9}),
    chunk({"text": "Wörter "}, usageMetadata=USED),
    chunk({"functionCall": {"name": "f", "args": {"a": "ü"}}, "thoughtSignature": "c2ln"}, usageMetadata=USED),
    chunk({"text": ""}, finish="STOP", usageMetadata={**USED, "candidatesTokenCount": 7}),
)


@given(
    st.lists(st.integers(1, 40), max_size=60), st.sampled_from([b"\r\n", b"\n", b"\r"]), st.booleans(), st.booleans()
)
def test_the_split_of_the_bytes_changes_nothing(sizes: list[int], end: bytes, bare: bool, bom: bool):
    text = (b"\xef\xbb\xbf" if bom else b"") + b": hello\n\n" + WHOLE
    text = text.replace(b"\r\n", b"\n").replace(b"\n", end)
    if bare and end != b"\r":
        text += json.dumps([FAILURE], indent=1).encode()
    pieces, position = [], 0
    for size in sizes:
        pieces.append(text[position : position + size])
        position += size
    assert read(*pieces, text[position:]) == read(text)


def test_a_stream_adds_up():
    answer = gather(read(WHOLE))
    assert answer.start == Start("r1", "gemini-3")
    assert [(block.kind, block.text) for block in answer.blocks] == [
        ("reasoning", "Hm"),
        ("text", "Wörter "),
        ("tool_call", '{"a": "\\u00fc"}'),
    ]
    assert answer.finishes == {0: Finish("tool_calls", "STOP")}
    assert answer.usage is not None
    assert (answer.usage.input_total, answer.usage.output_total) == (5, 7), "the last one counts"


def test_usage_that_did_not_change_is_not_told_again():
    assert sum(isinstance(event, UsageSeen) for event in read(WHOLE)) == 3


def test_a_finish_reason_on_every_chunk_finishes_once():
    events = read(stream(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP")))
    assert [event for event in events if isinstance(event, Finish)] == [Finish("stop", "STOP")]
    assert gather(events).blocks[0].text == "ab"


def test_candidates_are_choices():
    first, second = chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, index=1, finish="MAX_TOKENS")
    answer = gather(read(stream(first, second, chunk({"text": "c"}))))
    assert [[block.text for block in answer.of(choice)] for choice in (0, 1)] == [["ac"], ["b"]]
    assert {choice: one.reason for choice, one in answer.finishes.items()} == {0: "stop", 1: "length"}


def test_a_cut_stream_has_no_finish():
    cut = stream(chunk({"text": "a"}), chunk({"text": "b"}, finish="STOP"))[:-40]
    assert gather(read(cut)).finishes == {}


def test_a_last_event_without_its_blank_line_counts():
    assert gather(read(stream(chunk({"text": "a"}, finish="STOP"))[:-4])).finishes[0].reason == "stop"


@pytest.mark.parametrize(
    "text",
    [
        stream(FAILURE),
        stream([FAILURE]),
        json.dumps([FAILURE]).encode(),
        json.dumps([FAILURE], indent=2).encode() + b"\n",
        json.dumps(FAILURE).encode(),
        WHOLE + json.dumps(FAILURE, indent=2).encode(),
        WHOLE + stream(FAILURE, chunk({"text": "late"})),
    ],
)
def test_an_error_within_the_stream_ends_it_wherever_it_stands(text: bytes):
    events = read(text)
    assert isinstance(events[-1], Failed)
    assert (events[-1].kind, events[-1].status, events[-1].code) == ("overload", 503, "UNAVAILABLE")
    assert not any(isinstance(event, Finish) for event in events)


def test_an_array_of_pieces_is_an_answer_too():
    answer = gather(read(json.dumps([chunk({"text": "a"}), chunk({"text": "b"}, finish="STOP")]).encode()))
    assert (answer.blocks[0].text, answer.finishes[0].reason) == ("ab", "stop")


@pytest.mark.parametrize("text", [b"data: {no json}\n\n", b'data: {"a":\n\n', b"[1,2", b"data: \xff{}\n\n"])
def test_what_is_no_json_is_malformed(text: bytes):
    (failed,) = read(text)
    assert isinstance(failed, Failed)
    assert failed.kind == "malformed"


def test_arguments_that_cannot_be_put_together_are_malformed():
    call = {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "nowhere"}]}}
    assert any(isinstance(event, Failed) and event.kind == "malformed" for event in read(stream(chunk(call))))


def test_an_event_of_another_shape_is_unknown_and_one_with_strange_grounding_keeps_its_text():
    strange = chunk({"text": "a"}, finish="STOP")
    strange["candidates"][0]["groundingMetadata"] = {"groundingChunks": 7}
    answer = gather(events := read(stream({"candidates": 7}, strange)))
    assert answer.unknown == 2
    assert isinstance(events[0], Unknown)
    assert (answer.blocks[0].text, answer.finishes[0].reason) == ("a", "stop")


def test_searches_are_counted_beside_the_tokens():
    found = chunk({"text": "Sunny."}, finish="STOP", usageMetadata=USED)
    found["candidates"][0]["groundingMetadata"] = {
        "webSearchQueries": ["a", "b"],
        "groundingChunks": [{"web": {"uri": "https://x.example", "title": "X"}}],
    }
    answer = gather(read(stream(found)))
    assert answer.usage is not None
    assert json.loads(answer.usage.tool_units) == {"web_searches": 2}
    assert [one.url for one in answer.blocks[0].citations] == ["https://x.example"]


def test_a_blocked_prompt_is_a_filtered_answer_with_its_usage():
    text = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}
    for events in (read(stream(text)), read_reply(json.dumps(text).encode())):
        answer = gather(events)
        assert answer.finishes == {0: Finish("content_filter", "PROHIBITED_CONTENT")}
        assert answer.usage is not None
        assert answer.usage.input_total == 9


@pytest.mark.parametrize("big", [b"data: " + b"x" * (MOST + 2), b"[" + b" " * (MOST + 2)])
def test_an_event_is_bounded(big: bytes):
    with pytest.raises(Refusal) as refused:
        read(*(big[position : position + 65_536] for position in range(0, len(big), 65_536)))
    assert refused.value.code == "upstream_malformed"


def test_a_whole_answer_reads_like_its_stream():
    whole = chunk({"text": "a"}, finish="STOP", usageMetadata=USED, createTime="2026-03-21T18:11:55.919086Z")
    events = read_reply(json.dumps(whole).encode())
    assert events == read(stream(whole))
    assert events[0] == Start("r1", "gemini-3", 1774116715)
    del whole["candidates"][0]["finishReason"]
    whole["createTime"] = "yesterday"
    assert gather(read_reply(json.dumps(whole).encode())).finishes[0].reason == "stop"


@pytest.mark.parametrize("body", [b"", b"{", b"7", b"{}", b'{"candidates":[]}', b'{"candidates":7}', b"[[[]]]"])
def test_a_body_that_is_no_answer_is_malformed(body: bytes):
    with pytest.raises(Refusal) as refused:
        read_reply(body)
    assert refused.value.code == "upstream_malformed"


def test_an_error_in_a_whole_answer_is_told():
    assert read_reply(json.dumps(FAILURE).encode())[-1] == read(stream(FAILURE))[-1]


def said(**members: Any) -> st.SearchStrategy[dict[str, Any]]:
    """An object that may have each of these members."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in members.items()})


SIGNATURE = ["", "c2ln"]
PIECE = said(jsonPath=["$.a", "$.a.b", "$.l[0]", "$"], stringValue=["s"], numberValue=[1.5])
CALL = st.builds(
    lambda call, pieces: {"functionCall": call | ({"partialArgs": pieces} if pieces else {})},
    said(name=["f", "g"], id=["1"], args=[{"a": 1}], willContinue=[True, False]),
    st.lists(PIECE, max_size=2),
)
PART = st.one_of(
    said(text=["", "a", "é"], thought=[True, False], thoughtSignature=SIGNATURE),
    CALL,
    said(executableCode=[{"code": "x"}], thoughtSignature=SIGNATURE),
)
GROUNDING = {
    "groundingChunks": [{"web": {"uri": "u"}}],
    "groundingSupports": [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}],
}
CANDIDATE = st.builds(
    lambda parts, more: {"content": {"parts": parts}} | more,
    st.lists(PART, max_size=3),
    said(
        index=[0, 1],
        finishReason=["STOP", "SAFETY"],
        groundingMetadata=[{}, GROUNDING],
        logprobsResult=[{"chosenCandidates": [{"token": "a", "logProbability": -1}]}],
    ),
)


@given(st.lists(st.lists(CANDIDATE, max_size=2), max_size=5))
def test_whatever_comes_blocks_begin_and_end_in_order(candidates: list[list[Any]]):
    events = read(stream(*({"candidates": some} for some in candidates)))
    if not any(isinstance(event, Failed) for event in events):
        check_blocks(events)
