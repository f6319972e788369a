"""Real servers for every test: started when first asked for, stopped when the session ends."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.servers.states import State

_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)  # `tests.servers` is importable however pytest was started

from tests.second_try import (  # noqa: E402, F401 - hooks
    pytest_addoption,
    pytest_report_teststatus,
    pytest_runtest_protocol,
    pytest_terminal_summary,
)
from tests.servers.postgres import PostgresServer  # noqa: E402
from tests.servers.redis import Kind, RedisServer  # noqa: E402

# An example that waits for its turn on a busy machine is not a slow one: pytest's own time limit is what ends it.
# `make test` says the same every time; new examples are looked for where TRIPLEGATE_EXPLORE is set.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("explore", settings.get_profile("busy"), derandomize=False)
settings.load_profile("explore" if os.environ.get("TRIPLEGATE_EXPLORE") else "busy")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Redis 8.2, shared by the session: use a prefix of your own."""
    server = RedisServer("redis").start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Valkey 9, shared by the session: use a prefix of your own."""
    server = RedisServer("valkey").start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """PostgreSQL 18, shared by the session."""
    server = PostgresServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """`postgresql://postgres@127.0.0.1:PORT/postgres`, shared by the session; PostgreSQL 18."""
    return postgres_server.url


@pytest.fixture
async def fresh_postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty database made for this test."""
    import uuid

    import asyncpg

    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres_server.url, timeout=10)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return postgres_server.url_of(name)


@pytest.fixture
def make_redis() -> Iterator[Callable[[Kind], RedisServer]]:
    """Servers of a test's own, to be paused, killed and started again."""
    made: list[RedisServer] = []

    def make(kind: Kind = "redis") -> RedisServer:
        made.append(RedisServer(kind).start())
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(params=["memory", "redis", "valkey"])
async def state(request: pytest.FixtureRequest) -> "AsyncIterator[State]":
    """Every state port on every adapter, with a clock that the test turns."""
    from tests.servers.states import memory_state, redis_state  # only here: other tests need no store

    if request.param == "memory":
        yield memory_state()
        return
    async with redis_state(request.param, request.getfixturevalue(f"{request.param}_url")) as made:
        yield made
