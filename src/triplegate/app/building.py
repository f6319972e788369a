"""Everything of one worker process: ports, house, gateway, planes; opened in order, closed in reverse."""

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from triplegate.app.application import Triplegate
from triplegate.app.approvals import NodeApprovals
from triplegate.app.books import NodeBooks
from triplegate.app.budgets import Budgets
from triplegate.app.chores import chores
from triplegate.app.commands import Commands
from triplegate.app.loading import load_models
from triplegate.app.node import Crew, NodeKeys, NodeSight, NodeTelemetry
from triplegate.app.prices import PriceNotes
from triplegate.app.reloading import Reloading
from triplegate.app.tools import Tools
from triplegate.app.workers import Follower
from triplegate.config.environment import environment
from triplegate.config.load import Loaded
from triplegate.config.pepper import load_pepper
from triplegate.config.secrets import FileSecrets
from triplegate.config.settings import Settings
from triplegate.control.parts import Parts
from triplegate.control.plane import ControlPlane
from triplegate.control.sight import Sight
from triplegate.control.telemetry.access_log import AccessLog
from triplegate.control.telemetry.gauges import observe_house
from triplegate.control.telemetry.spans import SpanExport
from triplegate.control.view import AdminToken, Degraded
from triplegate.core.clock import Clock, SystemClock
from triplegate.core.exchange import Gate
from triplegate.core.house import Household
from triplegate.core.meters import Meters
from triplegate.core.ports import Kit, Supervisor
from triplegate.core.raises import Raised
from triplegate.edge.asgi import DataPlane, EdgeLimits
from triplegate.edge.front import Front
from triplegate.edge.front_facts import Table
from triplegate.edge.grpc import GrpcPlane
from triplegate.edge.guard import Limits as HeadLimits
from triplegate.edge.heartbeats import Heartbeats
from triplegate.edge.interim import Interims
from triplegate.edge.live import Live
from triplegate.edge.recheck import Rechecks
from triplegate.gates.llm.ranks import Ranks
from triplegate.gateway import Gateway
from triplegate.policies import registry
from triplegate.stores.memory.store import MemoryStore
from triplegate.stores.redis.store import RedisStore
from triplegate.stores.spool import Limits as SpoolLimits
from triplegate.stores.spool import Spool
from triplegate.upstreams.consult import consult
from triplegate.upstreams.dial import HttpxDial
from triplegate.upstreams.grpc import GrpcChannel
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.upstreams.tls import Trust
from triplegate.upstreams.upkeep import Upkeep
from triplegate.wire.client_address import TrustedProxies

if TYPE_CHECKING:
    from triplegate.stores.sql.keeping import Keeping
    from triplegate.stores.sql.state import SqlState
    from triplegate.stores.sql.store import SqlStore

SightKind = TypeVar("SightKind", bound=Sight)


class Building:
    """A worker: made from a loaded configuration, `open`ed, then `run`, at last `close`d."""

    def __init__(
        self,
        loaded: Loaded,
        source: Path,
        addresses: Mapping[str, str],
        *,
        crew: Crew | None = None,
        stale: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`addresses`: listener → URL, as clients on this machine would call it.

        `crew`: the workers of this node; `stale`: why `loaded` is not what stands in the files; `environment`: the
        variables it was read with.
        """
        settings = self.settings = loaded.settings
        self.source, self.addresses = source, addresses
        self.crew = crew or Crew()
        clock = SystemClock()
        self.supervisor = TaskSupervisor()
        self.upkeep = Upkeep(self.supervisor, clock)
        self.shared = _shared(settings, clock, self.supervisor)
        self.raised = Raised(self.shared.admission, clock)
        self.meters = Meters()
        self.telemetry = _telemetry(settings, self.meters, self.crew)
        limits = SpoolLimits(settings.spool.max_bytes, max(1 << 20, settings.spool.max_bytes // 4))
        self.spool = Spool(settings.spool_path, settings.node, clock, limits)
        self.house = Household(
            clock,
            self.spool,
            self.telemetry,
            settings.node,
            settings.telemetry.sample,
            content=settings.telemetry.content and settings.telemetry.otlp is not None,
        )
        self.live = Live()
        self.draining = False
        self.keeping: Keeping | None = None
        self.grpc_failure = ""
        """Why the gRPC listener is not open although it should be."""
        self.fronts: dict[str, Front] = {}
        """By listener, where there is one."""
        self._trusted = TrustedProxies(settings.trusted_proxies)
        self._dial = HttpxDial(allow_private=settings.allow_private)
        self._loaded, self._stale, self._variables = loaded, stale, environment
        self._ends = AsyncExitStack()
        self._ends.callback(self.spool.close)

    async def open(self) -> Triplegate:
        """Reach what settings name, compile the documents, make the application.

        Raises ConnectionError, DatabaseUnavailable or OSError, each naming place and remedy.
        """
        from triplegate.stores.sql.store import SqlStore

        settings, ends = self.settings, self._ends
        required = not settings.start_degraded
        settings.state_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self.crew.open(settings.state_path)
        ends.callback(self.crew.close)
        await self.shared.open(10.0, required=required)
        ends.callback(self.shared.close)
        if not isinstance(self.shared, MemoryStore | RedisStore):
            ends.push_async_callback(self.shared.end)
        store = self.store = SqlStore(settings.store_url.reveal(), self.house.clock, AdminToken)
        ends.push_async_callback(store.close)
        store.raises.on_news.append(self.raised.take_over)
        await store.open(10.0, required=required)
        self.books = NodeBooks(store, self.spool, self.crew)
        self.approvals = NodeApprovals(store, self.shared.mailbox, load_pepper(settings), self.house.clock)
        self.kit = self._kit(store)
        ends.push_async_callback(self._dial.close)
        ends.push_async_callback(self.supervisor.close)
        ends.callback(self._close_pools)
        ends.push_async_callback(self._close_channels)
        commands = Commands(self.kit, settings.state_path, leads=self.crew.leads, alone=settings.workers == 1)
        ends.push_async_callback(commands.close)
        await commands.open()
        gateway = self.gateway = Gateway(self.kit, self.house)
        gateway.on_swap.append(commands.keep)
        gateway.on_swap.append(lambda snapshot: self.upkeep.keep(chores(snapshot, self.kit)))
        gateway.swap(gateway.compile(self._loaded.documents))
        await load_models(self.kit)
        self.reloading = Reloading(
            gateway, self._loaded, self.source, registry(), stale=self._stale, environment=self._variables
        )
        self.reloading.note()
        self.rechecks = Rechecks(self.live, gateway.check, settings.limits.recheck)
        gateway.on_swap.append(lambda _: self.rechecks.ask())
        store.index.on_news.append(self.rechecks.ask)
        self.budgets = Budgets(settings, gateway, self.shared, store, self.spool, self.crew, self.raised)
        self.books.budgets = self.budgets
        await self.budgets.keeping.begin(10.0)
        self.tools = Tools(gateway, store, self.crew, self.live.exchanges)
        self.parts = self._parts(store)
        control = ControlPlane(self.parts, (settings.listeners.control.host,))
        return Triplegate(self.plane("data"), plugins=[control])

    def plane(self, listener: str, facts: Table | None = None) -> DataPlane:
        """What answers the clients of a listener; all have the same gates, and their calls are counted together.

        `facts`: what the front before it knows of their connections.
        """
        gateway, resolve = self.gateway, self._trusted.client if self._trusted else None
        limits = _edge_limits(self.settings)
        return DataPlane(gateway.gate_for, gateway.answer, limits, resolve, self.live, listener, facts)

    def grpc_plane(self) -> GrpcPlane:
        """What answers gRPC clients: the api gate, whatever the path."""
        gateway, resolve = self.gateway, self._trusted.client if self._trusted else None

        def api() -> Gate:
            assert gateway.snapshot is not None
            return gateway.snapshot.gates["api"]

        return GrpcPlane(api, gateway.answer, _edge_limits(self.settings), resolve, self.live, self.house.clock)

    def _kit(self, store: "SqlStore[AdminToken]") -> Kit:
        shared = self.shared
        return Kit(
            clock=self.house.clock,
            admission=self.raised,
            keys=store.index,
            secrets=FileSecrets(Path(self.settings.directory), environment()),
            supervisor=self.supervisor,
            dial=self._dial,
            consult=consult,
            cache=shared.cache,
            vectors=shared.vectors,
            sessions=shared.sessions,
            mailbox=shared.mailbox,
            broadcast=shared.broadcast,
            lease=shared.lease,
            once=shared.once,
            pepper=load_pepper(self.settings),
            trusted=self._trusted,
            index=self._index(),
            base=self.settings.directory,
            books=self.books,
            pins=store.pins,
            approvals=self.approvals,
        )

    def _parts(self, store: "SqlStore[AdminToken]") -> Parts:
        observe_house(self.meters, self._sight(Sight))
        view = self._sight(NodeSight)
        view.crew, view.telemetry = self.crew, self.telemetry
        return Parts(
            view=view,
            telemetry=self.telemetry,
            keys=NodeKeys(store.index, self.crew),
            tokens=store.tokens,
            books=self.books,
            pepper=self.kit.pepper,
            clock=self.house.clock,
            bootstrap=self.settings.state_path / "bootstrap.token",
            budgets=self.budgets,
            tools=self.tools,
            approvals=self.approvals,
        )

    def _sight(self, kind: type[SightKind]) -> SightKind:
        return kind(
            self.gateway,
            self.spool,
            self.live.exchanges,
            gates=self.addresses,
            origin=str(self.source),
            reload=self.reloading.reload,
            validate=self.reloading.validate,
            degraded=self._degraded,
            waiting=self._waiting,
            drift=self.budgets.drift,
        )

    def run(self) -> None:
        """Begin what goes on by itself: sweep, telemetry, ledger drain, key changes, file watch."""
        telemetry = self.settings.telemetry
        self.live.start()
        self._ends.callback(self.live.stop)
        # the leader exports the sum of the node's meters: a follower that did so too would count twice
        self.telemetry.start(otlp=telemetry.otlp or "" if self.crew.leads else "", node=self.settings.node)
        self._ends.callback(self.telemetry.close)
        self.supervisor.spawn(self.spool.run(self.store.ledger), "ledger drain")
        self.supervisor.spawn(self.store.follow(), "key changes")
        self.supervisor.spawn(self.store.raises.follow(), "raises of budgets")
        self.supervisor.spawn(self.store.pins.follow(), "pins")
        self.supervisor.spawn(self.tools.follow(), "news of pins")
        self.supervisor.spawn(self.rechecks.run(), "rechecks")
        interims = Interims(self.live, self.house.clock, self.settings.limits.interim)
        self.supervisor.spawn(interims.run(), "interim records")
        self.supervisor.spawn(Heartbeats(self.live, self.house.clock).run(), "heartbeats of holds")
        self.supervisor.spawn(self.upkeep.run(), "upkeep")
        self.supervisor.spawn(self.budgets.run(), "budgets")
        if self.crew.leads:
            self._keep_ledger()
            self.supervisor.spawn(self.budgets.alerts.run(), "alerts")
        self._join()
        if self.settings.documents == "files":
            self.supervisor.spawn(self.reloading.watch(), "configuration")
            self._ends.callback(self.reloading.stop)

    def _keep_ledger(self) -> None:
        """Write down prices in force, and let go of what is too old."""
        from triplegate.stores.sql.keeping import Keeping

        clock = self.house.clock
        self.supervisor.spawn(PriceNotes(self.gateway, self.store.database, clock).run(), "prices")
        keeping = self.keeping = Keeping(self.store.database, self.settings.store.keep, clock)
        self.meters.observe(
            "triplegate.ledger.deleted",
            "{row}",
            "Rows of the ledger that were older than they are kept for.",
            ("triplegate.table",),
            lambda: [((name,), count) for name, count in keeping.deleted.items()],
            kind="counter",
        )
        self.supervisor.spawn(keeping.run(), "old rows of the ledger")

    def _join(self) -> None:
        """Become one of the workers of this node, if there are others."""
        if isinstance(self.crew, Follower):
            ledger = self.store.ledger
            orders = {
                "reload": self.reloading.reload,
                "keys": self.store.index.refresh,
                "raises": self.store.raises.refresh,
                "pins": self.store.pins.refresh,
            }
            self.crew.obey({**orders, "drain": lambda: self.spool.drain(ledger)})
            self.supervisor.spawn(self.crew.run(self.telemetry.read, self._degraded), "reports to the leader")

    async def close(self) -> None:
        """Everything in reverse; what the ledger cannot take now waits on disk for the next start."""
        if hasattr(self, "store"):
            try:
                async with asyncio.timeout(5.0):
                    await self.spool.drain(self.store.ledger)
            except Exception as error:  # noqa: BLE001 - a store that is away must not keep the process from ending
                print(f"ledger: {error}; what waits on disk is taken at the next start", file=sys.stderr)
        await self._ends.aclose()

    def _close_pools(self) -> None:
        for pool in self.kit.states.every(Pool):
            pool.close()

    async def _close_channels(self) -> None:
        for channel in self.kit.states.every(GrpcChannel):
            await channel.close()

    def _degraded(self) -> Sequence[Degraded]:
        found = [*self.reloading.degraded()]
        found += self._shown_late()
        found += [Degraded(f"telemetry {name}", text) for name, text in self.telemetry.failing()]
        troubles = [ranks.trouble for ranks in self.kit.states.every(Ranks)]
        found += [Degraded("tokens", f"{trouble}; they are estimated") for trouble in troubles if trouble]
        if isinstance(self.shared, RedisStore) and not self.shared.state.up:
            share = f"limits are counted in this process, each at 1/{self.settings.nodes * self.settings.workers}"
            found.append(Degraded("redis", f"{self.shared.state.last_error}; {share}"))
        for failure in (self.store.failure, self.store.index.failure):
            if failure:
                found.append(Degraded("store", f"{failure}; the keys known last are in force"))
        found += self.budgets.degraded()
        found += self._ledger_troubles()
        if self.grpc_failure:
            found.append(Degraded("gRPC", f"{self.grpc_failure}; gRPC routes are not served"))
        for trust in self.kit.states.every(Trust):
            if trust.trouble and trust.context is not None:
                found.append(Degraded("certificates", f"{trust.trouble}; the last good ones are in force"))
        for name, depth in self.spool.depth().items():
            if depth.full or depth.trouble:
                found.append(Degraded(f"spool {name}", depth.trouble or "full: new billed calls are refused"))
        return found

    def _ledger_troubles(self) -> Iterable[Degraded]:
        if self.spool.failure:
            yield Degraded("ledger", f"{self.spool.failure}; records wait on disk")
        if self.keeping is not None and self.keeping.failure:
            yield Degraded("old records", f"{self.keeping.failure}; they are deleted later")

    def _shown_late(self) -> Iterable[Degraded]:
        """Certificates of listeners that are not as their files, or not as clients want them."""
        now = self.house.clock.wall()
        for name, front in self.fronts.items():
            certificates = front.terms.certificates
            if certificates is not None and (trouble := certificates.trouble(now)):
                yield Degraded(f"certificates {name}", trouble)

    def _waiting(self) -> Sequence[str]:
        if self.draining:
            return ("draining",)
        return () if self.gateway.snapshot is not None else ("no configuration",)

    def _index(self) -> bytes:
        lines = [f"{name:8} {url}" for name, url in self.addresses.items()]
        return "\n".join(["triplegate", "", *lines, ""]).encode()


def _shared(settings: Settings, clock: Clock, supervisor: Supervisor) -> "MemoryStore | RedisStore | SqlState":
    nodes = settings.nodes * settings.workers
    if settings.state.kind == "memory":
        return MemoryStore(clock)
    if settings.state.kind == "sql":
        from triplegate.stores.sql.state import SqlState

        return SqlState(settings.store_url.reveal(), clock, supervisor, nodes=nodes)
    assert settings.state.redis is not None
    return RedisStore(settings.state.redis.reveal(), clock, supervisor, nodes=nodes)


def _telemetry(settings: Settings, meters: Meters, crew: Crew) -> NodeTelemetry:
    written = settings.telemetry
    target = written.access_log
    place = target if target == "stdout" else Path(settings.directory, target)
    log = None if target == "off" else AccessLog(place)
    spans = SpanExport(written.otlp, settings.node, redact=written.redact) if written.otlp else None
    telemetry = NodeTelemetry(meters, tail=crew.tail(), access_log=log, spans=spans)
    telemetry.crew = crew
    return telemetry


def _edge_limits(settings: Settings) -> EdgeLimits:
    limits = settings.limits
    head = HeadLimits(limits.uri, limits.headers, limits.fields)
    return EdgeLimits(head, limits.body, limits.body_idle, limits.body_rate, limits.write_idle, limits.exchanges)
