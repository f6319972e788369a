"""A relayed stream passes whole events as they came; recordings are in tests/golden."""

import json

import pytest

from triplegate.wire.anthropic_relay import MessagesRelay


def event(kind, **members):
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **members}).encode())


START = event("message_start", message={"id": "msg_1", "model": "c", "usage": {"input_tokens": 3}})
TEXT = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
TOOL = event("content_block_start", index=0, content_block={"type": "tool_use", "id": "t"})
DELTA = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hi"})
STOP = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
END, PING = event("message_stop"), event("ping")


def test_content_begins_with_the_first_delta_or_a_tool():
    relay = MessagesRelay()
    assert relay.feed(START + PING + TEXT) == START + PING + TEXT
    assert (relay.content, relay.id, relay.model) == (False, "msg_1", "c")
    relay.feed(DELTA)
    assert (relay.content, relay.pieces) == (True, 1)
    tool = MessagesRelay()
    tool.feed(TOOL)
    assert tool.content


def test_the_end_is_the_message_stop():
    relay = MessagesRelay()
    relay.feed(START + TEXT + DELTA + STOP)
    assert (relay.done, relay.finish_reason, relay.usage.input_total, relay.usage.output_total) == (
        False,
        "end_turn",
        3,
        2,
    )
    relay.feed(END)
    assert (relay.done, relay.finish()) == (True, b"")


def test_an_error_is_known_and_passes():
    relay = MessagesRelay()
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'
    assert relay.feed(error) == error
    assert (relay.error.kind, relay.done) == ("overload", False)


@pytest.mark.parametrize(
    "broken", [b"data: {no\n\n", DELTA[:-5] + b"\n\n", DELTA.replace(b"hi", b"\xff"), b"event: error\ndata: no\n\n"]
)
def test_what_cannot_be_read_goes_no_further_and_what_came_before_it_does(broken):
    relay = MessagesRelay()
    assert relay.feed(START + DELTA + broken + DELTA) == START + DELTA
    assert (relay.broken, relay.error.kind, relay.usage is not None) == (True, "malformed", True)
    assert (relay.feed(END), relay.finish(), relay.done) == (b"", b"", False)


def test_an_event_without_its_blank_line_counts():
    relay = MessagesRelay()
    relay.feed(END[:-2])
    assert relay.finish() == END[:-2] + b"\n\n"
    assert relay.done
    relay.feed(b"data: {cut")
    assert relay.finish() == b""
