"""What ends leaves a record, settles its holds and is seen; one broken part never costs the others."""

import gc
import weakref

import pytest
from tests.builders import ALICE, make_exchange, make_house

from triplegate.core.admission import Taker
from triplegate.core.catalog import Target


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
