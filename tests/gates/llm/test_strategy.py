"""Whose turn it is, by each strategy."""

import random

import pytest
from tests.gates.llm.places import facts, place

from triplegate.config.documents_routing import StickyDocument
from triplegate.core.identity import Principal
from triplegate.core.money import Price
from triplegate.gates.llm.quota import Left
from triplegate.gates.llm.strategy import (
    ByCost,
    ByQuota,
    ByWeight,
    InOrder,
    OfTwo,
    Sticky,
    active,
    drawn,
    key_of,
    latency,
)
from triplegate.upstreams.balance import Balance
from triplegate.upstreams.balancing.latency import measure


def weighted():
    return ByWeight(Balance())


def shares(strategy, places, calls=400, call=None, now=0.0):
    found = dict.fromkeys((one.name for one in places), 0)
    for _ in range(calls):
        found[strategy.pick(places, call or facts(), now).name] += 1
    return found


def test_weights_are_shares_over_any_few_calls():
    assert shares(weighted(), [place("a", weight=3), place("b")], 8) == {"a": 6, "b": 2}


def test_priority_is_the_written_order():
    assert shares(InOrder(), [place("a"), place("b", weight=9)], 5) == {"a": 5, "b": 0}


def test_lots_fall_as_the_weights_say():
    places, draw = [place("a", weight=3), place("b")], random.Random(5).random
    names = [drawn(places, draw).name for _ in range(4000)]
    assert 2850 < names.count("a") < 3150
    assert drawn(places, lambda: 1 - 2**-53).name == "b"


def test_the_busy_one_gets_less_for_its_weight():
    strategy = OfTwo(active, "under way", random.Random(1).random)
    slow, quick = place("slow"), place("quick")
    slow.health.standing.active = 5
    assert shares(strategy, [slow, quick], 50) == {"slow": 0, "quick": 50}
    heavy = place("heavy", weight=10)
    heavy.health.standing.active = 5
    quick.health.standing.active = 1
    assert shares(strategy, [heavy, quick], 50) == {"heavy": 50, "quick": 0}


def test_a_slow_target_gets_its_small_fair_share():
    strategy, draw = OfTwo(active, "under way", random.Random(2).random), random.Random(3)
    places = [place("slow"), place("a"), place("b")]
    took = {"slow": 10, "a": 1, "b": 1}
    running, found = [], dict.fromkeys(took, 0)
    for now in range(3000):
        for end, one in [each for each in running if each[0] <= now]:
            running.remove((end, one))
            one.health.standing.active -= 1
        chosen = strategy.pick(places, facts(), float(now))
        chosen.health.standing.active += 1
        found[chosen.name] += 1
        running.append((now + took[chosen.name] + draw.randint(0, 1), chosen))
    assert 0 < found["slow"] < 600


def test_a_step_in_latency_moves_calls_and_they_come_back_when_it_is_forgotten():
    strategy = OfTwo(latency, "s", random.Random(4).random)
    a, b = place("a"), place("b")
    for one in (a, b):
        measure(one.health.standing, 0.1, 1.0, failed=False)
    measure(a.health.standing, 5.0, 2.0, failed=False)
    measure(b.health.standing, 0.1, 2.0, failed=False)
    assert shares(strategy, [a, b], 50, now=2.0) == {"a": 0, "b": 50}
    measure(b.health.standing, 0.1, 80.0, failed=False)
    assert shares(strategy, [a, b], 50, now=80.0)["a"] == 50  # nothing was heard of it for so long


def test_the_cheapest_is_what_such_a_call_will_cost_there():
    reader, writer = Price(input=10, output=2000), Price(input=100, output=100)
    a, b, free = place("a", price=reader), place("b", price=writer), place("free", price=Price(version="none"))
    strategy, long = ByCost(weighted()), facts(messages=[{"role": "user", "content": "x" * 400_000}])
    assert strategy.pick([free, a, b], long, 0.0) is a  # as long as answers are short
    for one in (a, b):
        for _ in range(9):
            one.health.outputs.add(100_000)
    assert strategy.pick([free, a, b], long, 0.0) is b
    bounded = facts(messages=[{"role": "user", "content": "x" * 400_000}], max_tokens=5)
    assert strategy.pick([free, a, b], bounded, 0.0) is a
    assert strategy.pick([free], long, 0.0) is free
    assert strategy.score(free, long, 0.0) == "no price"


def test_where_most_is_left_is_where_calls_go_and_where_they_do_not_fit_they_do_not():
    strategy, a, b = ByQuota(weighted()), place("a"), place("b")
    a.health.quotas.left["tokens"] = Left(1000, 900, 60.0)
    b.health.quotas.left["tokens"] = Left(1000, 100, 60.0)
    assert strategy.pick([a, b], facts(), 0.0) is a
    large = facts(messages=[{"role": "user", "content": "x" * 2000}], max_tokens=300)
    b.health.quotas.left["tokens"] = Left(10_000, 5000, 60.0)
    a.health.quotas.left["tokens"] = Left(1000, 700, 60.0)
    assert strategy.pick([a, b], large, 0.0) is b
    b.health.quotas.left["tokens"] = Left(10_000, 5, 60.0)
    assert strategy.pick([a, b], large, 0.0) is None
    assert strategy.score(b, large, 0.0) == "0% left, does not fit for 60 s"
    assert strategy.pick([a, b], large, 60.0) is not None


def test_a_key_stays_and_when_one_leaves_only_its_own_move():
    places = [place(name) for name in "abcd"]
    strategy = Sticky(places, key_of(StickyDocument(by="end_user")), weighted())
    calls = [facts(principal=Principal("o", "t", "c", end_user=f"u{n}", team_ref="o/t")) for n in range(300)]
    before = [strategy.pick(places, call, 0.0).name for call in calls]
    assert before == [strategy.pick(places, call, 0.0).name for call in calls]
    assert all(40 < before.count(name) < 110 for name in "abcd")
    after = [strategy.pick(places[1:], call, 0.0).name for call in calls]
    assert all(old == new for old, new in zip(before, after, strict=True) if old != "a")


@pytest.mark.parametrize(
    ("document", "one", "same", "other"),
    [
        (
            StickyDocument(),
            facts(messages=[{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]),
            facts(
                temperature=1,
                messages=[
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": "hello"},
                    {"role": "user", "content": "and now"},
                ],
            ),
            facts(messages=[{"role": "system", "content": "s"}, {"role": "user", "content": "ho"}]),
        ),
        (
            StickyDocument(by="key"),
            facts(principal=Principal("o", "t", "c", "key1", "", "key")),
            facts(principal=Principal("o", "t", "c", "key1", "", "key", end_user="x")),
            facts(principal=Principal("o", "t", "c", "key2", "", "key")),
        ),
        (
            StickyDocument(header="x-session"),
            facts(headers=[(b"x-session", b"1")]),
            facts(headers=[(b"x-session", b"1"), (b"x-other", b"2")]),
            facts(headers=[(b"x-session", b"2")]),
        ),
    ],
)
def test_what_ties_calls_together(document, one, same, other):
    key = key_of(document)
    assert key(one) == key(same) != key(other)
    assert key(one) is not None


def test_a_call_without_a_key_goes_by_weight():
    places = [place("a"), place("b")]
    strategy = Sticky(places, key_of(StickyDocument(by="end_user")), weighted())
    assert shares(strategy, places, 10) == {"a": 5, "b": 5}
    assert strategy.score(places[0], facts(), 0.0) == "the call has no key"
    assert key_of(StickyDocument(by="key"))(facts(principal=Principal("o", "t", "anonymous", method="none"))) is None


def test_why_a_call_cannot_go_to_a_place():
    when = type("No", (), {"text": "stream", "holds": lambda self, facts: False})()
    bars = [place("a", weight=0), place("a", missing="no key"), place("a", when=when), place("a")]
    assert [one.bar(facts(), 0.0) for one in bars] == ["weight 0", "no key", "not when stream", ""]
