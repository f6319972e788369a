"""Bodies are bounded by the route: less than the listener's bound, or more; told lengths at once."""

import pytest
from tests.builders import make_exchange
from tests.edge.test_asgi import Client, piece

from triplegate.core.errors import Refusal
from triplegate.policies.body_limit import BodyLimit


def exchange_with(body):
    exchange = make_exchange(method="POST")
    exchange.inbound = type(exchange.inbound)(
        *(body if name == "body" else getattr(exchange.inbound, name) for name in exchange.inbound.__struct_fields__)
    )
    return exchange


def test_a_length_that_is_told_is_refused_at_once():
    assert BodyLimit(max=5).decide(make_exchange(body=b"123456")).code == "body_too_large"
    assert BodyLimit(max=5).decide(make_exchange(body=b"12345")) is None
    assert BodyLimit(max="1KiB").max == 1024


@pytest.mark.parametrize(("limit", "passes"), [(5, False), (6, True), (200, True)])
async def test_a_length_that_is_not_told_ends_when_it_is_too_large(limit, passes):
    client = Client(piece(b"123"), piece(b"456", more=False))
    body = client.body(limit=4 if limit > 6 else 100)
    assert BodyLimit(max=limit).decide(exchange_with(body)) is None
    if passes:
        assert await body.whole(1000) == b"123456"
    else:
        with pytest.raises(Refusal, match="body_too_large"):
            await body.whole(1000)


def test_it_cannot_merely_observe():
    with pytest.raises(ValueError, match="mode"):
        BodyLimit(max=1, mode="observe")
