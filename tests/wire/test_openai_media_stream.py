"""Pictures and speech that are streamed: every byte passes and is counted; what is broken goes no further."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.openai_media_stream import MediaStream

USED = {
    "total_tokens": 100,
    "input_tokens": 50,
    "output_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}


def event(kind, **more):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def partial(index=0):
    return event("image_generation.partial_image", b64_json="aGk=" * 99, partial_image_index=index)


FINISHED = event("image_generation.completed", b64_json="aGk=", usage=USED)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9))
def test_a_picture_passes_whatever_the_split_and_is_counted(sizes):
    text, relay, place, out = partial() + partial(1) + FINISHED, MediaStream(), 0, []
    for size in sizes:
        out.append(relay.feed(text[place : place + size]))
        place += size
    out += [relay.feed(text[place:]), relay.finish()]
    assert b"".join(out) == text
    usage = relay.usage
    assert (usage.input_uncached, usage.image_in, usage.output_text, usage.source) == (10, 40, 50, "provider")
    assert json.loads(usage.tool_units) == {"images": 1}
    assert (relay.content, relay.finish_reason, relay.error) == (True, "completed", None)


def test_a_picture_that_was_begun_is_not_free():
    relay = MediaStream()
    relay.feed(partial())
    assert (relay.content, relay.usage, relay.finish_reason, relay.pieces) == (True, None, "", 1156)


def test_pictures_of_edits_and_models_that_do_not_count_are_counted_by_the_piece():
    relay = MediaStream()
    relay.feed(event("image_edit.completed", b64_json="x") + event("image_edit.completed", usage="odd"))
    assert (json.loads(relay.usage.tool_units), relay.usage.tokens()) == ({"images": 2}, (0,) * 9)


def test_speech_that_was_heard_or_is_spoken_says_what_it_used_at_its_end():
    relay = MediaStream()
    relay.feed(event("transcript.text.delta", delta="he") + event("transcript.text.delta", delta="llo"))
    assert (relay.content, relay.pieces, relay.usage) == (True, 2, None)
    end = {"input_tokens": 14, "input_token_details": {"audio_tokens": 10}, "output_tokens": 4}
    relay.feed(event("transcript.text.done", text="hello", usage=end) + b"data: [DONE]\n\n")
    usage = relay.usage
    assert (usage.audio_in, usage.input_uncached, usage.output_text, usage.tool_units) == (10, 4, 4, "")
    assert relay.done


@pytest.mark.parametrize(
    "failure", [event("error", error={"code": "rate_limit_exceeded", "message": "no"}), b'data: {"error":"no"}\n\n']
)
def test_an_error_event_passes_and_is_known(failure):
    relay = MediaStream()
    assert relay.feed(failure) == failure
    assert (relay.error is not None, relay.broken, relay.content) == (True, False, False)


@pytest.mark.parametrize("broken", [b'data: {"type":\n\n', b"data: <html>\n\n", b"data: nothing\n\n", b"data: 7\n\n"])
def test_what_is_no_event_does_not_pass_and_what_came_before_it_does(broken):
    relay = MediaStream()
    assert relay.feed(b": hi\n\n" + partial() + broken + FINISHED) == b": hi\n\n" + partial()
    assert (relay.broken, relay.error.kind, relay.usage) == (True, "malformed", None)
    assert relay.feed(FINISHED) == b""
    assert relay.finish() == b""


def test_the_last_event_may_lack_its_blank_line_but_not_its_half():
    relay = MediaStream()
    relay.feed(FINISHED[:-2])
    assert (relay.finish(), relay.finish_reason) == (FINISHED, "completed")
    relay = MediaStream()
    relay.feed(FINISHED[:-20])
    assert (relay.finish(), relay.finish_reason, relay.error) == (b"", "", None)


def test_one_picture_is_bounded():
    relay = MediaStream(most=1_000)
    with pytest.raises(Refusal) as caught:
        relay.feed(b"data: " + b"x" * 1_001)
    assert caught.value.code == "upstream_malformed"
