"""Responses streams looked at from the side: nothing changes, everything is noticed."""

import json
from typing import Any

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.neutral_events import Failed
from triplegate.wire.responses_relay import ResponsesStream


def event(kind: str, **members: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **members}).encode())


CREATED = event("response.created", response={"id": "resp_1", "model": "m"})
DELTA = event("response.output_text.delta", delta="x")
USED = {"input_tokens": 3, "output_tokens": 1}


def look(*events: bytes) -> ResponsesStream:
    seen = ResponsesStream()
    text = b"".join(events)
    assert b"".join(seen.feed(text[start : start + 50]) for start in range(0, len(text), 50)) == text
    return seen


def test_content_begins_with_the_first_delta_or_a_tool():
    assert not look(CREATED).content
    assert not look(CREATED, event("response.output_item.added", item={"type": "message"})).content
    assert look(CREATED, DELTA).content
    assert look(CREATED, b"data: " + DELTA.partition(b"data: ")[2]).content
    assert look(CREATED, event("response.output_item.added", item={"type": "function_call"})).content
    assert look(CREATED, DELTA, DELTA).pieces == 2


@pytest.mark.parametrize(
    ("last", "done", "finish", "error"),
    [
        (event("response.completed", response={"id": "resp_1", "usage": USED}), True, "completed", None),
        (
            event(
                "response.incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}, "usage": USED}
            ),
            True,
            "max_output_tokens",
            None,
        ),
        (
            event("response.failed", response={"error": {"code": "server_error", "message": "x"}, "usage": USED}),
            False,
            "failed",
            Failed("transient", "x", 0, "server_error"),
        ),
        (event("response.cancelled"), False, "cancelled", Failed("transient", "The provider failed.")),
        (
            event("error", code="rate_limit_exceeded", message="x"),
            False,
            "",
            Failed("rate", "x", 0, "rate_limit_exceeded"),
        ),
        (b'data: {"error":{"message":"x","code":503}}\n\n', False, "", Failed("overload", "x", 503, "503")),
    ],
)
def test_ends_and_errors(last: bytes, done: bool, finish: str, error: Failed | None):
    seen = look(CREATED, DELTA, last)
    assert (seen.done, seen.finish_reason, seen.error) == (done, finish, error)
    assert (seen.id, seen.model) == ("resp_1", "m")
    assert (seen.usage is not None) == (b"input_tokens" in last)


def test_a_last_event_without_its_blank_line_counts_a_part_of_one_does_not():
    seen = ResponsesStream()
    text = CREATED + event("response.completed", response={"usage": USED})
    assert seen.feed(text[:-2]) + seen.finish() == text
    assert seen.done
    cut = ResponsesStream()
    assert cut.feed(text[:-20]) + cut.finish() == CREATED
    assert not cut.done


@pytest.mark.parametrize("broken", [b"data: {no\n\n", DELTA[:-4] + b"\n\n", DELTA.replace(b'"x"', b'"\xff"')])
def test_what_cannot_be_read_goes_no_further_and_what_came_before_it_does(broken: bytes):
    seen = ResponsesStream()
    assert seen.feed(CREATED + DELTA + broken + DELTA) == CREATED + DELTA
    assert (seen.broken, seen.pieces, seen.done) == (True, 1, False)
    assert seen.error is not None
    assert seen.error.kind == "malformed"
    assert seen.feed(event("response.completed")) + seen.finish() == b""


def test_one_event_is_bounded():
    with pytest.raises(Refusal, match="too large"):
        ResponsesStream(most=1000).feed(b"data: " + b"x" * 2000)
