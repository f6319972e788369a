"""Responses streams as events: splits, missing deltas, ends and errors."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.neutral import Citation, Opaque
from triplegate.wire.neutral_events import Event, Failed, Finish, Start, Unknown, UsageSeen, gather
from triplegate.wire.responses_reader import ResponsesReader, read_reply

USED = {"input_tokens": 9, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 1}}


def event(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": kind, **members}


def response(status: str = "completed", **members: Any) -> dict[str, Any]:
    return {"id": "resp_1", "model": "m", "created_at": 7, "status": status, "output": [], "usage": USED, **members}


def stream(*events: dict[str, Any], end: str = "\n") -> bytes:
    return "".join(f"event: {one['type']}{end}data: {json.dumps(one)}{end}{end}" for one in events).encode()


def read(*pieces: bytes) -> list[Event]:
    reader = ResponsesReader()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    return events + reader.finish()


CREATED = event("response.created", response=response("in_progress", usage=None))
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": "c2Vj"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'}
TEXT = event("response.output_text.delta", output_index=2, content_index=0, delta="Wörter")
WHOLE = stream(
    CREATED,
    event("response.output_item.added", output_index=0, item={"type": "reasoning", "id": "rs_1", "summary": []}),
    event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="a"),
    event("response.output_item.done", output_index=0, item=THOUGHT),
    event("response.output_item.added", output_index=1, item={**CALL, "arguments": ""}),
    event("response.function_call_arguments.delta", output_index=1, delta='{"a"'),
    event("response.function_call_arguments.done", output_index=1, arguments='{"a":1}'),
    TEXT,
    event("response.completed", response=response(output=[THOUGHT, CALL])),
)


@given(st.lists(st.integers(1, 60), max_size=60), st.sampled_from(["\r\n", "\n", "\r"]))
def test_the_split_of_the_bytes_changes_nothing(sizes: list[int], end: str):
    text = b": hello\n\n".replace(b"\n", end.encode()) + WHOLE.replace(b"\n", end.encode())
    pieces, position = [], 0
    for size in sizes:
        pieces.append(text[position : position + size])
        position += size
    assert read(*pieces, text[position:]) == read(WHOLE)


def test_a_stream_adds_up_and_missing_deltas_are_told():
    events = read(WHOLE)
    assert events[0] == Start("resp_1", "m", 7)
    assert events[-1] == Finish("tool_calls", "completed")
    answer = gather(events)
    assert [(block.kind, block.id, block.text, block.ended) for block in answer.blocks] == [
        ("summary", "rs_1", "a\n\nb", True),
        ("tool_call", "call_1", '{"a":1}', True),
        ("text", "", "Wörter", True),
    ]
    assert answer.blocks[0].opaque == [Opaque("openai_responses", "encrypted", "c2Vj")]
    assert answer.usage is not None
    assert (answer.usage.input_total, answer.usage.output_text, answer.usage.reasoning) == (9, 3, 1)


@pytest.mark.parametrize(
    ("last", "end"),
    [
        (
            event(
                "response.incomplete",
                response=response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            ),
            Finish("length", "max_output_tokens"),
        ),
        (
            event(
                "response.incomplete", response=response("incomplete", incomplete_details={"reason": "content_filter"})
            ),
            Finish("content_filter", "content_filter"),
        ),
        (
            event(
                "response.failed", response=response("failed", error={"code": "rate_limit_exceeded", "message": "x"})
            ),
            Failed("rate", "x", 0, "rate_limit_exceeded"),
        ),
        (
            event("response.cancelled", response=response("cancelled")),
            Failed("transient", "The provider's response is cancelled."),
        ),
        (
            event("response.completed", response=response("queued")),
            Failed("malformed", "The provider's response is queued: it is no answer yet."),
        ),
        (event("error", code="server_error", message="x", param=None), Failed("transient", "x", 0, "server_error")),
        (event("error", error={"type": "overloaded", "message": "x"}), Failed("overload", "x", 0, "overloaded")),
        (event("response.completed", response=response()), Finish("stop", "completed")),
    ],
)
def test_ends(last: dict[str, Any], end: Event):
    events = read(stream(CREATED, TEXT, last, TEXT))
    assert events[-1] == end
    if last["type"] in ("response.incomplete", "response.failed"):
        assert any(isinstance(one, UsageSeen) for one in events)


def test_refusals_sources_weights_and_searches():
    source = {"type": "url_citation", "url": "u", "title": "t", "start_index": 1, "end_index": 2}
    weights = [{"token": "x", "logprob": -1.0}]
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    events = read(
        stream(
            CREATED,
            event("response.output_item.done", output_index=0, item=search),
            event("response.output_text.delta", output_index=1, content_index=0, delta="x", logprobs=weights),
            event("response.output_text.annotation.added", output_index=1, content_index=0, annotation=source),
            event("response.refusal.delta", output_index=1, content_index=1, delta="N"),
            event("response.refusal.done", output_index=1, content_index=1, refusal="No."),
            event("response.completed", response=response()),
        )
    )
    answer = gather(events)
    native, text, refusal = answer.blocks
    assert (native.name, native.provider, json.loads(native.text)) == ("web_search_call", "openai_responses", search)
    assert text.citations == [Citation("u", "t", "", 1, 2, "openai_responses", json.dumps(source).encode())]
    assert json.loads(text.logprobs[0]) == weights
    assert (refusal.text, answer.finishes[0].reason) == ("No.", "refusal")
    assert answer.usage is not None
    assert answer.usage.tool_units == '{"web_searches":1}'


def test_a_cut_stream_has_no_finish_but_whole_blocks():
    events = read(stream(CREATED, TEXT))
    assert not any(isinstance(one, Finish) for one in events)
    assert gather(events).blocks[0].ended
    assert read(stream(CREATED, TEXT).rstrip()) == events


def test_strange_events_are_counted_broken_ones_end_it_and_size_is_bounded():
    events = read(stream(CREATED, event("novel"), event("response.output_text.delta", delta=3), TEXT))
    assert sum(isinstance(one, Unknown) for one in events) == 2
    assert [one.kind for one in read(b"data: {broken\n\n") if isinstance(one, Failed)] == ["malformed"]
    with pytest.raises(Refusal, match="too large"):
        ResponsesReader(1000).feed(b"data: " + b"x" * 2000)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"object":"list"}', b'{"output":[3]}'])
def test_what_is_no_response_is_refused(body: bytes):
    with pytest.raises(Refusal) as refused:
        read_reply(body)
    assert refused.value.code == "upstream_malformed"


def test_a_whole_response_and_a_failed_one():
    answer = gather(read_reply(json.dumps(response(output=[THOUGHT, CALL])).encode()))
    assert [block.text for block in answer.blocks] == ["a\n\nb", '{"a":1}']
    failed = read_reply(json.dumps(response("failed", error={"code": "server_error", "message": "x"})).encode())
    assert failed[-1] == Failed("transient", "x", 0, "server_error")
