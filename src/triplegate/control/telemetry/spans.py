"""Spans of sampled exchanges, built after the answer went out and exported in batches by a thread."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from triplegate.control.telemetry.background import Background
from triplegate.control.telemetry.contents import content
from triplegate.control.telemetry.finished import Finished, operation_of, sampled
from triplegate.control.telemetry.genai import Answered, Value, attributes
from triplegate.control.telemetry.mcp import failed_inside
from triplegate.control.telemetry.redact import Redactor
from triplegate.core.meters import RPC_METHODS
from triplegate.core.record import AttemptRecord, Record

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

_BOUND = 2_048
"""Exchanges that may wait for a slow collector."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")

_UNKNOWN = Answered()


class Span(msgspec.Struct, frozen=True):
    """One span, not yet in anyone's format. Ids as whole numbers, times in ns of Unix time."""

    name: str
    kind: Literal["server", "client"]
    trace_id: int
    span_id: int
    parent_id: int
    """0: a root."""
    remote_parent: bool
    started: int
    ended: int
    attributes: dict[str, Value]
    failed: bool


def attempt_span_id(server_span_id: int, n: int) -> int:
    """The span id of attempt `n`: a gate may send it on as traceparent before the span exists."""
    return (server_span_id + n) % (1 << 64) or 1


def spans_of(one: Finished, redactor: Redactor | None = None) -> list[Span]:
    """A SERVER span for the exchange and a CLIENT span for each attempt, in the words of the semantic conventions.

    With a `redactor` the adopted attempt of a model call carries what was asked and answered, if that was kept.
    """
    record = one.record
    _, trace, own, _ = record.traceparent.split("-")
    trace_id, span_id = int(trace, 16), int(own, 16)
    parent = _TRACEPARENT.fullmatch(one.parent)
    joined = parent is not None and parent[1] == trace
    started = int(record.started * 1e9)
    server = Span(
        _server_name(one),
        "server",
        trace_id,
        span_id,
        int(parent[2], 16) if parent is not None and joined else 0,
        joined,
        started,
        started + record.duration_us * 1000,
        _server_attributes(one),
        record.status >= 500 or record.outcome == "failed" or (record.gate == "mcp" and bool(failed_inside(record))),
    )
    said = content(*one.content, redactor) if one.content is not None and redactor is not None else {}
    clients = [_client(one, attempt, trace_id, span_id, started, said) for attempt in record.attempts]
    return [server, *clients]


def _server_name(one: Finished) -> str:
    record = one.record
    if one.rpc:
        return _rpc_name(one)
    return f"{one.http_method} {record.route}".rstrip()


def _server_attributes(one: Finished) -> dict[str, Value]:
    record = one.record
    found: dict[str, Value] = {
        "http.request.method": one.http_method,
        "http.response.status_code": record.status,
        "http.route": record.route,
        "url.path": one.path,
        "server.address": one.host,
        "client.address": one.peer,
        "error.type": _error(record),
        "triplegate.gate": record.gate,
        "triplegate.exchange": record.exchange,
        "triplegate.outcome": record.outcome,
        "triplegate.policy": one.policy,
        "triplegate.prompt": one.prompt,
        "triplegate.org": record.org,
        "triplegate.team": record.team,
        "triplegate.snapshot": record.snapshot,
        "triplegate.cache": "" if record.cache == "none" else record.cache,
        "triplegate.overhead": record.overhead_us / 1e6,
    }
    if one.rpc:
        found |= _tool(one)
    return {name: value for name, value in found.items() if value != ""}


def _tool(one: Finished) -> dict[str, Value]:
    method = _rpc(one)
    return {"mcp.method.name": method, "gen_ai.tool.name": one.part if method == "tools/call" else "", **one.request}


def _rpc(one: Finished) -> str:
    """A known method: what clients invent does not name spans."""
    return one.rpc if one.rpc in RPC_METHODS else "_OTHER"


def _rpc_name(one: Finished) -> str:
    return f"{_rpc(one)} {one.part or one.request.get('gen_ai.prompt.name', '')}".rstrip()


def _error(record: Record) -> str:
    if record.outcome == "ok":
        if record.gate == "mcp" and (inside := failed_inside(record)):
            return inside
        return str(record.status) if record.status >= 500 else ""
    return record.refusal or record.outcome


def _client(
    one: Finished, attempt: AttemptRecord, trace_id: int, server_id: int, started: int, said: dict[str, str]
) -> Span:
    record = one.record
    begun = started + attempt.offset_us * 1000
    found: dict[str, Value] = {
        "triplegate.upstream": attempt.target,
        "triplegate.attempt.role": attempt.role,
        "triplegate.attempt.adopted": str(attempt.adopted).lower(),
        "http.request.method": one.http_method,
        "http.response.status_code": attempt.status or "",
        "http.request.resend_count": attempt.n - 1 or "",
        "error.type": attempt.error_class,
    }
    name = one.http_method
    if record.gate == "llm":
        operation = operation_of(one.path)
        answer = one.answers[attempt.n - 1] if attempt.n <= len(one.answers) else _UNKNOWN
        found |= attributes(record, attempt, operation, answer, one.request)
        if attempt.adopted:
            found |= said
        name = f"{operation} {found['gen_ai.request.model']}"
    elif one.rpc:
        name = _rpc_name(one)
        found |= _tool(one) | one.far
    return Span(
        name,
        "client",
        trace_id,
        attempt_span_id(server_id, attempt.n),
        server_id,
        False,
        begun,
        begun + attempt.duration_us * 1000,
        {key: value for key, value in found.items() if value != ""},
        bool(attempt.error_class),
    )


class SpanExport:
    """Sends spans to an OTLP/HTTP collector; what a slow collector cannot take is dropped and counted."""

    def __init__(
        self, endpoint: str, node: str, bound: int = _BOUND, timeout: float = 5.0, *, redact: Sequence[str] = ()
    ) -> None:
        self._endpoint, self._node, self._timeout = endpoint.rstrip("/"), node, timeout
        self._exporter: Any = None
        self._resource: Any = None
        self._redact = redact
        self._redactor: Redactor | None = None
        self.background: Background[list[Finished]] = Background("spans", self._export, bound)

    def start(self) -> None:
        """Start the thread; nothing is sent before the first sampled exchange."""
        self.background.start()

    def take(self, batch: Sequence[Finished]) -> None:
        """Hand the sampled ones over; never waits."""
        chosen = [one for one in batch if sampled(one.record.traceparent)]
        if chosen:
            weight = len(chosen) + sum([sum(map(len, one.content)) >> 13 for one in chosen if one.content is not None])
            self.background.put(chosen, weight, len(chosen))

    def close(self) -> None:
        """Send what waits, for at most 2 s."""
        self.background.close()
        if self._exporter is not None:
            self._exporter.shutdown()

    def _export(self, batch: list[Finished]) -> None:
        if self._exporter is None:
            self._connect()
        spans = [readable(span, self._resource) for one in batch for span in spans_of(one, self._redactor)]
        for one in batch:
            one.content = None  # the live tail keeps these longer
        if not self._exporter.export(spans).value == 0:
            raise ConnectionError(f"the collector at {self._endpoint} did not take {len(spans)} spans")

    def _connect(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        from triplegate.control.telemetry.otel import quiet, resource

        quiet()
        self._redactor = Redactor(self._redact)
        self._resource = resource(self._node)
        self._exporter = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces", timeout=self._timeout)


def readable(span: Span, resource: "Resource") -> "ReadableSpan":
    """The span as the OpenTelemetry SDK's exporters want it."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    flags = TraceFlags(TraceFlags.SAMPLED)
    parent = SpanContext(span.trace_id, span.parent_id, span.remote_parent, flags) if span.parent_id else None
    return ReadableSpan(
        span.name,
        SpanContext(span.trace_id, span.span_id, is_remote=False, trace_flags=flags),
        parent,
        resource,
        span.attributes,
        kind=SpanKind.SERVER if span.kind == "server" else SpanKind.CLIENT,
        status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
        start_time=span.started,
        end_time=span.ended,
        instrumentation_scope=InstrumentationScope("triplegate"),
    )
