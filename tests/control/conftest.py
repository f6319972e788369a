"""Finished exchanges as the house would hand them over."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from triplegate.control.telemetry.finished import Finished
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Inbound, Peer
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
