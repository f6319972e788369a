"""Messages of a prompt stand before the call's own, in each dialect as it says them; every other byte stays."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import read_members
from triplegate.wire.prompt_placing import Turn, placed

TURNS = [Turn("system", "Be kind."), Turn("user", "Hi"), Turn("assistant", "Yes?")]
SAID = [{"role": turn.role, "content": turn.content} for turn in TURNS]
OWN = {"role": "user", "content": "Well"}


def put(family, **members):
    text = json.dumps({"model": "m", "prompt": {"id": "x"}, "n": 1} | members).encode()
    return json.loads(placed(family, text, read_members(text), TURNS))


@pytest.mark.parametrize("own", [{}, {"messages": None}, {"messages": []}])
def test_a_call_may_say_nothing_itself(own):
    assert put("openai", **own) == {"model": "m", "n": 1, "messages": SAID}
    told = put("anthropic", **own)
    assert told == {"model": "m", "n": 1, "messages": SAID[1:], "system": [{"type": "text", "text": "Be kind."}]}
    assert put("openai_responses") == {"model": "m", "n": 1, "input": SAID}


def test_what_a_call_says_itself_comes_behind_it():
    assert put("openai", messages=[OWN])["messages"] == [*SAID, OWN]
    assert put("anthropic", messages=[OWN])["messages"] == [*SAID[1:], OWN]
    assert put("openai_responses", input=[OWN])["input"] == [*SAID, OWN]
    assert put("openai_responses", input="Well")["input"] == [*SAID, OWN]
    mine = [{"type": "text", "text": "Of mine.", "cache_control": {"type": "ephemeral"}}]
    assert put("anthropic", system=mine)["system"] == [{"type": "text", "text": "Be kind."}, *mine]
    assert [one["text"] for one in put("anthropic", system="Of mine.")["system"]] == ["Be kind.", "Of mine."]


def test_a_prompt_without_a_system_prompt_adds_none():
    text = b'{"system":"Of mine.","prompt":{}}'
    told = placed("anthropic", text, read_members(text), TURNS[1:])
    assert json.loads(told) == {"system": "Of mine.", "messages": SAID[1:]}


def test_every_other_byte_stays():
    text = b'{"temperature":1.50,"prompt":{"id":"x"},"messages":[ {"role":"user","content":"\\u00e9"} ]}'
    told = placed("openai", text, read_members(text), TURNS[1:2])
    assert told == (
        b'{"temperature":1.50,"messages":[{"role":"user","content":"Hi"},{"role":"user","content":"\\u00e9"}]}'
    )


@pytest.mark.parametrize(
    ("family", "own"),
    [
        ("openai", {"messages": "x"}),
        ("openai_responses", {"input": {}}),
        ("anthropic", {"messages": 7}),
        ("anthropic", {"system": {}}),
    ],
)
def test_what_is_no_list_is_refused(family, own):
    with pytest.raises(Refusal, match="invalid_body"):
        put(family, **own)
