"""Which calls are copied, and how."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange

from triplegate.policies.mirror import Mirror


def copies(policy, method="GET"):
    exchange = make_exchange(method=method)
    assert policy.decide(exchange) is None
    return [] if exchange.outgoing is None else exchange.outgoing.copies


@pytest.mark.parametrize(
    ("method", "unsafe", "copied"),
    [("GET", False, 1), ("HEAD", False, 1), ("POST", False, 0), ("DELETE", False, 0), ("POST", True, 1)],
)
def test_calls_that_may_have_effects_are_copied_only_when_that_is_said(method, unsafe, copied):
    assert len(copies(Mirror(service="m", unsafe=unsafe), method)) == copied


@pytest.mark.parametrize(
    ("written", "share"),
    [
        ({}, 1.0),
        ({"percent": 0}, 0.0),
        ({"percent": 50}, 0.5),
        ({"fraction": {"numerator": 1, "denominator": 4}}, 0.25),
        ({"fraction": {"numerator": 5}}, 0.05),
    ],
)
def test_a_share_of_the_calls_is_copied(written, share):
    policy = Mirror.model_validate({"service": "m", **written})
    assert policy.share == share
    seen = sum(len(copies(policy)) for _ in range(2000))
    assert seen == share * 2000 if share in (0, 1) else abs(seen / 2000 - share) < 0.06  # far more than chance does


def test_a_copy_knows_its_bounds():
    policy = Mirror(service="m", credentials=True, concurrency=2, queue=3, timeout="4s").placed("route:r/mirror#2", "")
    (copy,) = copies(policy)
    assert (copy.label, copy.service, copy.credentials) == ("route:r/mirror#2", "m", True)
    assert (copy.concurrency, copy.queue, copy.timeout) == (2, 3, 4.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"percent": 10, "fraction": {"numerator": 1}},
        {"percent": 101},
        {"fraction": {"numerator": 3, "denominator": 2}},
        {"fraction": {"numerator": 1, "denominator": 0}},
        {"concurrency": 0},
    ],
)
def test_shares_and_bounds_are_checked(wrong):
    with pytest.raises(ValidationError):
        Mirror.model_validate({"service": "m", **wrong})


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Mirror.model_validate({"service": "s", "mode": "observe"})
