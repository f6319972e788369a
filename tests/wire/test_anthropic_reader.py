"""Answers the recordings do not hold: blocks without a start or an end, whole arguments, errors and gibberish."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_reader import MessagesReader, read_reply
from triplegate.wire.neutral_events import BlockStart, Delta, Failed, Finish, Unknown, gather


def stream(*events):
    reader = MessagesReader()
    text = b"".join(b"data: %b\r\n\r\n: ping\r\n\r\n" % json.dumps(each).encode() for each in events)
    return reader.feed(text) + reader.finish(), reader


def begin(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, **said):
    return {"type": "content_block_delta", "index": index, "delta": said}


def test_a_tools_arguments_that_come_whole_are_not_lost():
    events, reader = stream(begin(0, type="tool_use", id="t", name="f", input={"a": 1}), {"type": "message_stop"})
    (block,) = gather(events).blocks
    assert (block.text, block.ended, reader.done) == ('{"a": 1}', True, True)


def test_blocks_without_a_start_or_an_end_are_blocks():
    events, reader = stream(
        delta(0, type="text_delta", text="hi"),
        delta(1, type="input_json_delta", partial_json="{}"),
        delta(2, type="thinking_delta", thinking="hm"),
    )
    answer = gather(events)
    assert [(block.kind, block.text, block.ended) for block in answer.blocks] == [
        ("text", "hi", True),
        ("tool_call", "{}", True),
        ("reasoning", "hm", True),
    ]
    assert (answer.finishes, reader.done) == ({}, False)


def test_a_servers_tool_is_one_native_block_with_its_arguments():
    events, _ = stream(
        begin(0, type="server_tool_use", id="s", name="web_search", input={}),
        delta(0, type="input_json_delta", partial_json='{"q":'),
        delta(0, type="input_json_delta", partial_json='"x"}'),
        {"type": "content_block_stop", "index": 0},
    )
    (block,) = gather(events).blocks
    assert (block.kind, block.name, json.loads(block.text)["input"]) == ("native", "server_tool_use", {"q": "x"})


@pytest.mark.parametrize("said", ["pause_turn", "compaction"])
def test_an_answer_that_goes_on_when_asked_again_is_a_pause(said):
    text = json.dumps({"content": [], "stop_reason": said}).encode()
    assert gather(read_reply(text)).finishes[0] == Finish("pause", said)


@pytest.mark.parametrize("named", [True, False])
def test_an_error_ends_it(named):
    data = b'data: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'
    reader = MessagesReader()
    (failed,) = reader.feed((b"event: error\n" if named else b"") + data + data)
    assert (failed, reader.finish()) == (Failed("overload", "busy", 529, "overloaded_error"), [])


def test_what_is_new_is_unknown():
    for new in ({"type": "brand_new"}, {"type": "content_block_delta", "index": "odd"}):
        assert stream(new)[0] == [Unknown("anthropic", json.dumps(new).encode())]


def test_what_is_broken_is_a_failure_behind_what_was_whole_before_it():
    reader = MessagesReader()
    begun = b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"hi"}}\n\n'
    *whole, failed = reader.feed(begun + b"data: {no\n\n" + begun)
    assert whole == [BlockStart(0, "text"), Delta(0, "hi")]
    assert failed.kind == "malformed"
    assert (reader.feed(begun), reader.finish()) == ([], [])


def test_a_last_event_without_its_blank_line_counts():
    reader = MessagesReader()
    assert reader.feed(b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}') == []
    assert reader.finish() == [Finish("stop", "end_turn")]


def test_an_answer_that_is_no_json_is_malformed():
    with pytest.raises(Refusal):
        read_reply(b"<html>")


def test_a_whole_reply_that_is_an_error_is_one():
    (failed,) = read_reply(b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}')
    assert (failed.kind, failed.message) == ("rate", "slow")
