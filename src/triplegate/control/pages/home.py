"""What the one page shows; every number comes from a query that the API or /metrics answers as well."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from triplegate.control.admin.access import Caller
from triplegate.control.admin.paths.configuration import degraded, seen_routes
from triplegate.control.admin.paths.usage import DAY, UsageReport, report
from triplegate.control.parts import Parts
from triplegate.control.telemetry.tail import Entry
from triplegate.control.view import Degraded, EndpointView, RouteView, Running, UpstreamView
from triplegate.core.meters import Family

_GATES = ("api", "llm", "mcp")
_SHOWN = 50


class GateCard(msgspec.Struct, frozen=True):
    """One gate: where it listens, what is open now and what was answered since the start."""

    name: str
    url: str
    active: int
    requests: int
    refused: int


class Home(msgspec.Struct, frozen=True):
    """Everything on the page. Gates, upstreams, endpoints and what is degraded: for callers of the whole house only."""

    caller: Caller
    config: Running
    loaded: datetime
    failed: datetime
    gates: list[GateCard]
    degraded: list[Degraded]
    usage: UsageReport | None
    """None while the ledger cannot be asked."""
    upstreams: list[UpstreamView]
    endpoints: list[EndpointView]
    routes: list[RouteView]
    tail: list[Entry]
    newest: int


async def home(caller: Caller, parts: Parts) -> Home:
    """Ask everything the caller may see."""
    families = parts.telemetry.read()
    entries = parts.telemetry.tail.last(lambda entry: caller.sees(entry.org, entry.team), most=_SHOWN)
    config, until = parts.view.running(), parts.clock.wall()
    if caller.bound:
        config = msgspec.structs.replace(config, origin="", last_error="")
    return Home(
        caller=caller,
        config=config,
        loaded=datetime.fromtimestamp(config.loaded_at, UTC),
        failed=datetime.fromtimestamp(config.last_error_at, UTC),
        gates=[] if caller.bound else _cards(families, parts),
        degraded=[] if caller.bound else degraded(parts),
        usage=await _usage(caller, parts, until),
        upstreams=[] if caller.bound else list(parts.view.upstreams()),
        endpoints=[] if caller.bound else list(parts.view.endpoints()),
        routes=seen_routes(caller, parts),
        tail=entries[::-1],
        newest=parts.telemetry.tail.newest,
    )


async def _usage(caller: Caller, parts: Parts, until: float) -> UsageReport | None:
    """The last day; the rest of the page must not go away with the store."""
    try:
        return await report(caller, parts, ["org", "team"], until - DAY, until)
    except Exception as error:
        if getattr(error, "remedy", None) is None:
            raise
        return None


def _cards(families: Iterable[Family], parts: Parts) -> list[GateCard]:
    by_name = {family.name: family for family in families}
    answered = _by_gate(by_name["http.server.request.duration"])
    refused = _by_gate(by_name["triplegate.refusals"])
    urls, active = parts.view.gates(), parts.view.active()
    return [
        GateCard(gate, urls.get(gate, ""), active.get(gate, 0), answered.get(gate, 0), refused.get(gate, 0))
        for gate in _GATES
    ]


def _by_gate(family: Family) -> dict[str, int]:
    """How often, by the first label."""
    sums: dict[str, int] = {}
    for labels, cells in family.points:
        count = sum(cells[:-1]) if family.kind == "histogram" else cells[0]
        gate = str(labels[0])
        sums[gate] = sums.get(gate, 0) + int(count)
    return sums
