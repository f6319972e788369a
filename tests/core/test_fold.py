"""Policies fold into one chain: stage first, written order inside, limits in one store call."""

from typing import ClassVar, Literal

import pytest
from tests.builders import OpenStore, PlainGate, make_exchange, make_kit

from triplegate.core.admission import Claim, Limit
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.fold import fold, ordered, split, stage_disorder
from triplegate.core.policy import Policy, Stage
from triplegate.stores.memory.admission import MemoryAdmission


class Note(Policy):
    """Writes its word on the way in and out."""

    use: Literal["note"] = "note"
    stage: ClassVar = Stage.SCREEN
    word: str

    def build(self, kit):
        async def step(exchange, proceed):
            exchange.decisions.append((self.word, "in", ""))
            reply = await proceed(exchange)
            exchange.decisions.append((self.word, "out", ""))
            return reply

        return step


class NoteLate(Note):
    use: Literal["note_late"] = "note_late"
    stage: ClassVar = Stage.SHAPE


class Deny(Policy):
    use: Literal["deny"] = "deny"
    stage: ClassVar = Stage.PERMIT
    security: ClassVar = True
    missing: str = ""

    def status(self, kit):
        return self.missing

    def decide(self, exchange):
        return Refusal("forbidden", "No.")


class Quota(Policy):
    use: Literal["quota"] = "quota"
    stage: ClassVar = Stage.ADMIT

    def claims(self, exchange, target):
        return [Claim(self.label, Limit(self.name or "quota", "rate", "requests", 5, 60.0), 1, self.mode)]


class Longer(Policy):
    use: Literal["longer"] = "longer"
    stage: ClassVar = Stage.DISPATCH

    def tune(self, dispatch):
        dispatch.total = 99.0


def words(exchange):
    return [(who, what) for who, what, _ in exchange.decisions]


async def test_calls_go_down_and_replies_come_up_in_stage_order():
    exchange = make_exchange()
    chain = fold([NoteLate(word="c"), Note(word="a"), Note(word="b")], exchange.gate.forward, make_kit())
    reply = await chain.proceed(exchange)
    assert reply.status == 200
    assert words(exchange) == [("a", "in"), ("b", "in"), ("c", "in"), ("c", "out"), ("b", "out"), ("a", "out")]


async def test_a_refusal_stops_the_chain_before_the_gate():
    gate = PlainGate()
    exchange = make_exchange(gate)
    chain = fold([Deny(), Note(word="a")], gate.forward, make_kit())
    with pytest.raises(Refusal) as caught:
        await chain.proceed(exchange)
    assert (caught.value.code, caught.value.policy) == ("forbidden", "deny")
    assert gate.forwarded == 0
    assert exchange.decisions == []


async def test_an_observing_policy_decides_but_lets_pass():
    exchange = make_exchange()
    chain = fold([Deny(mode="observe")], exchange.gate.forward, make_kit())
    assert (await chain.proceed(exchange)).status == 200
    assert exchange.decisions == [("deny", "would refuse", "forbidden")]


async def test_a_security_policy_that_cannot_decide_never_lets_pass():
    gate = PlainGate()
    chain = fold([Deny(missing="secret env:X")], gate.forward, make_kit())
    with pytest.raises(Refusal) as caught:
        await chain.proceed(make_exchange(gate))
    assert caught.value.code == "policy_unavailable"
    assert "env:X" in caught.value.reason
    assert "env:X" not in caught.value.detail
    assert gate.forwarded == 0


async def test_three_limits_in_one_route_make_one_store_call():
    store = OpenStore()
    exchange = make_exchange()
    limits = [Quota(name="a"), Note(word="n"), Quota(name="b"), Quota(name="c")]
    chain = fold(limits, exchange.gate.forward, make_kit(admission=store))
    await chain.proceed(exchange)
    assert [[claim.bucket for claim in call] for call in store.calls] == [["a", "b", "c"]]
    assert [standing.claim.limit.name for standing in exchange.standings] == ["a", "b", "c"]


async def test_limits_that_are_counted_in_this_process_are_taken_and_denied_alike():
    kit = make_kit(admission=MemoryAdmission(SetClock()))
    exchange = make_exchange()
    chain = fold([Quota(name="a"), Quota(name="b")], exchange.gate.forward, kit)
    for left in range(4, -1, -1):
        exchange = make_exchange()
        await chain.proceed(exchange)
        assert [standing.remaining for standing in exchange.standings] == [left, left]
        assert [claim.bucket for claim in exchange.admission.taken] == ["a", "b"]
    exchange = make_exchange()
    with pytest.raises(Refusal, match="quota_exceeded"):
        await chain.proceed(exchange)
    assert [standing.denied for standing in exchange.standings] == [True, True]


async def test_no_limits_make_no_store_call():
    store = OpenStore()
    exchange = make_exchange()
    await fold([Note(word="n")], exchange.gate.forward, make_kit(admission=store)).proceed(exchange)
    assert store.calls == []


async def test_an_offline_kit_peeks_and_never_takes():
    store = OpenStore()
    exchange = make_exchange()
    chain = fold([Quota(name="a")], exchange.gate.forward, make_kit(admission=store, offline=True))
    await chain.proceed(exchange)
    assert store.calls == []
    assert exchange.standings[0].remaining == 5


async def test_a_traced_chain_notes_each_verdict():
    exchange = make_exchange()
    chain = fold(
        [Quota(name="q"), Note(word="n"), Deny(mode="observe")], exchange.gate.forward, make_kit(), traced=True
    )
    await chain.proceed(exchange)
    verdicts = [(who, what) for who, what, _ in exchange.decisions if what in ("pass", "would refuse")]
    assert verdicts == [("deny", "would refuse"), ("deny", "pass"), ("admit", "pass"), ("note", "pass")]


async def test_a_traced_chain_names_the_step_that_refused():
    exchange = make_exchange()
    chain = fold([Note(word="n"), Deny()], exchange.gate.forward, make_kit(), traced=True)
    with pytest.raises(Refusal):
        await chain.proceed(exchange)
    assert [(who, what) for who, what, _ in exchange.decisions] == [("deny", "refuse")]


def test_tune_policies_fold_into_one_dispatch():
    chain = fold([Longer()], PlainGate().forward, make_kit())
    assert chain.dispatch.total == 99.0


def test_outer_and_inner_policies_part_by_stage():
    class Who(Note):
        use: Literal["who"] = "who"
        stage: ClassVar = Stage.IDENTIFY

    who, deny = Who(word="w"), Deny()
    assert split([deny, who]) == ((who,), (deny,))
    assert ordered([deny, who]) == (who, deny)
    assert stage_disorder([deny, who]) == [(deny, who)]
    assert stage_disorder([who, deny]) == []
