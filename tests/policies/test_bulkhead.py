"""Only so many calls are under way: together, or for each route, team or consumer."""

import asyncio

import pytest
from pydantic import ValidationError
from tests.builders import ALICE, make_exchange, make_house, make_kit
from tests.gates.built import built
from tests.hostile.scripted import Upstream

from triplegate.core.catalog import Route
from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.policies.bulkhead import Bulkhead

HOUSE = make_house(SystemClock())
BOB = Principal("acme", "web", "bob", team_ref="acme/web")
EVE = Principal("acme", "apps", "eve", team_ref="acme/apps")


async def forward(exchange):
    return Reply(200, [], OneFrame(b"ok"))


async def let_in(step, principal=ALICE, route="orders"):
    """The exchange that is inside, or the refusal."""
    exchange = make_exchange(house=HOUSE, principal=principal, route=Route(route, "api", "acme/web"))
    try:
        await step(exchange, forward)
    except Refusal as refusal:
        return refusal
    return exchange


@pytest.mark.parametrize(
    ("by", "code", "others"),
    [
        ("all", "overloaded", [False, False, False]),
        ("route", "overloaded", [False, False, True]),
        ("team", "concurrency_exceeded", [False, True, False]),
        ("consumer", "concurrency_exceeded", [True, True, False]),
    ],
)
async def test_each_subject_has_places_of_its_own(by, code, others):
    step = Bulkhead(at_once=1, by=by).build(make_kit(clock=SystemClock()))
    first = await let_in(step)
    found = [await let_in(step, BOB), await let_in(step, EVE), await let_in(step, route="other")]
    assert [not isinstance(one, Refusal) for one in found] == others
    refused = await let_in(step)
    assert (refused.code, refused.policy, refused.retry_after) == (code, "bulkhead", 1.0)
    first.close("ok")
    assert not isinstance(await let_in(step), Refusal)


async def test_some_wait_for_a_place_for_a_while():
    step = Bulkhead(at_once=1, queue=1, queue_timeout="20ms").build(make_kit(clock=SystemClock()))
    await let_in(step)
    assert (await let_in(step)).code == "overloaded"


async def test_what_is_counted_outlives_a_reload():
    kit = make_kit(clock=SystemClock())
    await let_in(Bulkhead(at_once=1).build(kit))
    assert (await let_in(Bulkhead(at_once=1).build(kit))).code == "overloaded"
    assert not isinstance(await let_in(Bulkhead(at_once=2).build(kit)), Refusal)


async def test_observing_refuses_nobody_and_says_so():
    step = Bulkhead(at_once=1, mode="observe").build(make_kit(clock=SystemClock()))
    seen = [(await let_in(step)).decisions for _ in range(2)]
    assert seen == [[], [("bulkhead", "would refuse", "overloaded")]]


@pytest.mark.parametrize("fields", [{}, {"at_once": 0}, {"at_once": 1, "queue": -1}, {"at_once": 1, "by": "key"}])
def test_a_bound_that_bounds_nothing_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Bulkhead(**fields)


async def test_a_services_places_are_taken_by_all_its_routes_until_the_answers_end(tmp_path):
    go = asyncio.Event()

    async def streams(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok")
        await go.wait()
        await talk.say(b"ok")

    async with Upstream(streams) as upstream:
        written = f"""
services: {{s: {{endpoints: ["{upstream.url}"], policies: [{{use: bulkhead, at_once: 1}}]}}}}
routes:
  a: {{service: s, match: {{path: /a}}, policies: [{{use: key_auth}}]}}
  b: {{service: s, match: {{path: /b}}, policies: [{{use: key_auth}}]}}
"""
        async with built(tmp_path, written) as made:
            streaming = asyncio.ensure_future(made.serve("GET", "/a"))
            await upstream.until(lambda: upstream.talks and b"GET" in upstream.talks[0].received)
            exchange, wire = await made.serve("GET", "/b")
            assert (wire.status, exchange.refusal.policy) == (503, "service:s/bulkhead")
            assert wire.field(b"x-triplegate-no-retry") == b"1"
            assert wire.field(b"retry-after") == b"1"
            go.set()
            assert (await asyncio.wait_for(streaming, 5))[1].content == b"okok"
            assert (await made.serve("GET", "/b"))[1].status == 200
