"""OPTIONS and TRACE end where their hops do; TRACE goes nowhere unless it is meant to."""

import pytest
from tests.gates.built import built

TEXT = """
services: {{s: {{endpoints: ["http://127.0.0.1:9"]}}}}
routes:
  any: {{service: s, match: {{path: /any}}, identity: none, owner: web}}
  some: {{service: s, match: {{path: /some, methods: [GET, OPTIONS, TRACE]}}, identity: none, owner: web}}
"""


@pytest.fixture
async def house(tmp_path):
    async with built(tmp_path, TEXT.format()) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "hops", "status", "allow"),
    [
        ("TRACE", "/any", None, 405, b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("TRACE", "/any", b"5", 405, b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("TRACE", "/some", b"0", 405, b"GET, OPTIONS, TRACE"),
        ("OPTIONS", "/any", b"0", 204, b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("OPTIONS", "/some", b"0", 204, b"GET, OPTIONS, TRACE"),
        ("OPTIONS", "/any", b"-1", 400, None),
        ("OPTIONS", "/any", b"1, 2", 400, None),
        ("OPTIONS", "/any", b"", 400, None),
    ],
)
async def test_the_last_hop_is_answered_here(house, method, path, hops, status, allow):
    headers = [] if hops is None else [(b"max-forwards", hops)]
    exchange, wire = await house.serve(method, path, key=False, headers=headers)
    assert (wire.status, wire.field(b"allow")) == (status, allow)
    assert exchange.attempts == []


@pytest.mark.parametrize(("method", "path"), [("OPTIONS", "/any"), ("OPTIONS", "/some"), ("TRACE", "/some")])
async def test_every_other_hop_is_counted_and_passed_on(house, method, path):
    exchange = house.open(method, path, key=False, headers=[(b"max-forwards", b"3")])
    assert exchange.refusal is None
    [edit] = exchange.outgoing.edits
    assert (edit.how, edit.name, edit.value) == ("set", b"max-forwards", b"2")
    assert house.open(method, path, key=False).outgoing is None


async def test_two_numbers_are_none(house):
    headers = [(b"max-forwards", b"3"), (b"max-forwards", b"3")]
    assert house.open("OPTIONS", "/any", key=False, headers=headers).refusal.code == "malformed_request"


async def test_other_methods_count_nothing(house):
    exchange = house.open("GET", "/any", key=False, headers=[(b"max-forwards", b"0")])
    assert (exchange.refusal, exchange.outgoing) == (None, None)
