"""Finished exchanges as the house would hand them over."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from granian.server.embed import Server
from litestar import Litestar
from tests.servers.spawn import free_port

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.parts import Parts
from triplegate.control.plane import ControlPlane
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.spending import asking, priced
from triplegate.control.reports.usage import usage
from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.telemetry.finished import Finished
from triplegate.control.view import (
    AdminToken,
    Degraded,
    EndpointView,
    GatewayView,
    Reloaded,
    RouteView,
    Running,
    TeamView,
    UpstreamView,
)
from triplegate.core.clock import SetClock
from triplegate.core.errors import Fault, Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Inbound, Peer
from triplegate.core.meters import Meters
from triplegate.core.record import AttemptRecord, Record
from triplegate.stores.sql.calls import call, calls
from triplegate.stores.sql.counted import counted
from triplegate.stores.sql.store import SqlStore

TRACE = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


def _record(**changes: Any) -> Record:
    base = Record(
        exchange="01JDHOUSE",
        part=0,
        kind="final",
        parent="",
        node="n1",
        snapshot="abc",
        started=1_767_225_600.5,
        duration_us=30_000,
        first_byte_us=10_000,
        overhead_us=700,
        gate="api",
        listener="data",
        route="orders",
        target="orders",
        method="GET",
        status=200,
        outcome="ok",
        refusal="",
        org="acme",
        team="web",
        consumer="ci",
        key_id="k1",
        end_user="",
        plan="free",
        streamed=False,
        bytes_in=0,
        bytes_out=10,
        tokens=(0,) * 9,
        tool_units="",
        usage_source="none",
        own_cost=0,
        cost=0,
        list_cost=0,
        saved=0,
        cache="none",
        price_version="",
        traceparent="",
        billed=False,
        each=False,
    )
    return msgspec.structs.replace(base, **changes)


def _attempt(**changes: Any) -> AttemptRecord:
    base = AttemptRecord(
        n=1,
        role="first",
        provider="openai",
        target="smart-openai",
        credential_id="c1",
        offset_us=1_000,
        first_byte_us=5_000,
        duration_us=20_000,
        status=200,
        error_class="",
        upstream_id="chatcmpl-1",
        tokens=(0,) * 9,
        usage_source="none",
        cost=0,
        adopted=True,
    )
    return msgspec.structs.replace(base, **changes)


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return _record


@pytest.fixture
def make_attempt() -> Callable[..., AttemptRecord]:
    return _attempt


@pytest.fixture
def make_finished() -> Callable[..., Finished]:
    def make(*, http_method: str = "GET", path: str = "/orders/1", part: str = "orders", **changes: Any) -> Finished:
        own = {
            name: changes.pop(name) for name in ("policy", "reason", "parent", "rpc", "host", "peer") if name in changes
        }
        host, peer = own.pop("host", "api.test"), own.pop("peer", "192.0.2.7")
        return Finished(_record(**changes), http_method, host, path, peer, part, **own)

    return make


@pytest.fixture
def make_exchange() -> Callable[..., Exchange]:
    def make(
        *, headers: list[tuple[bytes, bytes]] | None = None, refusal: Refusal | None = None, path: str = "/orders/1"
    ) -> Exchange:
        inbound = Inbound(
            "data",
            "GET",
            "http",
            "api.test",
            None,
            path,
            b"token=secret-in-query",
            headers or [],
            Peer("192.0.2.7"),
            BytesBody(b"body-secret"),
        )
        house: Any = SimpleNamespace(clock=SetClock())
        gate: Any = SimpleNamespace(name="api")
        exchange = Exchange("01JDHOUSE", gate, inbound, house, 1_000.0, refusal=refusal)
        exchange.scope = ("orders", "free", "web")
        return exchange

    return make


class Sight(GatewayView):
    """A house with two orgs; what it says can be set by a test."""

    def __init__(self) -> None:
        self.config = Running("c0ffee" * 10, 3, 1_767_225_000.0, "my-gateway", version="0.1.0")
        self.trouble: list[Degraded] = []
        self.reasons: list[str] = []
        self.faults: list[Fault] = []
        self.chargeback = ChargebackDocument()

    def running(self) -> Running:
        return self.config

    def routes(self) -> list[RouteView]:
        return [
            RouteView("orders", "api", "GET */orders", ("orders",), ("key_auth", "rate_limit"), "web"),
            RouteView("bills", "api", "GET */bills", ("bills",), ("key_auth",), "books"),
            RouteView("smart", "llm", "model smart", ("openai/gpt-4o",), ("key_auth",), "", billed=True),
        ]

    def upstreams(self) -> list[UpstreamView]:
        return [
            UpstreamView("orders", "service", "http://127.0.0.1:9001", "up", "", 2, 1, 0),
            UpstreamView("bills", "service", "http://127.0.0.1:9002", "down", "connection refused"),
        ]

    def endpoints(self) -> list[EndpointView]:
        return [
            EndpointView(
                "orders", "http://127.0.0.1:9001", "up", weight=3, active=2, calls=9, failed=1, latency=0.0125
            ),
            EndpointView("orders", "http://127.0.0.1:9003", "ejected", "5 failures in a row", used=False, ejections=2),
        ]

    def teams(self) -> list[TeamView]:
        return [
            TeamView("acme", "web", "free", ("ci", "shop")),
            TeamView("acme", "ops", "free", ("bot",)),
            TeamView("umbrella", "books", "gold", ("robot",)),
        ]

    def plans(self) -> list[str]:
        return ["free", "gold"]

    def house(self) -> House:
        return House(self.chargeback, tuple((one.org, one.team) for one in self.teams()))

    def gates(self) -> dict[str, str]:
        return {"api": "http://127.0.0.1:8080", "llm": "http://127.0.0.1:8080/v1", "mcp": "http://127.0.0.1:8080/mcp"}

    def degraded(self) -> list[Degraded]:
        return self.trouble

    def not_ready(self) -> list[str]:
        return self.reasons

    def active(self) -> dict[str, int]:
        return {"api": 2, "llm": 1, "mcp": 0}

    async def validate(self, documents: Mapping[str, str]) -> list[Fault]:
        return [Fault(f"{path}:1:1", "unknown field") for path, text in documents.items() if "wrong" in text]

    async def reload(self) -> Reloaded:
        return Reloaded(not self.faults, self.config.hash, self.config.generation, tuple(self.faults))


def _spent() -> list[Record]:
    """What the ledger holds: two teams, three consumers, by hand."""
    billed = {"gate": "llm", "route": "smart", "billed": True, "usage_source": "provider", "started": 1_767_225_000.0}
    rows: list[dict[str, Any]] = [
        {"consumer": "ci", "tokens": (60, 40, 0, 0, 0, 0, 30, 20, 0), "cost": 125_000_000},
        {"consumer": "ci", "outcome": "refused", "refusal": "quota_exceeded", "status": 429},
        {"consumer": "shop", "outcome": "failed", "status": 502, "tokens": (30, 0, 0, 0, 0, 0, 7, 0, 0), "cost": 1},
        {
            "consumer": "robot",
            "org": "umbrella",
            "team": "books",
            "tokens": (11,) + (0,) * 7 + (13,),
            "cost": 15_000_000_000,
        },
        {"consumer": "robot", "org": "umbrella", "team": "books", "started": 1_767_225_600.0 - 90_000},
    ]
    return [_record(exchange=f"E{number}", **{**billed, **row}) for number, row in enumerate(rows)]


class Books:
    """The ledger, which has everything already."""

    def __init__(self, database: Any) -> None:
        self.usage = partial(usage, database)
        self.call = partial(call, database)
        self.spending = asking(database)
        self.counted = partial(counted, database)
        self.priced = partial(priced, database)
        self._database = database

    async def calls(self, where: Any, since: float, until: float, before: Any, most: int) -> Any:
        return await calls(self._database, where, since, until, before=before, most=most)


class Stage:
    """The control plane on a stage: a Litestar application, its parts on a real database, and clients for it."""

    def __init__(self, directory: Path) -> None:
        self.clock, self.view = SetClock(), Sight()
        self.telemetry = Telemetry(Meters())
        self.store = SqlStore(str(directory / "triplegate.db"), self.clock, AdminToken)
        self.parts = Parts(
            view=self.view,
            telemetry=self.telemetry,
            keys=self.store.index,
            tokens=self.store.tokens,
            books=Books(self.store.database),
            pepper=b"p" * 32,
            clock=self.clock,
            bootstrap=directory / "bootstrap-token",
        )
        self.app = Litestar(plugins=[ControlPlane(self.parts, ["gateway.test"])], logging_config=None)

    def client(self, token: str = "", *, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        if token:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.app, client=(address, 5_000))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081", headers=headers)

    async def token(self, *roles: str, org: str = "", team: str = "") -> str:
        token, _ = await self.parts.tokens.issue(roles or ("owner",), org=org, team=team, name="tester")
        return token


@pytest.fixture(scope="session")
def ledger_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with a few records, to be copied by each test."""
    path = tmp_path_factory.mktemp("ledger") / "triplegate.db"

    async def fill() -> None:
        store = SqlStore(str(path), SetClock(), AdminToken)
        await store.open()
        await store.ledger.write(_spent())
        await store.close()

    asyncio.run(fill())
    return path


@pytest.fixture
async def stage(tmp_path: Path, ledger_file: Path) -> AsyncIterator[Stage]:
    for file in ledger_file.parent.glob("triplegate.db*"):
        shutil.copy(file, tmp_path / file.name)
    stage = Stage(tmp_path)
    yield stage
    await stage.store.close()


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[str]:
    """The same application on a real socket; the base URL."""
    port = free_port()
    server = Server(stage.app, address="127.0.0.1", port=port, interface="asginl", log_enabled=False, backlog=128)
    running = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            break
    yield f"http://127.0.0.1:{port}"
    stage.telemetry.close()
    server.stop()
    async with asyncio.timeout(10):
        await running
