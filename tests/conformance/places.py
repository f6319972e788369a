"""What the suite is run against: the bare fixture, and the gate in front of it in each of its shapes."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conformance.relay import relay
from tests.conformance.suite import REVISIONS
from tests.journeys.running import House, eventually, free_port, write
from tests.servers.npm_packages import node, package
from tests.servers.redis import RedisServer

FIXTURE = Path(__file__).with_name("fixture_server.py")
ALONE = """
servers:
  fixture:
    url: "http://127.0.0.1:{fixture}/mcp"
    price: 0.0001
"""
AGGREGATE = """
  everything:
    url: "http://127.0.0.1:{everything}/mcp"
    price: 0.0001
"""
HOUSE = """
mcp:
  identity: none
  owner: web
  naming: never
  validation: {arguments: enforce, results: enforce}
  results: {largest: 1MiB}
  pins: {mode: enforce, first: trust}
  policies:
    - {use: rate_limit, requests: 100000, window: 1m}
orgs: {acme: {teams: {web: {budget: {money: 1000, per: month}}}}}
"""
SHARED = """
state: {{redis: "{redis}"}}
nodes: 2
store: {{url: "sqlite:///{store}"}}
pepper: file:{pepper}
"""


@contextlib.contextmanager
def _started(command: list[object], port: int, **environment: str) -> Iterator[int]:
    process = subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: _listening(port), within=30)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def fixture(era: str = "both") -> Iterator[int]:
    """The fixture server; its port."""
    port = free_port()
    with _started([sys.executable, "-W", "ignore", FIXTURE, "--port", port, "--era", era], port):
        yield port


@contextlib.contextmanager
def everything() -> Iterator[int]:
    """The npm server-everything, which speaks sessions only; its port."""
    port = free_port()
    with _started([node(), package("server-everything"), "streamableHttp"], port, PORT=str(port)):
        yield port


@contextlib.contextmanager
def bare(folder: Path) -> Iterator[str]:
    """The fixture itself."""
    with fixture() as port:
        yield f"http://localhost:{port}/mcp"


@contextlib.contextmanager
def alone(folder: Path, era: str = "both") -> Iterator[str]:
    """The gate in front of the fixture, with pins, schemas and sizes, limits, a budget and the ledger."""
    with fixture(era) as port:
        write(folder, ALONE.format(fixture=port) + HOUSE)
        with House(folder) as house:
            yield f"http://localhost:{house.port}/mcp"


@contextlib.contextmanager
def aggregate(folder: Path) -> Iterator[str]:
    """The gate in front of the fixture and of a second server, which knows sessions only."""
    with fixture() as first, everything() as second:
        servers = ALONE.format(fixture=first) + AGGREGATE.format(everything=second)
        write(folder, servers + HOUSE)
        with House(folder) as house:
            yield f"http://localhost:{house.port}/mcp"


@contextlib.contextmanager
def nodes(folder: Path) -> Iterator[str]:
    """Two gates on one Redis, each asked in turn, whoever opened the session."""
    redis = RedisServer("redis").start()
    try:
        with fixture() as port:
            houses = [_node(folder / name, folder, port, redis.url) for name in ("a", "b")]
            with houses[0] as first, houses[1] as second, relay(first.port, second.port) as between:
                yield f"http://localhost:{between}/mcp"
    finally:
        redis.stop()


def _node(folder: Path, shared: Path, port: int, redis: str) -> House:
    folder.mkdir()
    pepper = write(folder, "pepper".ljust(64, "0"), "pepper")
    pepper.chmod(0o600)
    own = SHARED.format(redis=redis, store=shared / "shared.db", pepper=pepper)
    write(folder, ALONE.format(fixture=port) + HOUSE + own)
    return House(folder)


class Place(NamedTuple):
    """Something to run the suite against."""

    open: Callable[[Path], contextlib.AbstractContextManager[str]]
    """With a folder of its own: the address."""
    revisions: tuple[str, ...] = REVISIONS
    """Revisions whose every demand can be met there."""


PLACES = {
    "bare": Place(bare),
    "gate": Place(alone),
    "aggregate": Place(aggregate),
    "nodes": Place(nodes),
    "modern": Place(lambda folder: alone(folder, "modern")),
    "legacy": Place(lambda folder: alone(folder, "legacy"), ("2025-11-25",)),
}
"""By name; in `modern` and `legacy` the fixture speaks one era only (within sessions there is no `input_required`)."""
