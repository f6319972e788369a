"""The life of a request, the same for all three gates: open, answer, pump, close."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable

from triplegate.core.errors import Gone, Refusal
from triplegate.core.exchange import Exchange, Gate
from triplegate.core.http import Inbound, Reply, Wire
from triplegate.edge.pump import pump

Answer = Callable[[Gate, Exchange], Awaitable[Reply]]


async def serve(exchange: Exchange, wire: Wire, answer: Answer) -> None:
    """Carry one exchange from its open to its close; every way out of here closes it exactly once."""
    gate = exchange.gate
    exchange.outlive = wire.on_gone
    try:
        reply = await answer(gate, exchange)
        await pump(exchange, reply, gate.encoder(exchange, reply), wire)
    except Gone:
        exchange.close("gone")
        await _cut_short(exchange, gate, wire)
    except asyncio.CancelledError:
        if wire.stopping and not wire.gone and not wire.started:
            await _stopped(exchange, gate, wire)
            return
        exchange.close("gone" if wire.gone else "failed")
        wire.abort()
        raise
    except Exception as error:  # noqa: BLE001 - the text of an unknown failure is for the log only
        await _failed(exchange, gate, wire, as_refusal(error))
    finally:
        if exchange.outcome is None:
            exchange.close("failed")


async def _failed(exchange: Exchange, gate: Gate, wire: Wire, refusal: Refusal) -> None:
    """Before the head a proper answer; after it the pump has already told in-band or cut the message."""
    exchange.refusal = exchange.refusal or refusal
    if wire.started:
        wire.abort()
        return
    reply = gate.refuse(exchange, refusal)
    await pump(exchange, reply, gate.encoder(exchange, reply), wire)


async def _cut_short(exchange: Exchange, gate: Gate, wire: Wire) -> None:
    """The body ended before it was whole: the client left, or its chunks cannot be read and it waits for a word."""
    await _failed(exchange, gate, wire, Refusal("malformed_request", "The body ended before it was whole."))


async def _stopped(exchange: Exchange, gate: Gate, wire: Wire) -> None:
    """The drain's grace ended before there was an answer: 503, and the process ends."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    await _failed(exchange, gate, wire, Refusal("draining", "The gateway is shutting down.", retry_after=1.0))


def as_refusal(error: Exception) -> Refusal:
    """The refusal to answer with; the text of an unknown failure goes to the log only."""
    if isinstance(error, Refusal):
        return error
    traceback.print_exception(error, file=sys.stderr)
    return Refusal("internal", "The gateway failed.", reason=f"{type(error).__name__}: {error}")


def open_exchange(gate: Gate, inbound: Inbound, refusal: Refusal | None = None) -> Exchange:
    """Open at `gate`; a refusal of the edge guard goes before any of the gate's own."""
    exchange = gate.open(inbound)
    if refusal is not None:
        exchange.refusal = refusal
    return exchange
