"""What a failure means, and how often and how soon it is worth another try."""

import msgspec
import pytest
from tests.builders import make_inbound

from triplegate.core.errors import Refusal
from triplegate.core.http import BytesBody
from triplegate.core.policy import Dispatch
from triplegate.upstreams.retries import (
    RetryBudget,
    back_off,
    class_of_refusal,
    class_of_status,
    kept,
    repeatable,
    retry_after,
)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (200, ""),
        (304, ""),
        (400, "client"),
        (401, "credential"),
        (402, "credential"),
        (403, "credential"),
        (404, "client"),
        (422, "client"),
        (429, "rate"),
        (500, "transient"),
        (502, "transient"),
        (503, "overload"),
        (504, "transient"),
        (529, "overload"),
    ],
)
def test_a_status_has_a_class(status, name):
    assert class_of_status(status) == name


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        (Refusal("upstream_unreachable"), "transient"),
        (Refusal("upstream_reset"), "transient"),
        (Refusal("upstream_timeout", reason="first byte timeout: x"), "transient"),
        (Refusal("upstream_timeout", reason="idle timeout: x"), "stall"),
        (Refusal("upstream_malformed"), "malformed"),
        (Refusal("upstream_busy"), "overload"),
        (Refusal("upstream_credentials"), "credential"),
        (Refusal("upstream_rate_limited"), "rate"),
        (Refusal("body_too_large"), "client"),
        (Refusal("body_timeout"), "client"),
        (Refusal("internal"), "client"),
    ],
)
def test_a_refusal_has_a_class(refusal, name):
    assert class_of_refusal(refusal) == name


def test_retries_are_a_share_of_calls_above_a_floor():
    budget = RetryBudget()
    for _ in range(1000):
        budget.called(100.0)
    assert sum(budget.allow(100.0, 0.1) for _ in range(1000)) == 100
    assert budget.refused == 900
    few = RetryBudget()
    few.called(0.0)
    assert sum(few.allow(0.0, 0.1) for _ in range(100)) == 30, "three a second over the window are always allowed"


def test_old_calls_pay_for_nothing():
    budget = RetryBudget()
    for _ in range(10_000):
        budget.called(0.0)
    assert budget.allow(5.0, 0.1)
    budget.called(100.0)
    assert sum(budget.allow(100.0, 0.1) for _ in range(1000)) == 30


def test_a_steady_storm_of_failures_is_amplified_by_the_share_only():
    budget = RetryBudget()
    calls = retries = 0
    for tick in range(60_000):
        now = tick / 1000
        budget.called(now)
        calls += 1
        retries += budget.allow(now, 0.1)
    assert retries <= 0.13 * calls


def test_back_off_is_full_jitter_that_doubles_and_is_bounded():
    assert [back_off(n, (0.05, 2.0), lambda low, high: high) for n in (1, 2, 3, 20)] == [0.05, 0.1, 0.2, 2.0]
    assert back_off(5, (0.05, 2.0), lambda low, high: low) == 0.0
    assert len({back_off(5, (0.05, 2.0)) for _ in range(20)}) > 10


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"0")], 0.0),
        ([(b"retry-after", b"Thu, 01 Jan 1970 00:16:50 GMT")], 10.0),
        ([(b"retry-after", b"Thu, 01 Jan 1970 00:00:00 GMT")], 0.0),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"-5")], None),
        ([(b"retry-after", b"\xff")], None),
        ([(b"retry-after", b"9" * 30)], None),
        ([(b"retry-after", b"7"), (b"retry-after-ms", b"250")], 0.25),
    ],
)
def test_what_an_upstream_asks_for_is_read(headers, seconds):
    assert retry_after(headers, 1000.0) == seconds


@pytest.mark.parametrize(
    ("method", "headers", "rules", "may"),
    [
        ("GET", [], Dispatch(), True),
        ("PUT", [], Dispatch(), True),
        ("POST", [], Dispatch(), False),
        ("POST", [], Dispatch(retry_methods=frozenset({"POST"})), True),
        ("POST", [(b"idempotency-key", b"k")], Dispatch(), False),
        ("POST", [(b"idempotency-key", b"k")], Dispatch(retry_keyed=True), True),
        ("POST", [(b"idempotency-key", b"")], Dispatch(retry_keyed=True), False),
        ("PATCH", [], Dispatch(retry_keyed=True), False),
    ],
)
def test_what_an_upstream_may_see_twice(method, headers, rules, may):
    assert repeatable(make_inbound(method, headers=headers), rules) is may


def test_messages_that_come_once_are_not_sent_twice():
    rules = Dispatch(retry_keyed=True, retry_methods=frozenset({"POST"}))
    inbound = make_inbound("POST", headers=[(b"idempotency-key", b"k")])
    assert not repeatable(msgspec.structs.replace(inbound, protocol="grpc"), rules)


class Kept(BytesBody):
    """A body that comes once, unless it is asked for as a whole."""

    def __init__(self, length):
        self.kind, self.length, self.started = "one_pass", length, False

    async def whole(self, limit):
        self.kind = "replayable"
        return b"x" * limit


@pytest.mark.parametrize(
    ("length", "headers", "rules", "whole"),
    [
        (5, [], Dispatch(), True),
        (65536, [], Dispatch(), True),
        (65537, [], Dispatch(), False),
        (None, [], Dispatch(), False),
        (5, [], Dispatch(retries=0), False),
        (5, [(b"expect", b"100-continue")], Dispatch(), False),
    ],
)
async def test_a_small_body_of_known_length_is_kept_so_that_it_can_be_sent_again(length, headers, rules, whole):
    body = Kept(length)
    inbound = msgspec.structs.replace(make_inbound("PUT", headers=headers), body=body)
    assert await kept(inbound, rules) is whole
    assert body.kind == ("replayable" if whole else "one_pass")
