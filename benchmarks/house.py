"""Our own subjects: the floors, and `triplegate serve` with one configuration each."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from benchmarks.shared import binary
from benchmarks.subjects import CONFIGS, Place, Started, Subject, always, python_module

HOUSE = CONFIGS / "house"
ALL = frozenset({"key", "limit", "log"})
REST = ("rest", "rest_rate")
LLM = ("chat", "chat_rate", "stream", "stream_paced")
MCP = ("mcp", "mcp_rate")


def _version() -> str:
    return metadata.version("triplegate")


def _there(module: str, what: str) -> Callable[[], str]:
    def missing() -> str:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        return "" if found else f"{what} is not there"

    return missing


serves = _there("triplegate.cli.serve", "triplegate serve")


def _environment(place: Place) -> dict[str, str]:
    return {"TRIPLEGATE_PORT": str(place.port), "TRIPLEGATE_ADMIN_PORT": str(place.admin_port)}


def _key(place: Place) -> str:
    """A key of consumer bench/bench/alice, made by our own command before the start."""
    command = [sys.executable, "-m", "triplegate", "key", "create", "--config", str(place.directory)]
    command += ["--consumer", "bench/bench/alice", "--json"]
    environment = {**_environment(place), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
    return str(json.loads(result.stdout)["key"])


def _serve(config: str, *, keyed: bool, grow: Callable[[Path], None] | None = None) -> Callable[[Place], Started]:
    def start(place: Place) -> Started:
        written = place.render(HOUSE / config, "triplegate.yaml")
        if grow:
            grow(written)
        command = python_module("triplegate", "serve", "--config", str(place.directory))
        headers = [f"Authorization: Bearer {_key(place)}"] if keyed else []
        return Started(command, headers, _environment(place))

    return start


def more_routes(count: int) -> Callable[[Path], None]:
    """Routes that are never called, beside the one that is."""

    def grow(path: Path) -> None:
        line = "  other-{0}: {{service: items, match: {{path: /other/{0}}}, identity: none, owner: bench}}\n"
        path.write_text(path.read_text() + "".join(line.format(number) for number in range(count - 1)))

    return grow


def more_consumers(count: int) -> Callable[[Path], None]:
    """Consumers with a key each, beside the one that calls: written straight into the key store."""

    def grow(path: Path) -> None:
        subprocess.run(python_module("benchmarks.seed_keys", str(path.parent), str(count - 1)), check=True, timeout=300)

    return grow


def _house(
    name: str,
    config: str,
    works: tuple[str, ...],
    *,
    keyed: bool = True,
    claims: frozenset[str] = frozenset(),
    grow: Callable[[Path], None] | None = None,
    missing: Callable[[], str] = serves,
    tool: str = "echo",
) -> Subject:
    start = _serve(config, keyed=keyed, grow=grow)
    return Subject(name, works, start, missing, _version, claims, config=HOUSE / config, tool=tool, patience=60)


def _raw(place: Place) -> Started:
    return Started(python_module("benchmarks.floors.raw", str(place.port), place.upstream), [])


def _hello(place: Place) -> Started:
    return Started(python_module("benchmarks.floors.hello", str(place.port)), [])


def _granian() -> str:
    return metadata.version("granian")


def _needs_redis() -> str:
    return serves() or ("" if binary() else "no redis-server is there")


def subjects() -> list[Subject]:
    """Floors and house, cheapest first."""
    keyed = frozenset({"key", "limit"})
    pool = _there("triplegate.upstreams.pool", "triplegate.upstreams.pool")
    return [
        Subject("granian_hello", REST, _hello, always, _granian),
        Subject("raw", ("rest", "rest_rate", *LLM), _raw, pool, _version),
        _house("rest_bare", "rest_bare.yaml", REST, keyed=False),
        _house("rest_policed", "rest_policed.yaml", REST, claims=ALL),
        _house("routes_1", "rest_bare.yaml", ("rest",), keyed=False),
        _house("routes_10000", "rest_bare.yaml", ("rest",), keyed=False, grow=more_routes(10_000)),
        _house("consumers_1", "limits_local.yaml", ("rest",), claims=keyed),
        _house("consumers_100000", "limits_local.yaml", ("rest",), claims=keyed, grow=more_consumers(100_000)),
        _house("local_limits", "limits_local.yaml", ("rest",), claims=keyed),
        _house("redis_limits", "limits_redis.yaml", ("rest",), claims=keyed, missing=_needs_redis),
        _house("chat_bare", "chat_bare.yaml", LLM, keyed=False),
        _house("chat_policed", "chat_policed.yaml", LLM, claims=ALL),
        _house("mcp_policed", "mcp_policed.yaml", MCP, claims=ALL, tool="mock__echo"),
    ]
