"""A collector receives the same numbers that Prometheus reads."""

import asyncio
from collections.abc import Callable
from typing import Any

from triplegate.control.telemetry.otel import MeterExport
from triplegate.core.meters import Meters
from triplegate.core.record import Record

Make = Callable[..., Record]


def metrics(request: Any) -> dict[str, Any]:
    return {
        one.name: one
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for one in scope.metrics
    }


async def test_histograms_counters_and_gauges_arrive_with_units_and_labels(collector: Any, make_record: Make) -> None:
    meters = Meters()
    meters.observe("triplegate.spool.size", "By", "Waits.", ("triplegate.spool",), lambda: [(("billed",), 12)])
    for duration in (30_000, 30_000, 99_000_000):
        meters.exchange(make_record(duration_us=duration, cost=5_000_000_000), "GET")
    export = MeterExport(collector.url, "node-1", meters.read, every=3_600)
    export.start()
    await asyncio.to_thread(export.close)
    told = metrics(collector.metrics[0])
    server = told["http.server.request.duration"]
    point = server.histogram.data_points[0]
    assert server.unit == "s"
    assert server.histogram.aggregation_temporality == 2  # CUMULATIVE
    counts = list(point.bucket_counts)
    assert (point.count, counts[3], counts[-1]) == (3, 2, 1)  # two in (0.025, 0.05], one above every bound
    assert abs(point.sum - 99.06) < 1e-9
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert {one.key: one.value.WhichOneof("value") for one in point.attributes} == {
        "triplegate.gate": "string_value",
        "http.route": "string_value",
        "http.request.method": "string_value",
        "http.response.status_code": "int_value",
    }
    cost = told["triplegate.cost.usd"].sum
    assert cost.is_monotonic
    assert cost.data_points[0].as_double == 1.5
    gauge = told["triplegate.spool.size"].gauge.data_points[0]
    assert (gauge.as_int or gauge.as_double) == 12


async def test_it_pushes_again_and_again(collector: Any) -> None:
    meters = Meters()
    meters.degraded.add(("redis",))
    export = MeterExport(collector.url, "node-1", meters.read, every=0.02)
    export.start()
    for _ in range(3):
        assert await asyncio.to_thread(collector.came.acquire, timeout=10)
    await asyncio.to_thread(export.background.close)
    export.close()
    first, last = (
        metrics(request)["triplegate.degraded"].sum.data_points[0]
        for request in (collector.metrics[0], collector.metrics[-1])
    )
    assert first.start_time_unix_nano == last.start_time_unix_nano  # cumulative since the start
    assert first.time_unix_nano < last.time_unix_nano


async def test_a_collector_that_refuses_is_shown_and_nothing_breaks(collector: Any) -> None:
    collector.status = 400
    meters = Meters()
    meters.degraded.add(("redis",))
    export = MeterExport(collector.url, "node-1", meters.read, every=3_600)
    export.start()
    await asyncio.to_thread(export.close)
    assert "did not take" in export.background.failing
