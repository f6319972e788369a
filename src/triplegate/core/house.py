"""What becomes of an exchange that ends: callbacks, settled holds, a record, counters; nothing here waits."""

import sys
import traceback
from typing import Protocol

from triplegate.core.admission import Dimension
from triplegate.core.booking import record_of, rest_of
from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Exchange
from triplegate.core.ports import Spool
from triplegate.core.record import Record
from triplegate.core.ulid import Ulids


class Telemetry(Protocol):
    """Whoever looks at finished exchanges: counters, log lines, spans, live tail."""

    def finished(self, exchange: Exchange, record: Record) -> None:
        """See one finished exchange; bounded, never waits."""
        ...


class Household:
    """The House of a worker process."""

    __slots__ = ("_ulids", "clock", "content", "faults", "node", "sample", "spool", "telemetry")

    def __init__(
        self, clock: Clock, spool: Spool, telemetry: Telemetry, node: str, sample: float = 0.0, *, content: bool = False
    ) -> None:
        self.clock = clock
        self.spool = spool
        self.telemetry = telemetry
        self.node = node
        self.sample = sample
        self.content = content
        self.faults = 0
        """Exchanges whose end failed somewhere; each is printed."""
        self._ulids = Ulids(clock)

    def make_id(self) -> str:
        """A fresh exchange id."""
        return self._ulids.make()

    def intend(self, exchange: Exchange) -> None:
        """Write the intent of a billed call, once. Raises Refusal ledger_full."""
        if exchange.intended:
            return
        clock = self.clock
        intent = record_of(exchange, "intent", self.node, clock.now(), clock.wall())
        if exchange.aside:
            intent.tokens, intent.usage_source = exchange.aside, "estimated"
        self.spool.append(intent)
        exchange.intended = True
        exchange.parts += 1

    def interim(self, exchange: Exchange) -> None:
        """Book what an open exchange has used since its last part; where there is no room, the next part has it."""
        if exchange.principal is None or exchange.outcome is not None:
            return
        clock = self.clock
        total = record_of(exchange, "interim", self.node, clock.now(), clock.wall())
        total.attempts = ()  # they are told once, with the last part
        if exchange.intended:  # its price too: whoever adopts an orphan charges what its intent has set aside
            total.own_cost = total.cost = total.list_cost = total.saved = total.surcharge = 0
        try:
            self.spool.append(total if exchange.booked is None else rest_of(total, exchange.booked))
        except (Refusal, OSError):
            return
        exchange.booked = total
        exchange.parts += 1

    def finish(self, exchange: Exchange) -> None:
        """End of an exchange; one broken part never keeps the others from their work."""
        now, wall = self.clock.now(), self.clock.wall()
        exchange.numbers.ended = now
        for callback in exchange.closers:
            try:
                callback(exchange)
            except Exception:  # noqa: BLE001 - a policy's callback must not cost the record
                self._fault()
        try:
            if exchange.admission is not None and exchange.admission.holds:
                _settle(exchange)
        except Exception:  # noqa: BLE001 - a lost settle decays by itself, a lost record does not
            self._fault()
        record = record_of(exchange, "final", self.node, now, wall)
        if exchange.principal is not None:
            self._book(record if exchange.booked is None else rest_of(record, exchange.booked))
        try:
            self.telemetry.finished(exchange, record)
        except Exception:  # noqa: BLE001 - being seen must not change what is seen
            self._fault()
        _let_go(exchange)

    def _book(self, record: Record) -> None:
        try:
            self.spool.append(record)
        except Refusal as refusal:
            if refusal.code != "ledger_full":
                self._fault()
        except OSError:
            self._fault()

    def _fault(self) -> None:
        self.faults += 1
        if self.faults < 100 or self.faults % 1000 == 0:
            traceback.print_exc(file=sys.stderr)


def _let_go(exchange: Exchange) -> None:
    """What an exchange and its parts hold of each other would wait for the collector, at a tenth of a call's CPU."""
    exchange.closers.clear()
    if exchange.admission is not None:
        exchange.admission.end()


def _settle(exchange: Exchange) -> None:
    """Holds become what was used; a refused or never dispatched call gives everything back."""
    assert exchange.admission is not None
    unsent = exchange.outcome == "refused" and not exchange.attempts
    for attempt in exchange.attempts:
        if attempt.hold is not None:  # what it took of its target's limits becomes what it used itself
            attempt.hold.settle(used_by(exchange, attempt))
    actual = used(exchange)
    for hold in exchange.admission.holds:
        if unsent:
            hold.release()
        else:
            hold.settle(actual)


def used_by(exchange: Exchange, attempt: Attempt) -> dict[Dimension, int]:
    """What one attempt has used."""
    usage, numbers = attempt.usage, exchange.numbers
    return {
        "requests": 1,
        "input": usage.input_total,
        "output": usage.output_total,
        "total": usage.total,
        "bytes": numbers.bytes_in + numbers.bytes_out,
        "money": attempt.cost + (numbers.own_cost if attempt.adopted else 0),
    }


def used(exchange: Exchange) -> dict[Dimension, int]:
    """What an exchange has used so far, as limits count it: the ledger's rows of it add up to the same."""
    usage, numbers, tries = exchange.usage, exchange.numbers, exchange.attempts
    read, written, money = usage.input_total, usage.output_total, numbers.own_cost
    if len(tries) == 1 and tries[0].adopted:
        money += tries[0].cost
    elif tries:
        money += sum([attempt.cost for attempt in tries])
        for attempt in _apart(exchange):
            read += attempt.usage.input_total
            written += attempt.usage.output_total
    return {
        "requests": 1,
        "input": read,
        "output": written,
        "total": read + written,
        "bytes": numbers.bytes_in + numbers.bytes_out,
        "money": money,
    }


def _apart(exchange: Exchange) -> list[Attempt]:
    """The attempts whose usage is no part of the exchange's: what was cut off, or failed and is paid for."""
    tries = exchange.attempts
    home = next((one for one in tries if one.adopted), tries[-1])
    if not home.adopted and home.usage.total and home.usage.total != exchange.usage.total:
        return tries
    return [one for one in tries if one is not home]
