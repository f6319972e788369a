"""GET /v1/usage: a key's holder sees its own use, exact, and never anybody else's."""

import asyncio
import json
from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest
from tests.builders import ALICE, make_exchange

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.llm.paths.usage import AT_ONCE, OwnUsage

OWN = {"org": "acme", "team": "web", "consumer": "alice"}


class Shelf:
    """A ledger that notes what it was asked."""

    def __init__(self, *rows):
        self.rows, self.asked, self.gate = rows, [], None

    async def usage(self, by, since, until, where=None):
        self.asked.append((tuple(by), since, until, where))
        if self.gate is not None:
            await self.gate.wait()
        return self.rows

    async def own_budgets(self, consumer, key_id):
        return [{"budget": consumer}, {"budget": key_id}]


class Away(Exception):
    """What a store raises that is away."""

    remedy = "start it"


def row(cost, requests=1, **labels):
    return SimpleNamespace(
        labels=labels, requests=requests, refused=0, failed=0, tokens_in=3, tokens_out=4, cost=Decimal(cost)
    )


async def told(books, query="", principal=ALICE):
    exchange = make_exchange(principal=principal)
    exchange.inbound = msgspec.structs.replace(exchange.inbound, query=query.encode())
    reply = await OwnUsage(books, SetClock()).answer(exchange)
    return json.loads(b"".join([frame async for frame in reply.frames]))


async def test_this_month_is_told_by_model_with_an_exact_total():
    shelf = Shelf(row("0.1000000001", model="smart"), row("2", 5, model="small"))
    found = await told(shelf)
    assert shelf.asked == [(("model",), 1_767_225_600.0, 1_769_904_000.0, OWN)]
    assert (found["total"]["cost"], found["total"]["requests"]) == ("2.1000000001", 6)
    assert [(one["model"], one["cost"]) for one in found["rows"]] == [("smart", "0.1000000001"), ("small", "2")]
    assert found["budgets"] == [{"budget": "acme/web/alice"}, {"budget": ALICE.key_id}]
    assert (found["since"], found["until"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")


async def test_an_address_leads_to_nobody_else():
    shelf = Shelf()
    await told(shelf, "team=ops&org=umbrella&consumer=bob&key=k2")
    assert shelf.asked[0][3] == OWN
    await told(shelf, "scope=key&by=day,model&since=2026-01-05&until=2026-01-06T12:00:00%2B00:00")
    assert shelf.asked[1] == (("day", "model"), 1_767_571_200.0, 1_767_700_800.0, OWN | {"key": ALICE.key_id})


@pytest.mark.parametrize(
    "query",
    ["by=colour", "scope=team", "since=soon", "since=2026-02-01&until=2026-01-01", "since=2020-01-01&until=2026-01-01"],
)
async def test_what_cannot_be_read_is_refused_by_name(query):
    with pytest.raises(Refusal) as found:
        await told(Shelf(), query)
    assert found.value.code == "invalid_query"


async def test_the_ledger_is_asked_by_few_at_once_and_its_absence_is_told():
    shelf = Shelf()
    shelf.gate = asyncio.Event()
    own = OwnUsage(shelf, SetClock())
    asking = [asyncio.ensure_future(own.answer(make_exchange())) for _ in range(AT_ONCE)]
    while len(shelf.asked) < AT_ONCE:
        await asyncio.sleep(0)
    with pytest.raises(Refusal) as found:
        await own.answer(make_exchange())
    assert found.value.code == "overloaded"
    shelf.gate.set()
    await asyncio.gather(*asking)

    async def away(*_):
        raise Away

    shelf.usage = away
    with pytest.raises(Refusal) as found:
        await own.answer(make_exchange())
    assert (found.value.code, found.value.status) == ("ledger_unavailable", 503)
    with pytest.raises(Refusal):
        await OwnUsage(None, SetClock()).answer(make_exchange())
