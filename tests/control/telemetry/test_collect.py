"""One append on the path; meters, tail, log and spans follow in batches and never raise."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triplegate.control.telemetry.access_log import AccessLog
from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.telemetry.spans import SpanExport
from triplegate.control.telemetry.tail import Tail
from triplegate.core.exchange import Exchange
from triplegate.core.meters import Family, Meters
from triplegate.core.record import Record

MakeExchange = Callable[..., Exchange]
MakeRecord = Callable[..., Record]
OURS = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


def total(families: list[Family], name: str) -> float:
    family = next(family for family in families if family.name == name)
    return sum(sum(cells[:-1]) if family.kind == "histogram" else cells[0] for _, cells in family.points)


def test_a_reader_sees_every_exchange_that_closed_before_it(
    make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    telemetry = Telemetry(Meters())
    for _ in range(300):
        telemetry.finished(make_exchange(), make_record())
    assert total(telemetry.read(), "http.server.request.duration") == 300
    assert len(telemetry.tail.last(lambda _: True)) == 200


async def test_watchers_see_an_exchange_within_the_batch_interval(
    make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    telemetry = Telemetry(Meters())
    telemetry.start()
    with telemetry.tail.watch(lambda _: True) as watcher:
        assert watcher is not None
        telemetry.finished(make_exchange(), make_record())
        async with asyncio.timeout(5):
            assert [entry.id for entry in await anext(watcher.batches(5.0))] == ["01JDHOUSE"]
    telemetry.close()


async def test_everything_reaches_log_collector_and_meters_by_close(
    tmp_path: Path, collector: Any, make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    log = AccessLog(tmp_path / "access.log")
    telemetry = Telemetry(Meters(), access_log=log, spans=SpanExport(collector.url, "n"))
    telemetry.start(otlp=collector.url, node="n", every=3_600)
    for _ in range(3):
        telemetry.finished(make_exchange(), make_record(traceparent=OURS))
    telemetry.close()
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["01JDHOUSE"] * 3
    assert len(collector.spans()) == 3
    assert collector.metrics
    assert telemetry.failing() == []
    assert total(telemetry.read(), "triplegate.telemetry.dropped") == 0


def test_a_sink_that_raises_is_counted_and_the_others_go_on(
    make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    class Broken(Tail):
        def take(self, batch: object) -> None:
            raise RuntimeError

    telemetry = Telemetry(Meters(), tail=Broken())
    telemetry.finished(make_exchange(), make_record())
    families = telemetry.read()
    assert total(families, "http.server.request.duration") == 1
    assert telemetry.errors == 1


def test_a_whole_batch_is_worked_off_without_waiting_for_the_timer(
    make_exchange: MakeExchange, make_record: MakeRecord
) -> None:
    telemetry = Telemetry(Meters())
    for _ in range(256):
        telemetry.finished(make_exchange(), make_record())
    assert len(telemetry.tail.last(lambda _: True)) == 200
