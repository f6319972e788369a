"""Equal questions have one form in every dialect; whatever may change the answer changes the form."""

import json

import pytest

from triplegate.wire.anthropic_messages import CLIENT as ANTHROPIC
from triplegate.wire.normal_form import digest, normal
from triplegate.wire.openai import CLIENT as CHAT
from triplegate.wire.openai_responses import CLIENT as RESPONSES


def form(codec, **body):
    return normal(codec.read_request(json.dumps({"model": "m", **body}).encode()))


SYSTEM, HELLO = "Be brief.", "Hello"
CALL = {"id": "a1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_three_dialects_ask_the_same():
    chat = form(
        CHAT, max_tokens=9, messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": HELLO}]
    )
    messages = form(ANTHROPIC, max_tokens=9, system=SYSTEM, messages=[{"role": "user", "content": HELLO}])
    responses = form(RESPONSES, max_output_tokens=9, instructions=SYSTEM, input=HELLO)
    assert chat == messages == responses
    assert (chat.text, chat.history) == (HELLO, 0)


def test_ids_of_tool_calls_say_nothing_but_their_order_does():
    def talk(first, second, order=(0, 1)):
        ids = (first, second)
        calls = [{**CALL, "id": one} for one in ids]
        results = [{"role": "tool", "tool_call_id": ids[which], "content": str(which)} for which in order]
        return form(
            CHAT, messages=[{"role": "user", "content": HELLO}, {"role": "assistant", "tool_calls": calls}, *results]
        )

    assert talk("a", "b") == talk("x", "y")
    assert talk("a", "b") != talk("a", "b", order=(1, 0))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"temperature": 1}, {"temperature": 1.0}),
        ({"response_format": {"type": "text"}}, {}),
        ({"stream": True, "user": "u", "metadata": {"a": "b"}}, {}),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1, "b": 2}}}]},
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"b": 2, "a": 1}}}]},
        ),
    ],
)
def test_another_way_to_say_the_same_is_the_same(one, other):
    asked = [{"role": "user", "content": HELLO}]
    assert form(CHAT, messages=asked, **one) == form(CHAT, messages=asked, **other)


def test_the_last_words_stand_apart_from_all_the_rest():
    first = form(CHAT, messages=[{"role": "user", "content": "A"}])
    second = form(CHAT, messages=[{"role": "user", "content": "B"}])
    assert first.scope == second.scope
    assert (first.text, second.text) == ("A", "B")
    assert first.key() != second.key()
    assert first.key(b"more") != first.key()


def test_words_with_a_picture_do_not_stand_apart():
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    asked = form(CHAT, messages=[{"role": "user", "content": [{"type": "text", "text": HELLO}, picture]}])
    assert asked.text == ""
    other = form(CHAT, messages=[{"role": "user", "content": [{"type": "text", "text": "Bye"}, picture]}])
    assert asked.scope != other.scope


def test_where_one_part_ends_is_part_of_a_digest():
    assert digest((b"ab", b"c")) != digest((b"a", b"bc"))
