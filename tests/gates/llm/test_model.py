"""In which order one call tries: a model's deployments by weight, then the models to fall back to."""

from tests.builders import ALICE, make_exchange, make_kit

from triplegate.core.catalog import Route, Target
from triplegate.core.identity import Principal
from triplegate.gates.llm.model import Model, Order
from triplegate.policies.access import Access
from triplegate.upstreams.balance import Weighted


class Wiring:
    def __init__(self, missing=""):
        self.missing = missing


def target(name, group="g", missing=""):
    return Target("deployment", name, group=group, wiring=Wiring(missing))


def model(*targets, teams=None, guards=(), weights=None):
    weighted = tuple(zip(targets, weights or [1] * len(targets), strict=True))
    route = Route("m", "llm", targets=weighted)
    wirings = tuple(one.wiring for one in targets)
    choice = Weighted.kept(make_kit(), "m", weighted)
    return Model(route, choice, wirings, (), teams, guards)


def picked(order, times):
    exchange = make_exchange()
    found = []
    for _ in range(times):
        one, role = order.pick(exchange.attempts)
        exchange.attempt(one, role)
        found.append((one.name, role))
    return found


def test_deployments_come_first_then_fallbacks_then_the_last_again():
    order = Order([model(target("a"), target("b")), model(target("c"))])
    names = picked(order, 4)
    assert sorted(name for name, _ in names[:2]) == ["a", "b"]
    assert [role for _, role in names] == ["first", "fallback", "fallback", "retry"]
    assert names[2:] == [("c", "fallback"), ("c", "retry")]


def test_weights_decide_who_is_first():
    shared = model(target("a"), target("b"), weights=[3, 1])
    first = [Order([shared]).pick([])[0].name for _ in range(8)]
    assert first.count("a") == 6


def test_a_deployment_without_its_credential_is_passed_over():
    assert picked(Order([model(target("a", missing="no key"), target("b"))]), 2) == [("b", "first"), ("b", "retry")]
    assert picked(Order([model(target("a", missing="no key"))]), 1) == [("a", "first")]  # it says why


def test_one_name_with_another_credential_is_another_deployment():
    order = Order([model(target("p/x", "p:one")), model(target("p/x", "p:two"))])
    assert [role for _, role in picked(order, 3)] == ["first", "fallback", "retry"]
    same = Order([model(target("p/x", "p:one")), model(target("p/x", "p:one"))])
    assert [role for _, role in picked(same, 2)] == ["first", "retry"]


def test_a_model_is_open_to_its_teams_by_either_name():
    web, ops = ALICE, Principal("acme", "ops", "x", team_ref="acme/ops")
    assert model(target("a")).open_to(ops)
    for teams in ({"web"}, {"acme/web"}):
        guarded = model(target("a"), teams=frozenset(teams))
        assert (guarded.open_to(web), guarded.open_to(ops)) == (True, False)


def test_what_guards_a_model_also_guards_it_as_a_fallback():
    exchange = make_exchange()
    allowed, denied = Access(teams=frozenset({"web"})), Access(teams=frozenset({"ops"}))
    assert model(target("a"), guards=(allowed,)).stands_in(exchange, ALICE)
    assert not model(target("a"), guards=(allowed, denied)).stands_in(exchange, ALICE)
    assert not model(target("a"), teams=frozenset({"ops"})).stands_in(exchange, ALICE)
