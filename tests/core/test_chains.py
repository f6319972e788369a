"""Outer chain by head, then the read, then the inner chain of route, plan and team."""

from typing import ClassVar, Literal

import pytest
from tests.builders import ALICE, PlainGate, make_exchange, make_kit

from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.core.policy import Policy, Stage


class Mark(Policy):
    use: Literal["mark"] = "mark"
    stage: ClassVar = Stage.SCREEN
    word: str

    def decide(self, exchange):
        exchange.decisions.append((self.word, "seen", ""))


class Know(Policy):
    use: Literal["know"] = "know"
    stage: ClassVar = Stage.IDENTIFY

    def decide(self, exchange):
        exchange.principal = ALICE


def chains_for(gate, common=(), plans=None, teams=None):
    chains = Chains(gate.name, tuple(common), {"free": ()} if plans is None else plans, teams or {}, make_kit())
    chains.bind(gate)
    return chains


def route(policies=(), targets=(), anonymous=None):
    return Route("orders", "api", "acme/web", tuple(policies), tuple(targets), anonymous=anonymous)


async def test_policies_merge_from_gateway_to_team():
    gate = PlainGate()
    target = Target("service", "s", (Mark(word="target"),))
    where = route([Know(), Mark(word="route")], [(target, 1)])
    chains = chains_for(
        gate, [Mark(word="gateway")], {"free": (Mark(word="plan"),)}, {"acme/web": (Mark(word="team"),)}
    )
    exchange = make_exchange(gate, route=where, principal=None)
    await chains.outer(where.policies)(exchange)
    assert [word for word, _, _ in exchange.decisions] == ["gateway", "route", "target", "plan", "team"]


async def test_an_inner_chain_is_folded_once_and_kept():
    gate = PlainGate()
    where = route([Know()])
    chains = chains_for(gate)
    first, second = (make_exchange(gate, route=where, principal=None) for _ in range(2))
    outer = chains.outer(where.policies)
    await outer(first)
    await outer(second)
    assert first.chain is second.chain
    assert chains.of(where, ALICE) is first.chain


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "unauthenticated"),
        ([(b"authorization", b"Basic x")], "invalid_credentials"),
        ([(b"x-api-key", b"x")], "invalid_credentials"),
    ],
)
async def test_nobody_known_means_401_before_anything_is_read(headers, code):
    gate = PlainGate()
    exchange = make_exchange(gate, route=route(), principal=None, headers=headers)
    with pytest.raises(Refusal) as caught:
        await chains_for(gate).outer(())(exchange)
    assert caught.value.code == code
    assert gate.read_calls == 0


async def test_an_open_route_books_on_the_owning_team():
    gate = PlainGate()
    nobody = Principal("acme", "web", "anonymous", team_ref="acme/web")
    where = route(anonymous=nobody)
    exchange = make_exchange(gate, route=where, principal=None)
    await chains_for(gate).outer(())(exchange)
    assert exchange.principal is nobody


async def test_a_policy_of_another_gate_is_left_out():
    class OnlyLlm(Mark):
        use: Literal["only_llm"] = "only_llm"
        gates: ClassVar = frozenset({"llm"})

    gate = PlainGate()
    where = route([Know()])
    chains = chains_for(gate, [OnlyLlm(word="llm"), Mark(word="all")])
    exchange = make_exchange(gate, route=where, principal=None)
    await chains.outer(where.policies)(exchange)
    assert [word for word, _, _ in exchange.decisions] == ["all"]


async def test_what_everybody_may_ask_passes_the_edge_and_needs_no_identity():
    class Early(Mark):
        use: Literal["early"] = "early"
        stage: ClassVar = Stage.EDGE

    gate = PlainGate()
    exchange = make_exchange(gate, route=route(), principal=None)
    await chains_for(gate, [Know(), Mark(word="inner"), Early(word="edge")]).edge(gate.forward)(exchange)
    assert [word for word, _, _ in exchange.decisions] == ["edge"]
    assert exchange.principal is None


async def test_a_caller_whose_plan_is_gone_is_refused_instead_of_unlimited():
    gate = PlainGate()
    where = route([Know()])
    exchange = make_exchange(gate, route=where, principal=None)
    with pytest.raises(Refusal, match="policy_unavailable") as caught:
        await chains_for(gate, plans={}).outer(where.policies)(exchange)
    assert "'free'" in caught.value.reason


class Bar(Policy):
    use: Literal["bar"] = "bar"
    stage: ClassVar = Stage.PERMIT
    word: str

    def decide(self, exchange):
        exchange.decisions.append((self.word, "asked", ""))
        return Refusal("forbidden") if self.word == "no" else None


async def test_a_check_asks_identity_and_access_and_nothing_else():
    gate = PlainGate()
    where = route([Know(), Bar(word="route"), Mark(word="screen")])
    chains = chains_for(gate, [Bar(word="gateway")], {"free": (Bar(word="plan"),)}, {"acme/web": (Bar(word="team"),)})
    for _ in range(2):
        exchange = make_exchange(gate, route=where, principal=None)
        await chains.check(exchange)
        assert exchange.principal is ALICE
        assert [word for word, _, _ in exchange.decisions] == ["gateway", "route", "plan", "team"]
    assert gate.forwarded == 0


async def test_a_check_raises_what_the_call_would_meet():
    gate = PlainGate()
    for policies, code in (
        ([Know(), Bar(word="no")], "forbidden"),
        ([], "unauthenticated"),
    ):
        exchange = make_exchange(gate, route=route(policies), principal=None)
        with pytest.raises(Refusal) as caught:
            await chains_for(gate).check(exchange)
        assert caught.value.code == code
