"""A model: its deployments in tiers, and who may use it."""

from tests.builders import ALICE, make_exchange
from tests.gates.llm.places import facts, model, place

from triplegate.core.identity import Principal
from triplegate.policies.access import Access


def test_weights_decide_who_is_first():
    shared, call = model(place("a", weight=3), place("b")), facts()
    assert [shared.pick(call, 0.0).name for _ in range(8)].count("a") == 6


def test_the_next_tier_gets_only_what_the_one_before_cannot_take():
    tiered, call = model(place("late", tier=5), place("a"), place("b"), place("never", weight=0)), facts()
    assert {tiered.pick(call, 0.0).name for _ in range(8)} == {"a", "b"}
    assert tiered.pick(call, 0.0, {("a", "a"), ("b", "b")}).name == "late"
    assert tiered.pick(call, 0.0, {("a", "a"), ("b", "b"), ("late", "late")}) is None


def test_one_name_with_another_credential_is_another_deployment():
    one, two = place("p/x", group="p:one"), place("p/x", group="p:two")
    assert model(two).pick(facts(), 0.0, {("p/x", "p:one")}).target is two.target
    assert model(one).pick(facts(), 0.0, {("p/x", "p:one")}) is None


def test_a_model_is_open_to_its_teams_by_either_name():
    web, ops = ALICE, Principal("acme", "ops", "x", team_ref="acme/ops")
    assert model(place("a")).open_to(ops)
    for teams in ({"web"}, {"acme/web"}):
        guarded = model(place("a"), teams=frozenset(teams))
        assert (guarded.open_to(web), guarded.open_to(ops)) == (True, False)


def test_what_guards_a_model_also_guards_it_as_a_fallback():
    exchange = make_exchange()
    allowed, denied = Access(teams=frozenset({"web"})), Access(teams=frozenset({"ops"}))
    assert model(place("a"), guards=(allowed,)).stands_in(exchange, ALICE)
    assert not model(place("a"), guards=(allowed, denied)).stands_in(exchange, ALICE)
    assert not model(place("a"), teams=frozenset({"ops"})).stands_in(exchange, ALICE)
