"""POST /images/…, as endpoints."""

import json

import pytest
from tests.gates.built import always, answer, built
from tests.gates.llm.calls import configuration
from tests.hostile.scripted import Upstream

from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.paths.images import EDITS, GENERATIONS, VARIATIONS


def test_generations_are_json_edits_are_forms():
    assert (GENERATIONS.path, GENERATIONS.form) == (b"/images/generations", False)
    assert GENERATIONS.look(b'{"prompt":"x"}').model == "dall-e-2"
    assert [(each.path, each.form) for each in (EDITS, VARIATIONS)] == [
        (b"/images/edits", True),
        (b"/images/variations", True),
    ]


def test_they_stream_where_they_are_asked_to_but_write_no_text():
    call = read_call(GENERATIONS, b'{"model":"m","prompt":"x","stream":true}')
    assert (call.streamed, GENERATIONS.generates, GENERATIONS.once) == (True, False, True)
    assert not read_call(GENERATIONS, b'{"model":"m","prompt":"x"}').streamed


async def drawn(folder, *messages, **said):
    """What became of one call where two providers would answer with `messages`."""
    async with Upstream(always(*messages)) as upstream:
        models = {"m": "{deployments: [{provider: p, model: x}], fallback: [n]}"}
        models["n"] = "{deployments: [{provider: q, model: x}]}"
        async with built(folder, configuration({"p": upstream.url, "q": upstream.url}, models)) as made:
            body = json.dumps({"model": "m", "prompt": "x", **said}).encode()
            return await made.serve("POST", "/v1/images/generations", body=body)


@pytest.mark.parametrize("kind", [b"text/html", b"application/json", b"text/event-stream"])
async def test_a_picture_is_drawn_once_whatever_becomes_of_the_answer(tmp_path, kind):
    exchange, wire = await drawn(tmp_path, answer(b'data: {"broken', kind=kind), stream=True)
    assert (wire.status, exchange.outcome, len(exchange.attempts)) == (502, "failed", 1)


async def test_a_picture_that_was_refused_is_drawn_by_another(tmp_path):
    good = answer(b'{"created":1,"data":[{"b64_json":"x"}]}')
    exchange, wire = await drawn(tmp_path, answer(b"{}", status=b"500 Oh"), good)
    assert (wire.status, exchange.outcome, len(exchange.attempts)) == (200, "ok", 2)


async def test_a_provider_that_draws_at_once_although_a_stream_was_wished_for_is_understood(tmp_path):
    exchange, wire = await drawn(tmp_path, answer(b'{"created":1,"data":[{"b64_json":"x"}]}'), stream=True)
    assert (wire.status, exchange.outcome, exchange.usage.tool_units) == (200, "ok", '{"images":1}')
