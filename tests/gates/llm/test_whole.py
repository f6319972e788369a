"""Whole replies are gathered within bounds and looked at before anyone sees them."""

import pytest
from tests.gates.llm.test_decoding import Pieces

from triplegate.core.errors import Refusal
from triplegate.gates.llm.whole import Large, Seen, check, gathered, introduce, unfinished, usage_tail


async def test_what_fits_is_gathered_and_what_does_not_stays_open():
    assert await gathered(Pieces(b"ab", b"cd"), 4) == (b"abcd", True)
    assert await gathered(Pieces(b"ab"), 4) == (b"ab", True)
    assert await gathered(Pieces(), 4) == (b"", True)
    frames = Pieces(b"ab", b"cd", b"e")
    assert await gathered(frames, 3) == (b"abcd", False)
    seen = Seen()
    large = Large(b"abcd", frames, seen)
    assert [piece async for piece in large] == [b"abcd", b"e"]
    assert seen.size == 5
    large.close()
    assert frames.closed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"error":{"message":"no"}}', "upstream_failed"),
        (b"<html>", "upstream_malformed"),
        (b"", "upstream_malformed"),
        (b'{"choices":[', "upstream_malformed"),
    ],
)
def test_what_is_no_answer_is_refused(text, code):
    with pytest.raises(Refusal) as caught:
        check(text)
    assert caught.value.code == code


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_that_goes_on_is_not_finished(status):
    text = b'{"id":"resp_1","status":"%b","model":"m"}' % status.encode()
    introduce(seen := Seen(), text)
    assert (seen.id, seen.finish_reason, unfinished(text)) == ("resp_1", "", "resp_1")
    assert unfinished(text.replace(status.encode(), b"completed")) == ""
    assert unfinished(b"[]") == ""


def test_an_answer_without_an_error_passes():
    check(b'{"error":null,"choices":[]}')


@pytest.mark.parametrize(
    ("tail", "usage"),
    [
        (b'x"],"usage":{"a":{"b":1}},"z":2}', b'{"usage":{"a":{"b":1}}}'),
        (b'"usage":{"a":', b""),
        (b'"usage":null}', b""),
        (b"nothing", b""),
    ],
)
def test_the_tails_usage_stands_alone(tail, usage):
    assert usage_tail(tail) == usage
