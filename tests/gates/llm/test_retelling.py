"""Answers from events, in the caller's dialect and form; the policy of remembered answers shows them whole."""

import json

import pytest
from tests.gates.built import ListWire, answer, built
from tests.gates.llm.calls import chat, one
from tests.hostile.scripted import Upstream

from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.edge.pump import pump
from triplegate.gates.llm.retelling import Fresh
from triplegate.stores.answers.recall import Whole
from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta, Finish, Start

ME = Principal(org="acme", team="web", consumer="ci")
EVENTS = [Start("theirs", "x", 5), BlockStart(0, "text"), Delta(0, "It is far."), BlockEnd(0), Finish("stop")]


class Breaking(Whole):
    """Begins, and breaks off."""

    def __init__(self):
        self.whole, self._left = None, [EVENTS[:3]]

    async def next(self):
        if self._left:
            return self._left.pop()
        raise Refusal("upstream_reset", "It broke off.")


async def told(folder, events, **more):
    async with Upstream(lambda talk: talk.say(answer(b"{}"))) as upstream, built(folder, one(upstream.url)) as made:
        exchange = made.open("POST", "/v1/chat/completions", body=chat(**more))
        exchange.principal = ME
        await exchange.gate.read(exchange)
        reply = await exchange.gate.retell(exchange, events)
        wire = ListWire()
        await pump(exchange, reply, exchange.gate.encoder(exchange, reply), wire)
    return wire


async def test_a_whole_answer(tmp_path):
    wire = await told(tmp_path, Whole(EVENTS))
    body = json.loads(wire.content)
    assert body["choices"][0]["message"]["content"] == "It is far."
    assert (body["model"], body["id"] == "theirs") == ("m", False)


async def test_a_stream_with_its_end_marker(tmp_path):
    wire = await told(tmp_path, Whole(EVENTS), stream=True)
    assert b"It is far." in wire.content
    assert wire.content.endswith(b"data: [DONE]\n\n")
    assert wire.field(b"content-type") == b"text/event-stream; charset=utf-8"


async def test_a_stream_that_breaks_off_says_so_and_never_ends_well(tmp_path):
    wire = await told(tmp_path, Breaking(), stream=True)
    assert b"It is far." in wire.content
    assert b'"error"' in wire.content
    assert b"[DONE]" not in wire.content


async def test_a_whole_answer_that_breaks_off_is_refused(tmp_path):
    with pytest.raises(Refusal, match="upstream_reset"):
        await told(tmp_path, Breaking())


def test_an_answer_told_again_has_no_id_of_its_own():
    assert Fresh(Whole(EVENTS)).whole[0] == Start("", "x", 0)
