"""Some calls go to another service, and the same caller stays on the same side."""

import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from tests.builders import ALICE, make_exchange
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.policies.canary import Canary

ANONYMOUS = replace(ALICE, method="none")


def chosen(policy, **more):
    query = more.pop("query", b"")
    exchange = make_exchange(**more)
    exchange.inbound = replace(exchange.inbound, query=query)
    assert policy.decide(exchange) is None
    return exchange.outgoing is not None and exchange.outgoing.service == "next"


def canary(**more):
    return Canary.model_validate({"service": "next", **more})


@pytest.mark.parametrize(
    ("written", "call", "fits"),
    [
        ({"headers": {"X-Side": "new"}}, {"headers": [(b"x-side", b"new")]}, True),
        ({"headers": {"X-Side": "new"}}, {"headers": [(b"x-side", b"old")]}, False),
        ({"headers": {"a": "1", "b": "2"}}, {"headers": [(b"b", b"2")]}, True),
        ({"cookies": {"side": "new"}}, {"headers": [(b"cookie", b"a=1; side=new")]}, True),
        ({"cookies": {"side": "new"}}, {"headers": [(b"cookie", b"side=old")]}, False),
        ({"query": {"side": "n w"}}, {"query": b"side=n+w"}, True),
        ({"query": {"side": "new"}}, {}, False),
        ({"consumers": ["alice"]}, {}, True),
        ({"consumers": ["web/alice"]}, {}, True),
        ({"consumers": ["acme/web/alice"]}, {}, True),
        ({"consumers": ["ops/alice", "bob"]}, {}, False),
        ({"consumers": ["alice"]}, {"principal": ANONYMOUS}, False),
        ({"percent": 100}, {}, True),
        ({"percent": 0, "headers": {"x": "1"}}, {}, False),
    ],
)
def test_any_one_condition_is_enough(written, call, fits):
    assert chosen(canary(**written), **call) is fits


@pytest.mark.parametrize("percent", [5, 25, 60])
@pytest.mark.parametrize("by", ["consumer", "address", "cookie"])
def test_rt9_each_caller_stays_on_one_side_and_the_share_is_kept(percent, by):
    policy = canary(percent=percent, by=by, **({"cookie": "sid"} if by == "cookie" else {}))

    def call(number):
        if by == "consumer":
            return {"principal": replace(ALICE, consumer=f"c{number}")}
        if by == "address":
            return {"client": f"192.0.2.{number % 250}:{number}", "principal": ANONYMOUS}
        return {"headers": [(b"cookie", b"sid=%d" % number)]}

    sides = [chosen(policy, **call(number)) for number in range(2000)]
    assert abs(sum(sides) / 2000 - percent / 100) <= 0.03
    assert sides[:200] == [chosen(policy, **call(number)) for number in range(200)]


def test_a_larger_share_keeps_those_that_were_there():
    callers = [{"principal": replace(ALICE, consumer=f"c{number}")} for number in range(300)]
    few = [chosen(canary(percent=10), **caller) for caller in callers]
    many = [chosen(canary(percent=40), **caller) for caller in callers]
    assert all(now for before, now in zip(few, many, strict=True) if before)


def test_without_a_consumer_or_the_cookie_the_address_tells():
    by_cookie = canary(percent=50, by="cookie", cookie="sid")
    by_consumer = canary(percent=50)
    for number in range(50):
        client = f"192.0.2.{number}"
        side = chosen(canary(percent=50, by="address"), client=client)
        assert chosen(by_cookie, client=client) is side
        assert chosen(by_consumer, client=client, principal=ANONYMOUS) is side


TEXT = """services:
  old: {{endpoints: ["{old}"]}}
  next: {{endpoints: ["{next}"]{more}}}
routes:
  r:
    service: old
    match: {{path: /r}}
    policies: [{{use: key_auth}}, {{use: canary, service: next, headers: {{x-side: new}}}}]
"""
NEW = [(b"x-side", b"new")]


async def test_the_chosen_service_answers_and_the_routes_own_when_it_is_down(tmp_path):
    async with Upstream(always(answer(b"old"))) as old, Upstream(always(answer(b"new"))) as new:
        async with built(tmp_path, TEXT.format(old=old.url, next=new.url, more="")) as made:
            exchange, wire = await made.serve("GET", "/r", headers=NEW)
            assert (wire.content, exchange.target) == (b"new", "next")
            assert {(await made.serve("GET", "/r"))[1].content for _ in range(5)} == {b"old"}
        async with built(tmp_path, TEXT.format(old=old.url, next="http://127.0.0.1:1", more="")) as made:
            exchange, wire = await made.serve("GET", "/r", headers=NEW)
            assert (wire.content, exchange.target) == (b"old", "old")
            assert [one.role for one in exchange.attempts] == ["first", "fallback"]


async def test_what_the_chosen_service_forbids_is_forbidden(tmp_path):
    guarded = ", policies: [{use: access, teams: [ops]}]"
    async with built(tmp_path, TEXT.format(old="http://127.0.0.1:1", next="http://127.0.0.1:1", more=guarded)) as made:
        _, wire = await made.serve("GET", "/r", headers=NEW)
        assert wire.status == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"percent": 101},
        {"percent": 1, "by": "cookie"},
        {"percent": 1, "cookie": "a"},
    ],
)
def test_a_canary_says_which_calls(wrong):
    with pytest.raises(ValidationError):
        canary(**wrong)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Canary.model_validate({"service": "s", "percent": 1, "mode": "observe"})
