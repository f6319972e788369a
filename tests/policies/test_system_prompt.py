"""The operator's words reach the model whatever dialect either side speaks, and nothing in them is the client's."""

import json

import pytest
from pydantic import ValidationError
from tests.policies.test_exact_cache import MESSAGES, Vendor, ask, caching, chat

from triplegate.policies.system_prompt import SystemPrompt

TEXT = "You serve {{team}} of {{org}} as {{ model }}."
FILLED = "You serve web of acme as m."


def told(body):
    return [(one["role"], one["content"]) for one in body["messages"]]


async def sent(folder, policy, *bodies, path="/v1/chat/completions"):
    async with caching(folder, policy, Vendor()) as (made, vendor):
        for body in bodies:
            exchange, _ = await ask(made, body, path)
    return vendor.bodies, exchange


THEIRS = json.dumps(
    {"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}
).encode()


@pytest.mark.parametrize(
    ("place", "roles"),
    [
        ("before", [("system", FILLED), ("system", "Be brief."), ("user", "Hi")]),
        ("after", [("system", "Be brief."), ("system", FILLED), ("user", "Hi")]),
        ("instead", [("system", FILLED), ("user", "Hi")]),
    ],
)
async def test_they_stand_where_it_is_said(tmp_path, place, roles):
    bodies, exchange = await sent(tmp_path, f'use: system_prompt, version: v3, place: {place}, text: "{TEXT}"', THEIRS)
    assert told(bodies[0]) == roles
    assert ("add", "v3") in [decision[1:] for decision in exchange.decisions]


async def test_a_call_without_a_system_prompt_gets_one(tmp_path):
    for place in ("before", "after", "instead"):
        (tmp_path / place).mkdir()
        bodies, _ = await sent(tmp_path / place, f"use: system_prompt, place: {place}, text: Be kind.", chat("Hi"))
        assert told(bodies[0]) == [("system", "Be kind."), ("user", "Hi")]


async def test_clients_of_other_dialects_get_them_too(tmp_path):
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    bodies, _ = await sent(tmp_path, "use: system_prompt, text: Be kind.", body, path=MESSAGES)
    assert told(bodies[0])[0] == ("system", "Be kind.")


async def test_a_client_cannot_fill_a_template(tmp_path):
    bodies, _ = await sent(tmp_path, 'use: system_prompt, text: "For {{consumer}}."', chat("{{team}}", user="{{team}}"))
    assert told(bodies[0]) == [("system", "For ci."), ("user", "{{team}}")]


async def test_observing_adds_nothing(tmp_path):
    bodies, exchange = await sent(tmp_path, "use: system_prompt, mode: observe, text: Be kind.", chat("Hi"))
    assert told(bodies[0]) == [("user", "Hi")]
    assert "would add" in [decision[1] for decision in exchange.decisions]


async def test_answers_of_another_template_are_not_told_again(tmp_path):
    async with caching(tmp_path, "use: exact_cache}, {use: system_prompt, text: One.", Vendor()) as (made, vendor):
        await ask(made)
        await ask(made)
        assert vendor.calls == 1
        text = (made.folder / "triplegate.yaml").read_text().replace("text: One.", "text: Two.")
        made.take(text)
        await ask(made)
    assert vendor.calls == 2


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("{{user}}", "is no name"), ("{{#if team}}", "no logic"), ("{{team", "no logic"), ("", "at least 1")],
)
def test_what_is_no_template_is_refused(text, wrong):
    with pytest.raises(ValidationError, match=wrong):
        SystemPrompt(text=text)
