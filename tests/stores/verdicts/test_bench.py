"""What guards say is done once: refusals before masks, masks of all of them together, every verdict noted."""

import pytest
from tests.builders import make_exchange, make_kit
from tests.stores.verdicts.askers import asker, pieces_with, says

from triplegate.core.errors import Refusal
from triplegate.stores.verdicts.bench import HOLD, Bench, Rules
from triplegate.stores.verdicts.sending import Unanswered
from triplegate.stores.verdicts.tally import Tally
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.guards.told import Question, Told
from triplegate.wire.screening.spans import Span

HELLO = pieces_with("Hello Ada")


async def failing(exchange, body, seconds):
    raise Unanswered("status 500")


async def empty(exchange, body, seconds):
    return b""


def masking(start, end):
    def ask(pieces, call):
        return Question((b"",), lambda replies: Told("mask", {"p": 1}, {0: (Span(start, end, "p"),)}))

    return ask


def bench(*askers, enforces=True, kit=None):
    kit = kit or make_kit(supervisor=TaskSupervisor())
    rules = Rules("g", frozenset({"input"}), enforces, enforces, reversible=False, beside=False)
    return Bench(kit, rules, [one(kit) for one in askers])


def guard(send, name="a", **more):
    return lambda kit: asker(kit, send, name, **more)


def mask(start, end, name):
    def make(kit):
        made = asker(kit, empty, name)
        made._ask = masking(start, end)
        return made

    return make


async def test_masks_of_all_guards_count_together():
    made = bench(mask(0, 5, "a"), mask(3, 9, "b"))
    exchange = make_exchange()
    assert await made.heard(exchange, [HELLO], "call") == [{0: [Span(0, 9, "p")]}]
    assert {one[:2] for one in exchange.decisions} == {("g", "mask")}


async def test_who_forbids_goes_before_who_masks():
    with pytest.raises(Refusal) as refused:
        await bench(mask(0, 5, "a"), guard(says("block"), "b")).heard(make_exchange(), [HELLO], "call")
    assert refused.value.code == "content_blocked"


async def test_a_missing_verdict_refuses_or_not():
    with pytest.raises(Refusal) as refused:
        await bench(guard(failing)).heard(make_exchange(), [HELLO], "call")
    assert (refused.value.code, refused.value.reason) == ("guard_unavailable", "a: status 500")
    exchange = make_exchange()
    assert await bench(guard(failing, closed=False)).heard(exchange, [HELLO], "call") == [{}]
    assert exchange.decisions == [("g", "failed open", "a, call: status 500, 0 ms")]
    assert await bench(guard(failing), enforces=False).heard(make_exchange(), [HELLO], "call") == [{}]


async def test_of_several_groups_the_blocked_one_is_told():
    assert await bench(guard(says("block"))).heard(make_exchange(), [HELLO, HELLO], "answer") == [None, None]


async def test_every_verdict_is_counted_and_the_time_told():
    kit = make_kit(supervisor=TaskSupervisor())
    made, exchange = bench(guard(says("allow")), kit=kit), make_exchange()
    for _ in range(2):
        await made.heard(exchange, [HELLO], "call")
        made.held(exchange, 0.25)
    [tally] = kit.states.every(Tally)
    assert tally.counts == {("a", "allow"): 2}
    assert exchange.reply_headers == [(HOLD, b"500")]


async def test_more_than_anybody_may_be_given_is_refused_unless_all_may_fail():
    with pytest.raises(Refusal) as refused:
        bench(guard(failing), guard(failing, "b", closed=False)).too_long(make_exchange())
    assert refused.value.code == "content_unseen"
    exchange = make_exchange()
    bench(guard(failing, closed=False)).too_long(exchange)
    assert [one[1] for one in exchange.decisions] == ["failed open"]
