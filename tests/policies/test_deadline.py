"""A caller's own deadline holds, is never longer than allowed, and the service hears what is left of it."""

import asyncio
import time

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange, make_house, make_kit
from tests.gates.built import always, built
from tests.hostile.scripted import Upstream

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.policies.deadline import Deadline

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def forward(exchange):
    return Reply(200, [], OneFrame())


async def left(policy, *headers, trusted=()):
    """Seconds until the deadline that the policy sets; None: no deadline."""
    clock = SetClock()
    exchange = make_exchange(house=make_house(clock), headers=headers)
    await policy.build(make_kit(clock=clock, trusted=trusted))(exchange, forward)
    return None if exchange.deadline is None else round(exchange.deadline - clock.now(), 6)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"5", 5.0), (b" 0.25 ", 0.25), (b"999", 60.0), (b"-1", None), (b"5s", None), (b"", None), (b"1e3", None)],
)
async def test_the_time_is_a_plain_number_and_bounded(value, seconds):
    assert await left(Deadline(), (b"request-timeout", value)) == seconds


async def test_header_unit_and_bound_are_as_written():
    policy = Deadline(header="X-Request-Timeout", unit="ms", longest="2s")
    assert await left(policy, (b"x-request-timeout", b"1500")) == 1.5
    assert await left(policy, (b"x-request-timeout", b"9000")) == 2.0
    assert await left(policy, (b"request-timeout", b"1")) is None


async def test_only_trusted_proxies_may_be_asked():
    assert await left(Deadline(trusted=True), (b"request-timeout", b"5")) is None
    assert await left(Deadline(trusted=True), (b"request-timeout", b"5"), trusted={"192.0.2.7"}) == 5.0


async def test_a_deadline_that_is_sooner_stays():
    clock = SetClock()
    exchange = make_exchange(house=make_house(clock), headers=[(b"request-timeout", b"5")])
    exchange.deadline = clock.now() + 1
    await Deadline().build(make_kit(clock=clock))(exchange, forward)
    assert exchange.deadline == clock.now() + 1


async def test_a_call_whose_time_is_over_is_not_sent():
    with pytest.raises(Refusal, match="deadline_exceeded") as caught:
        await left(Deadline(), (b"request-timeout", b"0"))
    assert (caught.value.status, caught.value.policy) == (504, "deadline")


@pytest.mark.parametrize("fields", [{"header": "host"}, {"header": "a b"}, {"unit": "m"}, {"longest": "0s"}])
def test_what_would_break_a_request_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Deadline(**fields)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Deadline.model_validate({"mode": "observe"})


def text(url):
    return f"""
services: {{s: {{endpoints: ["{url}"]}}}}
routes: {{r: {{service: s, match: {{path: /r}}, policies: [{{use: key_auth}}, {{use: deadline}}]}}}}
"""


def told(talk):
    """What the service was told, in seconds."""
    lines = bytes(talk.received).lower().split(b"\r\n")
    (value,) = [line.partition(b":")[2] for line in lines if line.startswith(b"request-timeout:")]
    return float(value)


async def test_the_service_is_told_what_is_left(tmp_path):
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url)) as made:
        await made.serve("GET", "/r", headers=[(b"request-timeout", b"8")])
        assert 6 < told(upstream.talks[0]) <= 8
    async with Upstream(always(OK)) as upstream, built(tmp_path, text(upstream.url)) as made:
        await made.serve("GET", "/r")
        assert 500 < told(upstream.talks[0]) <= 600, "without a word of the caller's: how long we wait ourselves"


async def test_a_service_that_takes_longer_is_given_up(tmp_path):
    async def silent(talk):
        await talk.head()
        await talk.read_to_end()

    async with Upstream(silent) as upstream, built(tmp_path, text(upstream.url)) as made:
        began = time.monotonic()
        exchange, wire = await asyncio.wait_for(made.serve("GET", "/r", headers=[(b"request-timeout", b"0.2")]), 10)
        assert (wire.status, exchange.refusal.code) == (504, "upstream_timeout")
        assert time.monotonic() - began < 5
        await upstream.until_idle()
