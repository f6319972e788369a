"""A question is posted to its place, or goes through our own gate as a call of the caller's."""

import contextlib
from types import SimpleNamespace

import pytest
from tests.builders import make_exchange, make_inbound, make_kit

from triplegate.core.clock import SetClock
from triplegate.core.http import OneFrame, Reply
from triplegate.stores.verdicts.sending import Posting, Reentering, Unanswered, is_inward


class Place:
    def __init__(self, status=200):
        self.status, self.asked = status, []

    async def post(self, headers, body, seconds, most):
        self.asked.append((dict(headers), body, seconds))
        return self.status, b"yes"


async def test_a_post_shows_its_key_and_is_signed_where_it_is_to_be():
    place = Place()
    plain = Posting(place, "k", None, SetClock(wall=1.0), dated=False)
    signed = Posting(place, None, "s", SetClock(wall=1.0), dated=True)
    exchange = make_exchange()
    assert await plain(exchange, b"{}", 2.0) == await signed(exchange, b"{}", 3.0) == b"yes"
    assert place.asked[0] == ({b"authorization": b"Bearer k"}, b"{}", 2.0)
    fields, _, seconds = place.asked[1]
    assert sorted(fields) == [b"webhook-id", b"webhook-signature", b"webhook-timestamp"]
    assert seconds == 3.0


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_anything_but_success_is_no_answer(status):
    with pytest.raises(Unanswered, match=f"status {status}"):
        await Posting(Place(status), None, None, SetClock(), dated=False)(make_exchange(), b"{}", 1.0)


class Gate:
    """Answers what is asked of it within a call."""

    def __init__(self, status=200, body=b"yes"):
        self.status, self.body, self.asked = status, body, []

    @contextlib.asynccontextmanager
    async def call(self, parent, inbound):
        self.asked.append((parent, inbound))
        yield Reply(self.status, [], OneFrame(self.body))


def asking():
    exchange = make_exchange(method="POST", path="/base/v1/messages", body=b"{}")
    exchange.gate = SimpleNamespace(base="/base/v1")
    return exchange


async def test_a_question_to_a_model_of_ours_is_a_call_within_the_call():
    gate, exchange = Gate(), asking()
    send = Reentering(make_kit(reenter=gate), "/chat/completions")
    assert await send(exchange, b'{"model":"j"}', 1.0) == b"yes"
    [(parent, inbound)] = gate.asked
    assert parent is exchange
    assert (inbound.method, inbound.path, inbound.query) == ("POST", "/base/v1/chat/completions", b"")
    assert await inbound.body.whole(100) == b'{"model":"j"}'
    assert (inbound.peer, inbound.host) == (exchange.inbound.peer, exchange.inbound.host)
    assert is_inward(SimpleNamespace(inbound=inbound))
    assert not is_inward(exchange)


@pytest.mark.parametrize(("status", "body"), [(403, b"no"), (200, b"x" * (1 << 20) + b"x")])
async def test_no_model_gives_more_or_less_than_an_answer(status, body):
    with pytest.raises(Unanswered):
        await Reentering(make_kit(reenter=Gate(status, body)), "/moderations")(asking(), b"{}", 1.0)


async def test_without_a_gate_there_is_no_answer():
    with pytest.raises(Unanswered):
        await Reentering(make_kit(), "/moderations")(asking(), b"{}", 1.0)


def test_what_a_client_sends_is_never_a_guards_own():
    assert not is_inward(SimpleNamespace(inbound=make_inbound(headers=[(b"user-agent", b"triplegate")])))
