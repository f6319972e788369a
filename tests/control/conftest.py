"""Finished exchanges as the house would hand them over."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from granian.server.embed import Server
from litestar import Litestar

from triplegate.control.parts import Parts
from triplegate.control.plane import ControlPlane
from triplegate.control.telemetry.collect import Telemetry
from triplegate.control.telemetry.finished import Finished
from triplegate.control.view import (
    AdminToken,
    Degraded,
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
from triplegate.core.identity import KeyRecord
from triplegate.core.meters import Meters
from triplegate.core.record import AttemptRecord, Record

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
        own = {name: changes.pop(name) for name in ("policy", "reason", "parent", "host", "peer") if name in changes}
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


class Keys:
    """Keys in memory, behind the port the SQL store implements."""

    def __init__(self) -> None:
        self.kept: dict[str, KeyRecord] = {}

    async def create(self, record: KeyRecord) -> None:
        self.kept[record.key_id] = record

    async def list(self, team: str | None = None) -> list[KeyRecord]:
        return [one for one in self.kept.values() if team is None or one.team == team]

    async def revoke(self, key_id: str, at: float) -> bool:
        found = self.kept.get(key_id)
        if found is None or found.revoked is not None:
            return False
        self.kept[key_id] = msgspec.structs.replace(found, revoked=at)
        return True


class TokenShelf:
    """Admin tokens in memory, behind the port the SQL store implements."""

    def __init__(self) -> None:
        self.kept: dict[str, AdminToken] = {}
        self.asked = 0

    async def create(self, record: AdminToken) -> None:
        self.kept[record.token_id] = record

    async def find(self, token_id: str) -> AdminToken | None:
        self.asked += 1
        return self.kept.get(token_id)

    async def list(self) -> list[AdminToken]:
        return list(self.kept.values())

    async def revoke(self, token_id: str, at: float) -> bool:
        found = self.kept.get(token_id)
        if found is None or found.revoked is not None:
            return False
        self.kept[token_id] = msgspec.structs.replace(found, revoked=at)
        return True


class Sight(GatewayView):
    """A house with two orgs; what it says can be set by a test."""

    def __init__(self) -> None:
        self.config = Running("c0ffee" * 10, 3, 1_767_225_000.0, "my-gateway", version="0.1.0")
        self.trouble: list[Degraded] = []
        self.reasons: list[str] = []
        self.faults: list[Fault] = []

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

    def teams(self) -> list[TeamView]:
        return [
            TeamView("acme", "web", "free", ("ci", "shop")),
            TeamView("acme", "ops", "free", ("bot",)),
            TeamView("umbrella", "books", "gold", ("robot",)),
        ]

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


class Row(msgspec.Struct):
    labels: dict[str, str]
    requests: int
    refused: int
    failed: int
    tokens_in: int
    tokens_out: int
    cost: Decimal


class Stage:
    """The control plane on a stage: a Litestar application, its parts, and clients for it."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = SetClock()
        self.view, self.keys, self.shelf = Sight(), Keys(), TokenShelf()
        self.telemetry = Telemetry(Meters())
        self.rows = [
            Row({"org": "acme", "team": "web", "consumer": "ci"}, 10, 2, 1, 100, 50, Decimal("0.0125000000")),
            Row({"org": "acme", "team": "web", "consumer": "shop"}, 5, 0, 0, 30, 7, Decimal("0.0000000001")),
            Row({"org": "umbrella", "team": "books", "consumer": "robot"}, 7, 1, 0, 11, 13, Decimal("1.5")),
        ]
        self.asked: list[tuple[list[str], float, float]] = []
        self.parts = Parts(
            view=self.view,
            telemetry=self.telemetry,
            keys=self.keys,
            tokens=self.shelf,
            usage=self.usage,
            pepper=b"p" * 32,
            clock=self.clock,
            bootstrap=tmp_path / "bootstrap-token",
        )
        self.app = Litestar(plugins=[ControlPlane(self.parts, ["gateway.test"])], logging_config=None)

    async def usage(self, by: Sequence[str], since: float, until: float) -> list[Row]:
        self.asked.append((list(by), since, until))
        sums: dict[tuple[str, ...], Row] = {}
        for row in self.rows:
            key = tuple(row.labels.get(name, "") for name in by)
            have = sums.setdefault(key, Row(dict(zip(by, key, strict=True)), 0, 0, 0, 0, 0, Decimal(0)))
            for name in ("requests", "refused", "failed", "tokens_in", "tokens_out", "cost"):
                setattr(have, name, getattr(have, name) + getattr(row, name))
        return list(sums.values())

    def client(self, token: str = "", *, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        if token:
            headers["authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(self.app, client=(address, 5_000))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081", headers=headers)

    async def token(self, *roles: str, org: str = "", team: str = "") -> str:
        token, _ = await self.parts.tokens.issue(roles or ("owner",), org=org, team=team, name="tester")
        return token


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
async def served(stage: Stage) -> AsyncIterator[str]:
    """The same application on a real socket; the base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
