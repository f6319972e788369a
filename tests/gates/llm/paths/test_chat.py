"""POST /chat/completions, as a dialect."""

import pytest
from tests.gates.llm.calls import REPLY, chat

from triplegate.gates.llm.paths.chat import CHAT


def test_only_the_model_changes_and_usage_is_asked_for_in_streams():
    call = CHAT.look(chat("m", seed=1))
    assert CHAT.edit(call, model="vendor", include_usage=True) == chat("vendor", seed=1)
    assert CHAT.edit(call, model="m", include_usage=True) is call.text
    streamed = CHAT.look(chat("m", stream=True))
    assert b'"stream_options":{"include_usage":true}' in CHAT.edit(streamed, model="vendor", include_usage=True)
    assert b"stream_options" not in CHAT.edit(streamed, model="vendor", include_usage=False)


def test_usage_is_what_the_reply_says():
    usage = CHAT.usage(REPLY)
    assert (usage.input_total, usage.output_total, usage.source) == (10, 5, "provider")


@pytest.mark.parametrize("text", [b"", b"<html>", b"{}", b'{"usage":null}', b"\xff"])
def test_a_reply_that_does_not_say_has_none(text):
    assert CHAT.usage(text) is None


def test_it_can_stream_below_its_path():
    assert (CHAT.path, CHAT.operation, CHAT.generates) == (b"/chat/completions", "chat", True)
