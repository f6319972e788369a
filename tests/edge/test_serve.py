"""The life of a request: however it goes, it is answered in its gate's words or cut, and closed once."""

import asyncio

import pytest
from tests.builders import PlainGate, make_exchange, make_house, make_inbound
from tests.gates.built import ListWire

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Frames, OneFrame, Reply
from triplegate.edge.serve import open_exchange, serve


class Broken(Frames):
    """One piece, then a failure that nobody foresaw."""

    done = False

    def __init__(self, error):
        self._steps = [b"piece", error]

    async def __anext__(self):
        step = self._steps.pop(0)
        if isinstance(step, bytes):
            return step
        raise step

    def close(self):
        pass


async def served(answer, **state):
    exchange = make_exchange()
    wire = ListWire(exchange)
    for name, value in state.items():
        setattr(wire, name, value)
    await serve(exchange, wire, answer)
    assert len(exchange.house.spool.records) == 1
    return exchange, wire


def raising(error):
    async def answer(gate, exchange):
        raise error

    return answer


async def test_a_good_call_is_ok():
    async def answer(gate, exchange):
        return Reply(200, [], OneFrame(b"ok"))

    exchange, wire = await served(answer)
    assert (wire.status, wire.content, exchange.outcome) == (200, b"ok", "ok")


async def test_a_refusal_that_comes_late_is_answered_all_the_same():
    exchange, wire = await served(raising(Refusal("body_timeout")))
    assert (wire.status, wire.content, exchange.outcome) == (408, b"body_timeout", "refused")


async def test_an_unknown_failure_is_500_and_its_text_is_for_the_log_only(capsys):
    exchange, wire = await served(raising(ValueError("the password is x")))
    assert (wire.status, wire.content, exchange.outcome) == (500, b"internal", "failed")
    assert exchange.refusal.reason == "ValueError: the password is x"
    assert "password" not in exchange.refusal.detail
    assert "the password is x" in capsys.readouterr().err


async def test_a_failure_after_the_head_cuts_the_message(capsys):
    async def answer(gate, exchange):
        return Reply(200, [], Broken(ValueError("late")))

    exchange, wire = await served(answer)
    assert (wire.aborted, wire.ended, exchange.outcome) == (True, False, "failed")
    assert "late" in capsys.readouterr().err


async def test_a_client_that_left_during_its_request_is_gone():
    exchange, wire = await served(raising(Gone()))
    assert exchange.outcome == "gone"
    assert wire.content == b"malformed_request"  # heard by those who did not leave but sent what cannot be read


async def test_a_client_that_leaves_after_the_head_gets_no_clean_end():
    async def answer(gate, exchange):
        return Reply(200, [], Broken(Gone()))

    exchange, wire = await served(answer)
    assert (wire.aborted, wire.ended, exchange.outcome) == (True, False, "gone")


@pytest.mark.parametrize(("gone", "outcome"), [(True, "gone"), (False, "failed")])
async def test_a_cancelled_call_is_closed_and_stays_cancelled(gone, outcome):
    exchange = make_exchange()
    wire = ListWire(exchange)
    wire.gone = gone
    with pytest.raises(asyncio.CancelledError):
        await serve(exchange, wire, raising(asyncio.CancelledError()))
    assert (exchange.outcome, wire.aborted) == (outcome, True)


async def test_the_end_of_the_process_before_an_answer_is_503():
    async def answer(gate, exchange):
        await asyncio.Event().wait()

    exchange = make_exchange()
    wire = ListWire(exchange)
    task = asyncio.ensure_future(serve(exchange, wire, answer))
    await asyncio.sleep(0)
    wire.stopping = True
    task.cancel()
    await asyncio.wait_for(task, 2)
    assert (wire.status, wire.content, exchange.refusal.code) == (503, b"draining", "draining")
    assert exchange.outcome == "refused"


def test_what_the_edge_refuses_goes_before_what_the_gate_refuses():
    class Opening(PlainGate):
        def open(self, inbound):
            exchange = Exchange("1", self, inbound, house, 0.0)
            exchange.refusal = Refusal("route_not_found")
            return exchange

    house = make_house()
    assert open_exchange(Opening(), make_inbound()).refusal.code == "route_not_found"
    assert open_exchange(Opening(), make_inbound(), Refusal("invalid_host")).refusal.code == "invalid_host"
