"""Who came without TLS is sent to the same place with it; who came with it passes."""

import pytest
from msgspec.structs import replace
from tests.builders import make_exchange, make_inbound, make_kit

from triplegate.core.http import OneFrame, Reply
from triplegate.policies.https_redirect import HttpsRedirect
from triplegate.wire.client_address import TrustedProxies


async def proceed(exchange):
    return Reply(200, [], OneFrame(b"passed"))


async def answer(policy, trusted=(), **inbound):
    exchange = make_exchange()
    exchange.inbound = replace(make_inbound(headers=inbound.pop("headers", ())), **inbound)
    return await policy.build(make_kit(trusted=TrustedProxies(trusted)))(exchange, proceed)


@pytest.mark.parametrize(
    ("fields", "inbound", "location"),
    [
        ({}, {"path": "/a/b", "query": b"q=1"}, b"https://a.test/a/b?q=1"),
        ({}, {"port": 8080}, b"https://a.test/orders"),
        ({"port": 8443}, {"port": 8080}, b"https://a.test:8443/orders"),
        ({}, {"path": "*", "method": "OPTIONS"}, b"https://a.test/"),
    ],
)
async def test_the_place_is_the_same(fields, inbound, location):
    reply = await answer(HttpsRedirect(**fields), **inbound)
    assert (reply.status, dict(reply.headers)[b"location"], reply.source) == (308, location, "local")


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_the_status_is_as_written(code):
    assert (await answer(HttpsRedirect(code=code))).status == code


async def test_what_came_by_https_passes():
    assert (await answer(HttpsRedirect(), scheme="https")).status == 200


@pytest.mark.parametrize(
    ("said", "status"), [(b"https", 200), (b"HTTPS", 200), (b"http", 308), (b"", 308), (b"wss", 308)]
)
async def test_a_trusted_proxys_word_counts_and_nobody_elses(said, status):
    headers = [(b"x-forwarded-proto", said)]
    assert (await answer(HttpsRedirect(), ("192.0.2.0/24",), headers=headers)).status == status
    assert (await answer(HttpsRedirect(), headers=headers)).status == 308
    assert (
        await answer(HttpsRedirect(), ("192.0.2.0/24",), headers=[(b"x-forwarded-proto", b"http")], scheme="https")
    ).status == 308


def test_it_cannot_merely_observe():
    with pytest.raises(ValueError, match="mode"):
        HttpsRedirect(mode="observe")
