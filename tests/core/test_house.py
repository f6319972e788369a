"""What ends leaves a record, settles its holds and is seen; one broken part never costs the others."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ALICE, make_exchange, make_house

from triplegate.core.admission import Taker
from triplegate.core.catalog import Route, Target
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.house import used, used_by
from triplegate.core.usage import Usage
from triplegate.stores.spool_adopt import unknown_of


class Hold:
    def __init__(self):
        self.settled = []
        self.released = 0

    def settle(self, actual):
        self.settled.append(dict(actual))

    def release(self):
        self.released += 1


def held(exchange):
    exchange.admission = Taker(None, (), exchange)
    hold = Hold()
    exchange.admission.holds.append(hold)
    return hold


def test_an_identified_exchange_leaves_one_final_record():
    exchange = make_exchange()
    exchange.close("ok")
    (record,) = exchange.house.spool.records
    assert (record.kind, record.team, record.outcome, record.exchange) == ("final", "web", "ok", exchange.id)
    assert exchange.house.telemetry.finished_exchanges == [(exchange, record)]


def test_a_call_refused_before_identity_is_seen_but_not_booked():
    exchange = make_exchange(principal=None)
    exchange.close("refused")
    assert exchange.house.spool.records == []
    assert len(exchange.house.telemetry.finished_exchanges) == 1


def test_an_intent_is_written_once_and_counts_as_a_part():
    exchange = make_exchange()
    exchange.house.intend(exchange)
    exchange.house.intend(exchange)
    exchange.close("ok")
    assert [(record.kind, record.part) for record in exchange.house.spool.records] == [("intent", 0), ("final", 1)]


def test_an_attempts_own_hold_settles_to_what_that_attempt_used():
    exchange = make_exchange()
    call = held(exchange)
    lost, won = (exchange.attempt(Target("deployment", name), "first") for name in "ab")
    for attempt in (lost, won):
        attempt.hold = Hold()
    exchange.usage = won.usage = Usage(input_uncached=3, output_text=4, source="provider")
    won.cost = 7
    exchange.close("ok")
    assert [lost.hold.settled[0]["total"], won.hold.settled[0]["total"], call.settled[0]["total"]] == [0, 7, 7]
    assert (won.hold.settled[0]["money"], lost.hold.settled[0]["money"]) == (7, 0)


def test_holds_settle_to_what_was_used():
    exchange = make_exchange()
    hold = held(exchange)
    exchange.attempt(Target("service", "s")).cost = 30
    exchange.usage.input_uncached, exchange.usage.output_text = 7, 5
    exchange.numbers.own_cost = 12
    exchange.close("ok")
    assert hold.settled[0]["total"] == 12
    assert hold.settled[0]["money"] == 42
    assert hold.released == 0


def test_a_refused_call_that_never_left_gives_its_holds_back():
    exchange = make_exchange()
    hold = held(exchange)
    exchange.close("refused")
    assert (hold.settled, hold.released) == ([], 1)


def test_a_failing_callback_costs_neither_record_nor_view(capsys):
    def broken(exchange):
        raise RuntimeError("policy bug")

    exchange = make_exchange()
    exchange.on_close(broken)
    exchange.close("ok")
    assert len(exchange.house.spool.records) == 1
    assert len(exchange.house.telemetry.finished_exchanges) == 1
    assert exchange.house.faults == 1
    assert "policy bug" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["spool", "telemetry"])
def test_a_failing_store_or_view_never_reaches_the_caller(broken, capsys):
    class Broken:
        def append(self, record):
            raise OSError("disk")

        def finished(self, exchange, record):
            raise RuntimeError("view")

    house = make_house()
    setattr(house, broken, Broken())
    exchange = make_exchange(house=house, principal=ALICE)
    exchange.close("ok")
    assert house.faults == 1
    assert capsys.readouterr().err


def test_an_exchange_that_is_over_is_freed_at_once_whatever_its_parts_hold():
    """Cycles wait for the collector: 5 % of a limited call's CPU, and all of its memory until then."""
    gc.collect()
    gc.disable()
    try:
        exchange = make_exchange()
        held(exchange)
        exchange.on_close(Watched(exchange).end)
        gone = weakref.ref(exchange.closers[0].__self__)
        exchange.close("ok")
        exchange.house.telemetry.finished_exchanges.clear()
        del exchange
        assert gone() is None
    finally:
        gc.enable()


class Watched:
    """A part that holds its exchange and is held by it."""

    def __init__(self, exchange):
        self.exchange = exchange

    def end(self, exchange):
        """Called at the end."""


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), min_size=1, max_size=8))
def test_the_parts_of_a_long_exchange_add_up_to_what_it_was(steps):
    clock = SetClock()
    exchange = make_exchange(house=make_house(clock))
    house, attempt = exchange.house, exchange.attempt(Target("service", "s"))
    exchange.numbers.own_cost, exchange.numbers.first_byte = 5, clock.now() + 0.001
    full = []
    house.spool.append = spool_with_room(house.spool, full)
    for size, tokens, no_room in steps:
        clock.advance(60.0)
        exchange.numbers.bytes_out += size
        exchange.usage.output_text += tokens
        exchange.usage.source = "partial"
        attempt.cost += tokens
        full[:] = [no_room]
        house.interim(exchange)
    full[:] = [False]
    exchange.close("ok")
    parts = house.spool.records
    ((_, seen),) = house.telemetry.finished_exchanges
    assert [part.part for part in parts] == list(range(len(parts)))
    assert [part.kind for part in parts] == ["interim"] * sum(not step[2] for step in steps) + ["final"]
    assert [len(part.attempts) for part in parts] == [0] * (len(parts) - 1) + [1]
    for name in ("duration_us", "first_byte_us", "overhead_us", "bytes_out", "own_cost", "cost", "list_cost"):
        assert sum(getattr(part, name) for part in parts) == getattr(seen, name), name
    assert [sum(counts) for counts in zip(*(part.tokens for part in parts), strict=True)] == list(seen.tokens)
    assert seen.cost == 5 + attempt.cost
    assert seen.bytes_out == exchange.numbers.bytes_out
    assert len(parts) == 1 or parts[-1].each


def test_what_an_intent_has_set_aside_is_charged_by_the_last_part_alone():
    clock = SetClock()
    exchange = make_exchange(house=make_house(clock))
    house, exchange.numbers.first_byte = exchange.house, clock.now()
    exchange.numbers.own_cost = exchange.numbers.list_cost = 70
    house.intend(exchange)
    for _ in range(2):
        exchange.numbers.bytes_out += 10
        house.interim(exchange)
    intent, *interims = house.spool.records
    assert [(part.bytes_out, part.cost, part.own_cost, part.list_cost) for part in interims] == [(10, 0, 0, 0)] * 2
    assert unknown_of(intent).cost == 70  # killed now, it is charged once
    exchange.close("ok")
    last = house.spool.records[-1]
    assert (last.kind, last.part, last.bytes_out, last.cost, last.own_cost, last.list_cost) == (
        "final",
        3,
        0,
        70,
        70,
        70,
    )


def spool_with_room(spool, full):
    keep = spool.append

    def append(record):
        if full[0]:
            raise Refusal("ledger_full")
        keep(record)

    return append


def test_nobody_and_what_is_over_have_no_interim_parts():
    for exchange in (make_exchange(principal=None), make_exchange()):
        if exchange.principal is not None:
            exchange.close("ok")
        before = len(exchange.house.spool.records)
        exchange.house.interim(exchange)
        assert len(exchange.house.spool.records) == before


def test_what_failed_and_is_paid_for_counts_besides_what_answered():
    exchange = make_exchange()
    lost, won = exchange.attempt(Target("deployment", "a")), exchange.attempt(Target("deployment", "b"))
    lost.usage, lost.cost = Usage(input_uncached=10, source="estimated"), 30
    won.usage = exchange.usage = Usage(input_uncached=10, output_text=5, source="provider")
    won.adopted, won.cost = True, 70
    assert {name: used(exchange)[name] for name in ("input", "output", "total", "money")} == {
        "input": 20,
        "output": 5,
        "total": 25,
        "money": 100,
    }
    won.adopted, won.usage, won.cost, exchange.usage = False, Usage(), 0, Usage()
    assert (used(exchange)["total"], used(exchange)["money"]) == (10, 30)
    alone = make_exchange()
    only = alone.attempt(Target("deployment", "a"))
    only.usage = Usage(input_uncached=10, source="estimated")
    assert used(alone)["total"] == 10
    assert used_by(alone, only)["total"] == 10


def test_the_price_of_a_call_is_its_answering_targets_too():
    exchange = make_exchange()
    attempt = exchange.attempt(Target("server", "files"))
    exchange.numbers.own_cost = 40
    assert used_by(exchange, attempt)["money"] == 0
    attempt.adopted = True
    assert used_by(exchange, attempt)["money"] == 40


def test_an_intent_carries_what_it_sets_aside_and_the_final_what_was_used():
    house = make_house()
    exchange = make_exchange(house=house, route=Route("smart", "llm"))
    exchange.aside = (10, 0, 0, 0, 0, 0, 20, 0, 0)
    house.intend(exchange)
    exchange.close("ok")
    intent, final = house.spool.records
    assert (intent.kind, intent.tokens, intent.usage_source) == ("intent", exchange.aside, "estimated")
    assert (final.kind, sum(final.tokens), final.usage_source) == ("final", 0, "none")
    assert unknown_of(intent).tokens == exchange.aside
