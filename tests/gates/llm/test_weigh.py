"""Which deployments a call could go to, in words."""

import pytest
from tests.gates.llm.places import facts, model, place

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.llm.conditions import When
from triplegate.gates.llm.cooldown import Pace
from triplegate.gates.llm.order import Order
from triplegate.gates.llm.weigh import MOST, first_of, weigh


def test_each_candidate_is_told_with_what_it_is_judged_by_or_why_it_is_out():
    clock = SetClock()
    cooled = place("b", weight=2)
    cooled.health.group.refused(clock.now(), Pace(5, 60), 30.0, "rate, status 429")
    order = Order(facts(clock=clock), [model(place("late", tier=1), place("a"), cooled, place("none", weight=0))])
    assert weigh(order) == [
        "first  m: a  tier 0  weight 1",
        "m: b  tier 0  out: its quota group is left alone for 30 s: rate, status 429",
        "m: none  tier 0  out: weight 0",
        "m: late  tier 1  weight 1",
    ]


def test_where_nothing_can_be_tried_that_comes_first():
    clock = SetClock()
    dead = place("a")
    dead.health.key.refused(clock.now(), Pace(60, 900), None, "status 401")
    told = weigh(Order(facts(clock=clock), [model(dead)]))
    assert told[0].startswith("none: upstream_credentials_exhausted, a: its key is left alone")
    assert len(told) == 2


def test_the_first_is_named_or_the_refusal_that_the_caller_would_meet():
    assert first_of(Order(facts(), [model(place("late", tier=1), place("a"))])).name == "a"
    with pytest.raises(Refusal) as caught:
        first_of(Order(facts(), [model(place("a", weight=0), place("b", when=When("tools > 0")))]))
    assert caught.value.code == "no_deployment"
    with pytest.raises(Refusal) as caught:
        first_of(Order(facts(), [model(place("a", missing="nothing at env:KEY"))]))
    assert (caught.value.code, caught.value.reason) == ("upstream_credentials", "nothing at env:KEY")


def test_there_are_not_too_many_lines():
    told = weigh(Order(facts(), [model(*[place(f"d{n}") for n in range(MOST + 5)])]))
    assert (len(told), told[-1]) == (MOST + 1, "… and 5 more")
