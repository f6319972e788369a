"""What the control plane sees of the running house: a GatewayView over the real gateway."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import triplegate
from triplegate.config.documents import Documents
from triplegate.control.limited import limit_views
from triplegate.control.priced import price_views
from triplegate.control.prompted import PromptView, prompt_views
from triplegate.control.remembered import NamespaceView, lacking, namespaces
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.payers import house_of
from triplegate.control.view import (
    Degraded,
    EndpointView,
    GatewayView,
    LimitView,
    PriceView,
    Reloaded,
    RouteView,
    Running,
    TeamView,
    UpstreamView,
)
from triplegate.core.errors import Fault
from triplegate.core.exchange import Exchange
from triplegate.core.gradient import Gradient
from triplegate.core.identity import KeyRecord
from triplegate.core.meters import Points
from triplegate.core.money import to_dollars
from triplegate.core.policy import Policy
from triplegate.gates.api.gate import ApiGate
from triplegate.gates.api.mirror import Copies
from triplegate.gates.llm.cooldown import Cooldown
from triplegate.gates.llm.shadow import Spent
from triplegate.gates.mcp.gate import McpGate
from triplegate.gates.mcp.server import Server
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.gateway import Gateway
from triplegate.stores.answers.purging import purge, purge_before
from triplegate.stores.memory.room import Room, Rooms
from triplegate.stores.spool import Spool
from triplegate.stores.verdicts.tally import Tally
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.endpoint import Endpoint
from triplegate.upstreams.group import Group
from triplegate.upstreams.grpc import GrpcChannel
from triplegate.upstreams.pool import Pool


class Sight(GatewayView):
    """Reads numbers that are there anyway; nothing is counted for it."""

    def __init__(  # noqa: PLR0913 - what it looks at, each named once
        self,
        gateway: Gateway,
        spool: Spool,
        live: Callable[[], Iterable[Exchange]],
        *,
        gates: Mapping[str, str],
        origin: str,
        reload: Callable[[], Awaitable[Reloaded]],
        validate: Callable[[Mapping[str, str]], Awaitable[Sequence[Fault]]],
        degraded: Callable[[], Sequence[Degraded]],
        waiting: Callable[[], Sequence[str]],
        drift: Callable[[], Iterable[tuple[str, float]]] = tuple,
    ) -> None:
        self._gateway, self._spool, self._live = gateway, spool, live
        self._gates, self._origin = gates, origin
        self._reload, self._validate, self._degraded, self._waiting = reload, validate, degraded, waiting
        self._drift = drift

    def running(self) -> Running:
        """The configuration in force, and why the newest one is not, if so."""
        gateway = self._gateway
        snapshot = gateway.snapshot
        if snapshot is None:
            return Running("", 0, 0.0, self._origin, version=triplegate.__version__)
        return Running(
            snapshot.hash,
            snapshot.generation,
            snapshot.loaded_at,
            self._origin,
            last_error=gateway.last_error,
            last_error_at=gateway.last_error_at,
            version=triplegate.__version__,
        )

    def routes(self) -> Sequence[RouteView]:
        """Routes, models and servers of the snapshot."""
        snapshot = self._gateway.snapshot
        return () if snapshot is None else tuple(route_views(snapshot.documents, snapshot.faults))

    def upstreams(self) -> Sequence[UpstreamView]:
        """One line for each pool or gRPC channel (origins that the configuration has named) and each MCP server."""
        channels = self._gateway.kit.states.every(GrpcChannel)
        spoken = {str(channel.origin) for channel in channels}
        found = []
        for pool in self._pools():
            if not pool.opened and str(pool.origin) in spoken:
                continue  # made with the endpoint, and never used
            counters = pool.counters()
            state = "up" if counters.open else "unknown"
            if pool.failing:
                state = "down"
            found.append(
                UpstreamView(
                    str(pool.origin),
                    "origin",
                    str(pool.origin),
                    state,
                    pool.failing,
                    counters.open,
                    counters.idle,
                    counters.waiting,
                )
            )
        found += [_channel_view(channel) for channel in channels]
        gate = self._gateway.snapshot.gates["mcp"] if self._gateway.snapshot is not None else None
        if isinstance(gate, McpGate):
            found += [_server_view(server) for _, server in sorted(gate.servers.items())]
        return found

    def endpoints(self) -> Sequence[EndpointView]:
        """Endpoints of the services that choose among them or watch them."""
        gate = self._gateway.snapshot.gates["api"] if self._gateway.snapshot is not None else None
        if not isinstance(gate, ApiGate):
            return ()
        now = self._gateway.kit.clock.now()
        groups = [service.group for service in gate.services.values() if service.chooses]
        return [_endpoint_view(group, endpoint, now) for group in groups for endpoint in group.endpoints]

    def teams(self) -> Sequence[TeamView]:
        """Teams with their consumers."""
        snapshot = self._gateway.snapshot
        if snapshot is None:
            return ()
        return [
            TeamView(org_name, team_name, team.plan or "", tuple(team.consumers))
            for org_name, org in snapshot.documents.orgs.items()
            for team_name, team in org.teams.items()
        ]

    def house(self) -> House:
        """Who pays, as the snapshot has it."""
        snapshot = self._gateway.snapshot
        return super().house() if snapshot is None else house_of(snapshot.documents)

    def plans(self) -> Sequence[str]:
        """Names of the plans in force."""
        snapshot = self._gateway.snapshot
        return () if snapshot is None else tuple(snapshot.documents.plans)

    def prompts(self) -> Sequence[PromptView]:
        """Of the snapshot that serves."""
        snapshot = self._gateway.snapshot
        return () if snapshot is None else tuple(prompt_views(snapshot.documents))

    def prices(self) -> Sequence[PriceView]:
        """Prices of the snapshot."""
        snapshot = self._gateway.snapshot
        return () if snapshot is None else tuple(price_views(snapshot.documents))

    async def limits(self, keys: Iterable[KeyRecord]) -> Sequence[LimitView]:
        """Limits of the snapshot, as the state of all workers and nodes has them."""
        snapshot = self._gateway.snapshot
        if snapshot is None:
            return ()
        return await limit_views(snapshot.documents, keys, self._gateway.kit.admission)

    def answers(self) -> Sequence[NamespaceView]:
        """Namespaces of semantic caches, of this worker."""
        return namespaces(self._gateway.kit.states)

    async def purge_answers(self, team: str, model: str, tag: str, before: float | None) -> int:
        """Forget remembered answers; 0 where they are passed over from now on instead."""
        cache = self._gateway.kit.cache
        if before is not None:
            await purge_before(cache, before, team)
            return 0
        return await purge(cache, team=team, model=model, tag=tag)

    def gates(self) -> Mapping[str, str]:
        """Gate → URL."""
        return self._gates

    def degraded(self) -> Sequence[Degraded]:
        """What works less well than promised."""
        why = lacking(self._gateway.kit.states)
        unread = [Degraded("semantic cache", f"only equal questions are answered: {one}") for one in why]
        return [*self._degraded(), *unread]

    def not_ready(self) -> Sequence[str]:
        """Why no traffic should come now."""
        return self._waiting()

    def active(self) -> Mapping[str, int]:
        """Gate → exchanges under way."""
        counts = dict.fromkeys(("api", "llm", "mcp"), 0)
        for exchange in self._live():
            counts[exchange.gate.name] += 1
        return counts

    def spool(self) -> Iterable[tuple[str, int, int]]:
        """Entries and bytes that wait for the ledger."""
        return [(name, depth.entries, depth.size) for name, depth in self._spool.depth().items()]

    def ledger_lag(self) -> float:
        """Seconds since both lanes were last empty; 0 while they are."""
        waiting = any(depth.entries for depth in self._spool.depth().values())
        if not waiting or not self._spool.drained_at:
            return 0.0
        return max(0.0, self._gateway.kit.clock.wall() - self._spool.drained_at)

    def reloads(self) -> tuple[int, int]:
        """Changes taken and refused since the start."""
        return self._gateway.taken, self._gateway.refused

    def budget_drift(self) -> Iterable[tuple[str, float]]:
        """US dollars by which a budget's counters differ from the ledger."""
        return self._drift()

    def session_times(self, side: str) -> Points:
        """Of clients, or ours at servers."""
        kit = self._gateway.kit
        for log in kit.states.every(SessionLog):
            log.ages.expire(kit.clock.wall())
            yield from (log.ages.server if side == "server" else log.ages.client).read().points

    def mirrors(self) -> Iterable[tuple[str, str, int]]:
        """Copies of calls by policy and outcome."""
        for copies in self._gateway.kit.states.every(Copies):
            for outcome, count in copies.counts.items():
                yield copies.label, outcome, count

    def verdicts(self) -> Iterable[tuple[str, str, str, int]]:
        """What guards that others run have said, by policy and guard."""
        for tally in self._gateway.kit.states.every(Tally):
            for (guard, verdict), count in list(tally.counts.items()):
                yield tally.label, guard, verdict, count

    def pools(self) -> Iterable[tuple[str, int, int, int]]:
        """Connections by origin."""
        for pool in self._pools():
            counters = pool.counters()
            yield str(pool.origin), counters.open, counters.idle, counters.waiting

    def rooms(self) -> Iterable[tuple[str, int, int]]:
        """Calls inside and waiting, by policy."""
        states = self._gateway.kit.states
        for name, room in states.named(Room):
            yield _label(name), room.inside, len(room.queue)
        for name, rooms in states.named(Rooms):
            yield _label(name), *rooms.totals()

    def found_limits(self) -> Iterable[tuple[str, int]]:
        """Numbers that were found, by policy."""
        for name, gradient in self._gateway.kit.states.named(Gradient):
            yield _label(name), int(gradient.number)

    def breakers(self) -> Iterable[tuple[str, str]]:
        """How breakers stand that have seen a call."""
        now = self._gateway.kit.clock.now()
        for name, breaker in self._gateway.kit.states.named(Breaker):
            if breaker.used:
                yield name, breaker.state(now)

    def cooldowns(self) -> Iterable[tuple[str, str, bool, int]]:
        """Quota groups and keys that were left alone at least once."""
        now = self._gateway.kit.clock.now()
        for name, cooldown in self._gateway.kit.states.named(Cooldown):
            kind, _, named = name.partition(":")
            if cooldown.cooled or cooldown.until:
                yield kind, named, cooldown.left(now) > 0, cooldown.cooled

    def shadows(self) -> Iterable[tuple[str, str, int]]:
        """Copies of model calls by outcome."""
        for name, spent in self._gateway.kit.states.named(Spent):
            for outcome, count in list(spent.counts.items()):
                yield name.removeprefix("shadow:"), outcome, count

    def shadow_costs(self) -> Iterable[tuple[str, float]]:
        """What they have cost."""
        for name, spent in self._gateway.kit.states.named(Spent):
            yield name.removeprefix("shadow:"), float(to_dollars(spent.cost))

    def _pools(self) -> list[Pool]:
        return self._gateway.kit.states.every(Pool)

    async def validate(self, documents: Mapping[str, str]) -> Sequence[Fault]:
        """What is wrong with documents; nothing is applied."""
        return await self._validate(documents)

    async def reload(self) -> Reloaded:
        """Read the configuration anew and swap, or keep the last good one."""
        return await self._reload()


def _label(name: str) -> str:
    """The policy's label, of the name under which it keeps its state."""
    return name.partition("|")[2]


def _channel_view(channel: GrpcChannel) -> UpstreamView:
    """A gRPC channel: one connection, with so many calls under way."""
    name, up = f"{channel.origin} (gRPC)", channel.connected
    state = "down" if channel.failing else "up" if up else "unknown"
    return UpstreamView(name, "origin", str(channel.origin), state, channel.failing, int(up))


def _server_view(server: Server) -> UpstreamView:
    """An MCP server, whatever it is reached by."""
    verdict = server.verdict
    return UpstreamView(
        f"server:{server.name}", "server", server.place.partition("|")[2], verdict.state, verdict.reason
    )


def _endpoint_view(group: Group, endpoint: Endpoint, now: float) -> EndpointView:
    standing = endpoint.standing
    state, reason = group.state_of(endpoint, now)
    return EndpointView(
        group.name,
        endpoint.name,
        state,
        reason,
        endpoint.weight,
        endpoint.backup,
        endpoint in group.usable(now),
        standing.active,
        standing.calls,
        standing.failed,
        standing.ejected,
        standing.seconds,
    )


def route_views(documents: Documents, faults: Iterable[str]) -> Iterable[RouteView]:
    """Routes, models and servers as the page shows them."""
    trouble = list(faults)

    def labels(policies: Iterable[Policy]) -> tuple[str, ...]:
        return tuple(policy.label for policy in policies)

    def troubled(origin: str, policies: Iterable[Policy]) -> str:
        places = tuple(f"{place} " for place in (origin, *(policy.origin for policy in policies)) if place)
        return next((fault for fault in trouble if fault.startswith(places)), "")

    common = documents.gateway.policies
    for name, route in documents.routes.items():
        origin = documents.origin("routes", name)
        match = ", ".join(f"{'|'.join(one.methods) or 'any'} {one.host}{one.path}" for one in route.match)
        targets = tuple(one.service for one in route.shares)
        billed = route.price is not None
        chain = common + route.policies
        why = troubled(origin, chain)
        yield RouteView(name, "api", match, targets, labels(chain), route.owner or "", billed, origin, why)
    for name, model in documents.models.items():
        origin = documents.origin("models", name)
        targets = tuple(one.name or f"{one.provider}/{one.model}" for one in model.deployments)
        chain = common + documents.llm.policies + model.policies
        why = troubled(origin, chain)
        yield RouteView(name, "llm", f"model {name}", targets, labels(chain), model.owner or "", True, origin, why)
    for name, server in documents.servers.items():
        origin = documents.origin("servers", name)
        chain = common + documents.mcp.policies + server.policies
        match = f"tools {server.alias or name}__*"
        why = troubled(origin, chain)
        yield RouteView(name, "mcp", match, (server.place,), labels(chain), server.owner or "", True, origin, why)
