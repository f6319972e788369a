"""JSON bodies are looked through before a service gets them; others pass as they come."""

import pytest
from msgspec.structs import replace
from tests.builders import make_exchange, make_kit
from tests.edge.test_asgi import Client, piece
from tests.policies.test_body_limit import exchange_with

from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.policies.json_limits import JsonLimits

JSON = [(b"content-type", b"application/json; charset=utf-8")]


async def passes(policy, body, headers=JSON):
    """None when the service gets the call; else the refusal."""

    async def proceed(exchange):
        return Reply(200, [], OneFrame(await exchange.inbound.body.whole(1 << 30)))

    exchange = make_exchange(method="POST", headers=headers, body=body)
    try:
        reply = await policy.build(make_kit())(exchange, proceed)
    except Refusal as refusal:
        return refusal
    assert await anext(reply.frames) == body
    return None


async def test_the_defaults_are_those_of_the_edge():
    policy = JsonLimits()
    assert (policy.depth, policy.keys, policy.max) == (64, 10_000, 1 << 20)
    assert await passes(policy, b"[" * 64 + b"]" * 64) is None
    assert (await passes(policy, b"[" * 65 + b"]" * 65)).code == "invalid_body"
    members = b",".join(b'"a":1' for _ in range(10_000))
    assert await passes(policy, b"{" + members + b"}") is None
    assert "more than 10000 members" in (await passes(policy, b"{" + members + b',"b":1}')).detail


async def test_each_bound_is_as_written():
    policy = JsonLimits(depth=2, keys=1, max=20)
    assert await passes(policy, b'{"a":[1]}') is None
    assert "deeper than 2" in (await passes(policy, b'{"a":[[1]]}')).detail
    assert "more than 1 members" in (await passes(policy, b'{"a":1,"b":2}')).detail
    client = Client(piece(b'{"a":"' + b"x" * 20), piece(b'"}', more=False))
    exchange = exchange_with(client.body())
    exchange.inbound = replace(exchange.inbound, headers=JSON)
    with pytest.raises(Refusal, match="body_too_large"):
        await policy.build(make_kit())(exchange, None)


async def test_a_large_body_is_looked_through_too():
    large = b"[" + b",".join(b'"xxxxxxxx"' for _ in range(40_000)) + b"]"
    assert await passes(JsonLimits(), large) is None
    assert (await passes(JsonLimits(), large[:-1])).code == "invalid_body"


@pytest.mark.parametrize(
    "kind", [b"application/merge-patch+json", b"Application/JSON", b"application/problem+json ; a=b"]
)
async def test_whatever_says_it_is_json_must_be(kind):
    assert (await passes(JsonLimits(), b"{", [(b"content-type", kind)])).code == "invalid_body"


@pytest.mark.parametrize("headers", [[], [(b"content-type", b"text/plain")], [(b"content-type", b"application/jsonp")]])
async def test_what_does_not_say_so_is_not_looked_at(headers):
    assert await passes(JsonLimits(), b"{", headers) is None


async def test_a_call_without_a_body_passes():
    assert await passes(JsonLimits(depth=1), b"x", []) is None


def test_it_cannot_merely_observe():
    with pytest.raises(ValueError, match="mode"):
        JsonLimits(mode="observe")
