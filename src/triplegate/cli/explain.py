"""`triplegate explain`: what would become of a request, step by step; nothing is sent and nothing is counted."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from triplegate.cli.failures import Failed
from triplegate.cli.offline import loaded_of, with_store
from triplegate.cli.place import Place, find_place

if TYPE_CHECKING:
    from triplegate.config.load import Loaded
    from triplegate.core.exchange import Exchange
    from triplegate.core.http import Inbound, Reply
    from triplegate.core.ports import Kit
    from triplegate.gateway import Gateway


def explain(
    method: Annotated[str, Parameter(help="GET, POST …")],
    url: Annotated[str, Parameter(help="As the client would call it: http://host/path?query.")],
    *,
    header: Annotated[
        tuple[str, ...], Parameter(name=["--header", "-H"], help="'Name: value'; repeat for several.")
    ] = (),
    body: Annotated[str, Parameter(name=["--body", "-d"], help="Request body.")] = "",
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
) -> int:
    """Show route, policies in order with verdict and time, and the answer's status; exit 1 when it is refused."""
    place = find_place(config)
    loaded = loaded_of(place)
    lines, refused = asyncio.run(_explain(place, loaded, method.upper(), url, header, body))
    print("\n".join(lines))
    return 1 if refused else 0


async def _explain(
    place: Place, loaded: "Loaded", method: str, url: str, headers: Sequence[str], body: str
) -> tuple[list[str], bool]:
    from triplegate.core.clock import SystemClock
    from triplegate.core.errors import Refusal
    from triplegate.core.house import Household
    from triplegate.edge.serve import open_exchange
    from triplegate.gateway import Gateway

    kit = await asyncio.to_thread(_kit, loaded)
    gateway = Gateway(kit, Household(SystemClock(), _Nothing(), _Nothing(), "explain"))
    gateway.swap(gateway.compile(loaded.documents, traced=True, last=_would_forward))
    made = inbound_of(method, url, headers, body.encode())
    if isinstance(made, Refusal):
        return [f"edge      REFUSED {made.code}: {made.detail}", f"-> {made.status}"], True
    exchange = open_exchange(gateway.gate_for(made.path), made)
    reply = await gateway.answer(exchange.gate, exchange)
    await kit.supervisor.close()  # type: ignore[attr-defined]
    lines = describe(gateway, exchange, reply)  # which may find that no deployment can be called
    return lines, exchange.refusal is not None


class _Nothing:
    """Keeps no record and looks at nothing."""

    def append(self, record: object) -> None:
        """Not kept."""

    def finished(self, exchange: object, record: object) -> None:
        """Not looked at."""


async def _would_forward(exchange: "Exchange") -> "Reply":
    from triplegate.core.http import OneFrame, Reply

    return Reply(200, [], OneFrame(), source="local")


def _kit(loaded: "Loaded") -> "Kit":
    """A read-only kit: keys as the database has them now, limits that are looked at and never taken."""
    from triplegate.config.environment import environment
    from triplegate.config.pepper import load_pepper
    from triplegate.config.secrets import FileSecrets
    from triplegate.core.clock import SystemClock
    from triplegate.core.ports import Kit
    from triplegate.stores.memory.store import MemoryStore
    from triplegate.upstreams.dial import HttpxDial
    from triplegate.upstreams.supervisor import TaskSupervisor

    async def keys(store: Any) -> Any:
        return store.index

    clock = SystemClock()
    memory = MemoryStore(clock)
    return Kit(
        clock=clock,
        admission=memory.admission,
        keys=with_store(loaded, keys),
        secrets=FileSecrets(Path(loaded.settings.directory), environment()),
        supervisor=TaskSupervisor(),
        dial=HttpxDial(allow_private=loaded.settings.allow_private),
        cache=memory.cache,
        sessions=memory.sessions,
        mailbox=memory.mailbox,
        broadcast=memory.broadcast,
        lease=memory.lease,
        once=memory.once,
        vectors=memory.vectors,
        pepper=load_pepper(loaded.settings),
        offline=True,
    )


def inbound_of(method: str, url: str, headers: Sequence[str], body: bytes) -> "Inbound | Any":
    """The canonical request for a URL and header lines, or the edge guard's refusal. Raises Failed."""
    import msgspec

    from triplegate.core.http import BytesBody, Peer
    from triplegate.edge.guard import canonical

    try:
        parts = urlsplit(url if "://" in url else f"http://localhost{url}")
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failed(f"'{url}' is not a URL: http://host/path", 2)
    lines = [(b"host", parts.netloc.rpartition("@")[2].encode())]
    for line in headers:
        name, colon, value = line.partition(":")
        if not colon:
            raise Failed(f"'{line}' is not a header: 'Name: value'", 2)
        try:
            lines.append((name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")))
        except UnicodeEncodeError:
            raise Failed(f"'{line}' is not a header: only Latin-1 can be sent", 2) from None
    if body:
        lines.append((b"content-length", str(len(body)).encode()))
    target = (parts.path or "/").encode() + (b"?" + parts.query.encode() if parts.query else b"")
    peer = Peer("127.0.0.1")
    seen = canonical("data", method, target, lines, "1.1", parts.scheme, peer)
    if isinstance(seen, Exception):
        return seen
    return msgspec.structs.replace(seen.inbound(BytesBody(body)), client="127.0.0.1")


def describe(gateway: "Gateway", exchange: "Exchange", reply: "Reply") -> list[str]:
    """The answer as lines: gate, route and why it won, who, each policy with verdict and time, targets, status."""
    from triplegate.core.errors import Refusal
    from triplegate.gates.api.gate import ApiGate
    from triplegate.gates.llm.gate import LlmGate
    from triplegate.gates.mcp.gate import McpGate
    from triplegate.gates.mcp.weigh import weigh

    snapshot = gateway.snapshot
    assert snapshot is not None
    route, principal = exchange.route, exchange.principal
    lines = [f"snapshot  {snapshot.hash[:12]}", f"gate      {exchange.gate.name}"]
    lines.append(f"route     {route.name}  {route.origin}" if route is not None else "route     none")
    if isinstance(exchange.gate, ApiGate):
        lines += [f"match     {line}" for line in exchange.gate.weigh(exchange.inbound)]
    if principal is not None:
        plan = f"  plan {principal.plan}" if principal.plan else ""
        lines.append(f"caller    {principal.team_ref}/{principal.consumer} by {principal.method}{plan}")
    for number, (label, verdict, reason) in enumerate(exchange.decisions, 1):
        lines.append(f"{number:>3}  {label:<40} {verdict:<12} {reason}")
    for standing in exchange.standings:
        limit = standing.claim.limit
        lines.append(f"     limit {limit.name}: {standing.remaining} of {limit.quota} left")
    first = ""
    if isinstance(exchange.gate, LlmGate) and exchange.refusal is None:
        lines += [f"target    {line}" for line in exchange.gate.weigh(exchange)]
        try:
            first = exchange.gate.first(exchange)
        except Refusal as nothing:
            exchange.refusal = nothing
    if isinstance(exchange.gate, McpGate):
        lines += [f"target    {line}" for line in weigh(exchange)]
    return [*lines, _end(exchange, reply, first)]


def _end(exchange: "Exchange", reply: "Reply", first: str) -> str:
    """What the client would get, and from whom; `first`: the deployment that is tried first."""
    route, refusal = exchange.route, exchange.refusal
    if refusal is not None:
        return f"-> {refusal.status} {refusal.code}: {refusal.reason}"
    if first:
        return f"-> {reply.status}, from {first} unless it fails; nothing was sent"
    if route is not None and route.targets:
        names = ", ".join(f"{target.name} (weight {weight})" for target, weight in route.targets)
        return f"-> {reply.status}, from {names}; nothing was sent"
    return f"-> {reply.status}, by the gateway itself"
