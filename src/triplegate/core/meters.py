"""Counters and histograms aggregated by hand: one look-up and one addition each; exporters read them as families."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from triplegate.core.meter_names import COUNTERS, HISTOGRAMS
from triplegate.core.record import AttemptRecord, Record

Labels = tuple[str | int, ...]
Kind = Literal["counter", "gauge", "histogram"]
Readings = Iterable[tuple[Labels, float]]
Points = Iterable[tuple[Labels, list[float]]]

OTHER = "__other__"
"""Label of the one series that takes what exceeds an instrument's bound (TM-2)."""
SERIES = 2_000
"""Most series one instrument keeps."""

HTTP_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
RPC_METHODS = frozenset(
    {
        *("initialize", "ping", "server/discover", "completion/complete", "logging/setLevel", "subscriptions/listen"),
        *("tools/list", "tools/call", "resources/list", "resources/read", "resources/templates/list"),
        *("resources/subscribe", "resources/unsubscribe", "prompts/list", "prompts/get", "tasks/get", "tasks/cancel"),
        *("notifications/progress", "notifications/roots/list_changed"),
        *("tasks/list", "tasks/result", "tasks/update", "notifications/initialized", "notifications/cancelled"),
    }
)
_LIMITS = frozenset({"quota_exceeded", "concurrency_exceeded", "budget_exceeded"})
_INPUT = slice(0, 6)
_OUTPUT = slice(6, 9)


class Family(msgspec.Struct, array_like=True):
    """All series of one instrument as read at one moment.

    A point's numbers are [value], or for a histogram its bucket counts (one more than bounds) and the sum at the end.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    points: list[tuple[Labels, list[float]]]


class Instrument:
    """One metric; the number of its series is bounded."""

    __slots__ = ("bound", "bounds", "help", "kind", "labels", "name", "series", "unit")
    kind: Kind

    def __init__(self, name: str, unit: str, text: str, labels: Sequence[str], bounds: tuple[float, ...] = ()) -> None:
        self.name, self.unit, self.help = name, unit, text
        self.labels = tuple(labels)
        self.bounds = bounds
        self.bound = SERIES
        self.series: dict[Labels, list[float]] = {}

    def _fresh(self, labels: Labels) -> list[float]:
        if len(self.series) >= self.bound:
            labels = (OTHER,) * len(self.labels)
        return self.series.setdefault(labels, [0] * (len(self.bounds) + 2 if self.bounds else 1))

    def read(self) -> Family:
        """The series as they stand."""
        points = [(labels, list(cells)) for labels, cells in self.series.items()]
        return Family(self.name, self.kind, self.unit, self.help, self.labels, self.bounds, points)


class Counter(Instrument):
    """A sum that only grows. `scale` turns the whole numbers kept into the unit shown, so that sums stay exact."""

    __slots__ = ("scale",)

    def __init__(self, name: str, unit: str, text: str, labels: Sequence[str] = (), scale: int = 1) -> None:
        super().__init__(name, unit, text, labels)
        self.kind = "counter"
        self.scale = scale

    def add(self, labels: Labels = (), amount: int = 1) -> None:
        """Grow the series of `labels` by `amount`."""
        cells = self.series.get(labels)
        if cells is None:
            cells = self._fresh(labels)
        cells[0] += amount

    def read(self) -> Family:
        """The series as they stand, in the unit shown."""
        family = super().read()
        if self.scale != 1:
            for _, cells in family.points:
                cells[0] /= self.scale
        return family


class Histogram(Instrument):
    """Counts by size; a value equal to a bound belongs to that bound's bucket."""

    __slots__ = ()

    def __init__(self, name: str, unit: str, text: str, labels: Sequence[str], bounds: tuple[float, ...]) -> None:
        super().__init__(name, unit, text, labels, bounds)
        self.kind = "histogram"

    def record(self, labels: Labels, value: float) -> None:
        """Count one `value`."""
        cells = self.series.get(labels)
        if cells is None:
            cells = self._fresh(labels)
        cells[bisect_left(self.bounds, value)] += 1
        cells[-1] += value


class Observed(Instrument):
    """A number that somebody else keeps; asked for when read. A source that fails shows no series."""

    __slots__ = ("_source", "failures")

    def __init__(
        self, name: str, unit: str, text: str, labels: Sequence[str], source: Callable[[], Readings], kind: Kind
    ) -> None:
        super().__init__(name, unit, text, labels)
        self.kind = kind
        self._source = source
        self.failures = 0

    def read(self) -> Family:
        """Ask the source."""
        points: list[tuple[Labels, list[float]]] = []
        try:
            for labels, value in self._source():
                if len(points) >= self.bound:
                    break
                points.append((labels, [value]))
        except Exception:  # noqa: BLE001 - one broken source must not take the scrape away from the others
            self.failures += 1
            points = []
        return Family(self.name, self.kind, self.unit, self.help, self.labels, (), points)


class Gathered(Instrument):
    """A histogram that somebody else keeps; asked for when read. A source that fails shows no series."""

    __slots__ = ("_source",)

    def __init__(
        self,
        name: str,
        unit: str,
        text: str,
        labels: Sequence[str],
        bounds: tuple[float, ...],
        source: Callable[[], Points],
    ) -> None:
        super().__init__(name, unit, text, labels, bounds)
        self.kind = "histogram"
        self._source = source

    def read(self) -> Family:
        """Ask the source."""
        try:
            points = [(labels, list(cells)) for labels, cells in self._source()]
        except Exception:  # noqa: BLE001 - as for Observed
            points = []
        return Family(self.name, self.kind, self.unit, self.help, self.labels, self.bounds, points)


class Meters:
    """Every instrument of the process; `exchange` counts one finished exchange, the rest is counted where it is."""

    server: Histogram
    overhead: Histogram
    client: Histogram
    model_tokens: Histogram
    model_seconds: Histogram
    first_chunk: Histogram
    chunk_seconds: Histogram
    served: Histogram
    first_token: Histogram
    token_seconds: Histogram
    tool_seconds: Histogram
    tool_client_seconds: Histogram
    loop_lag: Histogram
    refusals: Counter
    denied: Counter
    would_refuse: Counter
    degraded: Counter
    unpriced: Counter
    requests: Counter
    tokens: Counter
    cost: Counter

    def __init__(self) -> None:
        self.instruments: list[Instrument] = []
        for attribute, name, unit, text, labels, bounds in HISTOGRAMS:
            self._keep(attribute, Histogram(name, unit, text, labels, bounds))
        for attribute, name, unit, text, labels, scale in COUNTERS:
            self._keep(attribute, Counter(name, unit, text, labels, scale))

    def _keep(self, attribute: str, instrument: Instrument) -> None:
        setattr(self, attribute, instrument)
        self.instruments.append(instrument)

    def observe(
        self,
        name: str,
        unit: str,
        text: str,
        labels: Sequence[str],
        source: Callable[[], Readings],
        *,
        kind: Kind = "gauge",
    ) -> None:
        """Show a number that lives elsewhere; `source` is called at each read and must not wait."""
        self.instruments.append(Observed(name, unit, text, labels, source, kind))

    def gather(
        self,
        name: str,
        unit: str,
        text: str,
        labels: Sequence[str],
        bounds: tuple[float, ...],
        source: Callable[[], Points],
    ) -> None:
        """Show a histogram that lives elsewhere; `source` tells its series and must not wait."""
        self.instruments.append(Gathered(name, unit, text, labels, bounds, source))

    def exchange(
        self,
        record: Record,
        http_method: str,
        *,
        part: str = "",
        operation: str = "",
        rpc: str = "",
        by: str = "",
        pieces: Sequence[int] = (),
    ) -> None:
        """Count one finished exchange.

        `part` is the tool's name, `operation` gen_ai.operation.name, `by` the label of the policy that refused: like
        the record's route they must come from the configuration, never from the call. `rpc` and `http_method` may
        be anything; what is not known counts as _OTHER. `pieces` are the events with content of each attempt's stream.
        """
        gate, route, seconds = record.gate, record.route, record.duration_us / 1e6
        method = http_method if http_method in HTTP_METHODS else "_OTHER"
        self.server.record((gate, route, method, record.status), seconds)
        self.overhead.record((gate,), record.overhead_us / 1e6)
        if record.refusal:
            self.refusals.add((gate, route, record.refusal))
            if record.refusal in _LIMITS:
                self.denied.add((by or record.refusal,))
        for attempt in record.attempts:
            self.client.record(
                (attempt.target, attempt.role, attempt.status or "", attempt.error_class), attempt.duration_us / 1e6
            )
        if record.team:
            self._team(record)
        if gate == "llm":
            self._model(record, operation, seconds, pieces)
        elif gate == "mcp":
            known = rpc if rpc in RPC_METHODS else "_OTHER"
            self.tool_seconds.record((known, part, _error(record) or _failed_inside(record)), seconds)
            for attempt in record.attempts:
                self.tool_client_seconds.record((known, part, attempt.error_class), attempt.duration_us / 1e6)

    def _team(self, record: Record) -> None:
        org, team = record.org, record.team
        self.requests.add((org, team, record.gate))
        if record.cost > 0:  # what was charged too much is given back in the ledger; these only grow
            self.cost.add((org, team), record.cost)
        if record.usage_source != "none":
            self.tokens.add((org, team, "input"), max(0, sum(record.tokens[_INPUT])))
            self.tokens.add((org, team, "output"), max(0, sum(record.tokens[_OUTPUT])))

    def _model(self, record: Record, operation: str, seconds: float, pieces: Sequence[int]) -> None:
        provider = ""
        for place, attempt in enumerate(record.attempts):
            self._attempt(record, operation, attempt, pieces[place] if place < len(pieces) else 0)
            if attempt.adopted:
                provider = attempt.provider
        labels = (operation, provider, record.route)
        self.served.record((*labels, _error(record)), seconds)
        if record.streamed and record.first_byte_us:
            first = record.first_byte_us / 1e6
            self.first_token.record(labels, first)
            written = sum(record.tokens[_OUTPUT])
            if written > 1:
                self.token_seconds.record(labels, max(0.0, seconds - first) / (written - 1))

    def _attempt(self, record: Record, operation: str, attempt: AttemptRecord, pieces: int) -> None:
        labels = (operation, attempt.provider, record.route)
        seconds, first = attempt.duration_us / 1e6, attempt.first_byte_us / 1e6
        self.model_seconds.record((*labels, attempt.error_class), seconds)
        if record.streamed and first and attempt.adopted:
            self.first_chunk.record(labels, first)
            if pieces > 1:
                self.chunk_seconds.record(labels, max(0.0, seconds - first) / (pieces - 1))
        if attempt.usage_source != "none":
            if attempt.adopted and record.price_version == "none":
                self.unpriced.add(labels[1:])
            self.model_tokens.record((*labels, "input"), sum(attempt.tokens[_INPUT]))
            self.model_tokens.record((*labels, "output"), sum(attempt.tokens[_OUTPUT]))

    def read(self) -> list[Family]:
        """Every instrument as it stands; plain structs, so that a worker can send them to its leader."""
        return [instrument.read() for instrument in self.instruments]


def _error(record: Record) -> str:
    return "" if record.outcome == "ok" else record.refusal or record.outcome


def _failed_inside(record: Record) -> str:
    """What the server's own answer says went wrong: tool_error, rpc_error."""
    for attempt in record.attempts:
        if attempt.adopted:
            return attempt.error_class
    return ""


def merge(readings: Iterable[Sequence[Family]]) -> list[Family]:
    """The sum over workers: series with equal names and labels are added up."""
    families: dict[str, tuple[Family, dict[Labels, list[float]]]] = {}
    for reading in readings:
        for family in reading:
            _, sums = families.setdefault(family.name, (family, {}))
            for labels, cells in family.points:
                so_far = sums.get(labels)
                sums[labels] = cells if so_far is None else [a + b for a, b in zip(so_far, cells, strict=True)]
    return [msgspec.structs.replace(family, points=list(sums.items())) for family, sums in families.values()]
