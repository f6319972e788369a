"""Calls are spread over a route's services as their weights say; a broken one's share is refused."""

import itertools

import pytest

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Numbers
from triplegate.core.fold import Chain
from triplegate.core.policy import Dispatch
from triplegate.core.usage import Usage
from triplegate.gates.api.shares import Broken, Share, Shares
from triplegate.upstreams.balance import Balance, Weighted


def shares(*weights, broken=()):
    made = [
        Share(f"s{n}", Target("service", f"s{n}", wiring=Broken("gone") if n in broken else None), weight)
        for n, weight in enumerate(weights)
    ]
    return Shares(made, Weighted([(one, one.weight) for one in made], Balance()))


def attempt(target):
    return Attempt(1, target, "first", None, [], 0.0, Numbers(), Usage())


@pytest.mark.parametrize("weights", [(1, 1), (90, 10), (5, 3, 2), (1, 0, 1), (999, 1), (0, 7)])
def test_of_2000_calls_each_has_its_share_within_three_points_and_weight_0_none(weights):
    chosen = shares(*weights)
    seen = [chosen.pick([])[0].name for _ in range(2000)]
    for n, weight in enumerate(weights):
        share = seen.count(f"s{n}") / 2000
        assert abs(share - weight / sum(weights)) <= 0.03
        assert weight or not share


def test_after_a_failure_another_sound_one_is_called_and_then_the_same_again():
    chosen = shares(1, 1, 1, 0, broken=(1,))
    first = next(target for target, _ in (chosen.pick([]) for _ in itertools.count()) if target.name == "s0")
    second, role = chosen.pick([attempt(first)])
    assert (second.name, role) == ("s2", "fallback")
    assert chosen.pick([attempt(first), attempt(second)]) == (second, "retry")


@pytest.mark.parametrize("weights", [(0, 0), ()])
def test_without_a_weight_there_is_no_backend(weights):
    with pytest.raises(Refusal) as caught:
        shares(*weights).pick([])
    assert (caught.value.code, caught.value.status) == ("no_backend", 500)


async def test_a_broken_one_says_why_in_the_log_only():
    broken = Broken("Service b is not there")
    chain = Chain(None, Dispatch(retries=7))
    with pytest.raises(Refusal):
        broken.begin(None, None, chain)
    with pytest.raises(Refusal) as caught:
        await broken.send(None, [], chain, None)
    assert (caught.value.code, caught.value.reason) == ("no_backend", "Service b is not there")
    assert "Service b" not in caught.value.detail
    assert broken.dispatch(chain).retries == 7
    assert broken.report(None, chain) is None


async def test_one_of_which_nothing_is_ready_is_503():
    empty = Broken("no endpoint of b is ready", empty=True)
    with pytest.raises(Refusal) as caught:
        empty.begin(None, None, Chain(None, Dispatch()))
    assert (caught.value.code, caught.value.status, caught.value.reason) == (
        "no_endpoint",
        503,
        "no endpoint of b is ready",
    )
