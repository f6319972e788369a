"""The chat dialect as the gate uses it."""

from triplegate.wire.neutral_events import Failed, gather
from triplegate.wire.openai import CLIENT, PROVIDER

REPLY = b'{"id":"a","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}'


def test_both_sides_are_of_one_family():
    assert CLIENT.family == PROVIDER.family == "openai"
    look = CLIENT.look(b'{"model":"m","messages":[]}')
    assert CLIENT.edit(look, model="n", include_usage=True) == b'{"model":"n","messages":[]}'


def test_usage_and_answers_of_whole_replies():
    usage = CLIENT.whole_usage(REPLY)
    assert usage is not None
    assert usage.input_total == 3
    assert CLIENT.whole_usage(b"<html>") is None
    assert gather(PROVIDER.read_reply(REPLY)).blocks[0].text == "hi"


def test_a_relay_notes_who_answered():
    relay = CLIENT.relay(True)
    event = b'data: {"id":"c1","model":"m-1","choices":[{"delta":{"content":"x"}}]}\n\n'
    assert relay.feed(event) == event
    assert (relay.id, relay.model, relay.content) == ("c1", "m-1", True)
    relay.feed(b'data: {"error":{"message":"x","code":429}}\n\n')
    assert relay.error == Failed("rate", "x", 429, "429")
