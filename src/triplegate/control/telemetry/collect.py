"""Telemetry of finished exchanges: one append on the path, everything else in batches of 256 or every 200 ms."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from triplegate.control.telemetry.access_log import AccessLog
from triplegate.control.telemetry.background import Background
from triplegate.control.telemetry.finished import Finished, finished_of, operation_of
from triplegate.control.telemetry.lag import LoopLag
from triplegate.control.telemetry.otel import MeterExport
from triplegate.control.telemetry.spans import SpanExport
from triplegate.control.telemetry.tail import Tail
from triplegate.core.exchange import Exchange
from triplegate.core.meters import Family, Meters, Readings
from triplegate.core.record import Record

_MOST = 256
_SECONDS = 0.2


class Sink(Protocol):
    """Takes batches of finished exchanges; must not wait."""

    def take(self, batch: Sequence[Finished]) -> None:
        """Look at each of them."""
        ...


class Telemetry:
    """Meters, live tail, access log and spans, fed by the house once per closed exchange."""

    def __init__(
        self,
        meters: Meters,
        *,
        tail: Tail | None = None,
        access_log: AccessLog | None = None,
        spans: SpanExport | None = None,
    ) -> None:
        self.meters = meters
        self.tail = tail or Tail()
        self.access_log, self.spans = access_log, spans
        self.meter_export: MeterExport | None = None
        self.errors = 0
        """Batches on which a sink raised."""
        self._lag = LoopLag(meters.loop_lag)
        self._sinks: list[Sink] = [sink for sink in (self.tail, access_log, spans) if sink is not None]
        self._pending: list[Finished] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        meters.observe(
            "triplegate.telemetry.dropped",
            "{item}",
            "Telemetry given up rather than waited for.",
            ("triplegate.sink",),
            self._lost,
            kind="counter",
        )

    def start(self, *, otlp: str = "", node: str = "", every: float = 15.0) -> None:
        """Begin on the running loop; `otlp` is the base URL of a collector that gets the meters as well.

        Raises OSError when the access log cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._lag.start()
        if self.access_log is not None:
            self.access_log.start()
        if self.spans is not None:
            self.spans.start()
        if otlp:
            self.meter_export = MeterExport(otlp, node, self.read, every)
            self.meter_export.start()

    def finished(self, exchange: Exchange, record: Record) -> None:
        """Note one closed exchange. Called once each, also for those the ledger never sees."""
        pending = self._pending
        pending.append(finished_of(exchange, record))
        if len(pending) >= _MOST:
            self.flush()
        elif len(pending) == 1 and self._loop is not None:
            self._timer = self._loop.call_later(_SECONDS, self.flush)

    def flush(self) -> None:
        """Work off what was noted; readers call it so that they see the latest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._pending = self._pending, []
        if not batch:
            return
        self._guarded(self._count, batch)
        for sink in self._sinks:
            self._guarded(sink.take, batch)

    def read(self) -> list[Family]:
        """The meters, up to the last closed exchange."""
        self.flush()
        return self.meters.read()

    def close(self) -> None:
        """Flush everything and end the threads; each gets at most 2 s."""
        self.flush()
        self.tail.close()
        self._lag.close()
        self._loop = None
        for sink in (self.access_log, self.spans, self.meter_export):
            if sink is not None:
                sink.close()

    def failing(self) -> list[tuple[str, str]]:
        """(sink, last failure) of those that do not get through."""
        return [(one.name, one.failing) for one in self._backgrounds() if one.failing]

    def _count(self, batch: Sequence[Finished]) -> None:
        count = self.meters.exchange
        for one in batch:
            record = one.record
            for policy in one.would_refuse:
                self.meters.would_refuse.add((policy,))
            if record.gate == "llm":
                pieces = [answer.pieces for answer in one.answers]
                count(record, one.http_method, operation=operation_of(one.path), by=one.policy, pieces=pieces)
            else:
                count(record, one.http_method, part=one.part, rpc=one.rpc, by=one.policy)

    def _guarded(self, take: Callable[[Sequence[Finished]], None], batch: Sequence[Finished]) -> None:
        try:
            take(batch)
        except Exception:  # noqa: BLE001 - telemetry must never break the exchange that it tells of
            self.errors += 1

    def _backgrounds(self) -> list[Background[Any]]:
        return [sink.background for sink in (self.access_log, self.spans, self.meter_export) if sink is not None]

    def _lost(self) -> Readings:
        yield ("tail",), self.tail.missed
        yield ("telemetry",), self.errors
        for background in self._backgrounds():
            yield (background.name,), background.lost
