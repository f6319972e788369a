"""Browsers are told to come by https only, by every answer by https and by no other."""

import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from tests.builders import make_exchange, make_inbound, make_kit

from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.policies.hsts import Hsts
from triplegate.wire.client_address import TrustedProxies

FIELD = b"strict-transport-security"


async def told(policy, scheme="https", headers=(), own=(), refusal=None):
    """The values that the client gets."""

    async def proceed(exchange):
        if refusal is not None:
            raise refusal
        return Reply(200, list(own), OneFrame())

    exchange = make_exchange()
    exchange.inbound = replace(make_inbound(headers=headers), scheme=scheme)
    step = policy.build(make_kit(trusted=TrustedProxies(("192.0.2.0/24",))))
    try:
        reply = await step(exchange, proceed)
        fields = reply.headers + exchange.reply_headers
    except Refusal:
        fields = exchange.reply_headers
    return [value for name, value in fields if name == FIELD]


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, b"max-age=31536000"),
        ({"max_age": "5m"}, b"max-age=300"),
        ({"include_subdomains": True}, b"max-age=31536000; includeSubDomains"),
        ({"include_subdomains": True, "preload": True}, b"max-age=31536000; includeSubDomains; preload"),
    ],
)
async def test_what_is_written_is_told(fields, value):
    assert await told(Hsts.model_validate(fields)) == [value]


async def test_only_by_https():
    assert await told(Hsts(), "http") == []
    assert await told(Hsts(), "http", [(b"x-forwarded-proto", b"https")]) == [b"max-age=31536000"]
    assert await told(Hsts(), "https", [(b"x-forwarded-proto", b"http")]) == []


async def test_refusals_tell_it_too_and_a_services_own_gives_way():
    assert await told(Hsts(), refusal=Refusal("forbidden", "no")) == [b"max-age=31536000"]
    assert await told(Hsts(), own=[(b"x", b"1"), (FIELD, b"max-age=0")]) == [b"max-age=31536000"]
    assert await told(Hsts(), "http", own=[(FIELD, b"max-age=0")]) == [b"max-age=0"]


@pytest.mark.parametrize("fields", [{"preload": True}, {"preload": True, "include_subdomains": True, "max_age": "1d"}])
def test_what_no_browser_would_build_in_is_refused(fields):
    with pytest.raises(ValidationError, match="preload needs"):
        Hsts.model_validate(fields)


def test_it_cannot_merely_observe():
    with pytest.raises(ValueError, match="mode"):
        Hsts(mode="observe")
