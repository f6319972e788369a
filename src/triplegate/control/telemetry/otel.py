"""The meters pushed to an OTLP/HTTP collector from a thread; the same numbers that Prometheus reads."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from triplegate.control.telemetry.background import Background
from triplegate.core.meters import Family, Labels

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource


def quiet() -> None:
    """A collector that is away is counted and shown, not logged once per batch."""
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)


def resource(node: str) -> "Resource":
    """Who sends: service.name and service.instance.id."""
    from opentelemetry.sdk.resources import Resource

    return Resource({"service.name": "triplegate", "service.instance.id": node})


def as_sdk_metrics(families: Sequence[Family], sender: "Resource", since: int, now: int) -> "MetricsData":
    """The families in the SDK's own export form, cumulative since `since` (ns of Unix time).

    The API has no observable histogram, so the points are made here instead of by instruments.
    """
    from opentelemetry.sdk.metrics import export as sdk
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    metrics = [sdk.Metric(f.name, f.help, f.unit, _points(f, since, now)) for f in families if f.points]
    scope = sdk.ScopeMetrics(InstrumentationScope("triplegate"), metrics, "")
    return sdk.MetricsData([sdk.ResourceMetrics(sender, [scope], "")])


def _points(family: Family, since: int, now: int) -> Any:
    from opentelemetry.sdk.metrics import export as sdk

    cumulative = sdk.AggregationTemporality.CUMULATIVE
    if family.kind == "histogram":
        bounds = family.bounds
        counted = [
            sdk.HistogramDataPoint(
                attributes=_attributes(family, labels),
                start_time_unix_nano=since,
                time_unix_nano=now,
                count=int(sum(cells[:-1])),
                sum=cells[-1],
                bucket_counts=[int(count) for count in cells[:-1]],
                explicit_bounds=list(bounds),
                min=_least(cells, bounds),
                max=_most(cells, bounds),
            )
            for labels, cells in family.points
        ]
        return sdk.Histogram(counted, cumulative)
    points = [sdk.NumberDataPoint(_attributes(family, labels), since, now, cells[0]) for labels, cells in family.points]
    return sdk.Sum(points, cumulative, is_monotonic=True) if family.kind == "counter" else sdk.Gauge(points)


def _attributes(family: Family, labels: Labels) -> dict[str, str | int]:
    return {name: value for name, value in zip(family.labels, labels, strict=True) if value != ""}


def _least(cells: list[float], bounds: tuple[float, ...]) -> float:
    """A lower bound of what was counted: the exact minimum is not kept."""
    first = next((place for place, count in enumerate(cells[:-1]) if count), 0)
    return float((0, *bounds)[first])


def _most(cells: list[float], bounds: tuple[float, ...]) -> float:
    last = max((place for place, count in enumerate(cells[:-1]) if count), default=0)
    return float((*bounds, bounds[-1])[last])


class MeterExport:
    """Pushes what `read` returns every `every` seconds: read on the loop, encoded and sent by a thread."""

    def __init__(
        self, endpoint: str, node: str, read: Callable[[], Sequence[Family]], every: float = 15.0, timeout: float = 5.0
    ) -> None:
        self._endpoint, self._node, self._read = endpoint.rstrip("/"), node, read
        self._every, self._timeout = every, timeout
        self._since = time.time_ns()
        self._exporter: Any = None
        self._resource: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self.background: Background[Sequence[Family]] = Background("meters", self._send, 2)

    def start(self) -> None:
        """Begin on the running loop."""
        self.background.start()
        self._timer = asyncio.get_running_loop().call_later(self._every, self._push)

    def close(self) -> None:
        """Push once more, for at most 2 s."""
        if self._timer is not None:
            self._timer.cancel()
        self.background.put(self._read(), 1)
        self.background.close()
        if self._exporter is not None:
            self._exporter.shutdown()

    def _push(self) -> None:
        self.background.put(self._read(), 1)
        self._timer = asyncio.get_running_loop().call_later(self._every, self._push)

    def _send(self, families: Sequence[Family]) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        if self._exporter is None:
            quiet()
            self._resource = resource(self._node)
            self._exporter = OTLPMetricExporter(endpoint=f"{self._endpoint}/v1/metrics", timeout=self._timeout)
        batch = as_sdk_metrics(families, self._resource, self._since, time.time_ns())
        if self._exporter.export(batch).value != 0:
            raise ConnectionError(f"the collector at {self._endpoint} did not take the metrics")
