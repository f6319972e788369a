"""Our own subjects: the floors, and `triplegate serve` with one configuration each."""

import importlib.util
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from benchmarks.identity_provider import issue
from benchmarks.shared import binary
from benchmarks.subjects import CONFIGS, HERE, KEY, Place, Started, Subject, always, python_module

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
    return {"TRIPLEGATE_PORT": str(place.port), "TRIPLEGATE_ADMIN_PORT": str(place.admin_port), "BENCH_KEY": KEY}


def _key(place: Place, consumers: int) -> str:
    """The key of consumer bench/alice; with more consumers, each has one."""
    command = python_module("benchmarks.seed_keys", str(place.directory), str(consumers))
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, cwd=HERE.parent)
    return result.stdout.split()[-1]


def _serve(config: str, consumers: int, routes: int) -> Callable[[Place], Started]:
    def start(place: Place) -> Started:
        written = place.render(HOUSE / config, "triplegate.yaml")
        more_routes(written, routes - 1)
        command = python_module("triplegate", "serve", "--config", str(place.directory))
        if "use: jwt" in written.read_text():
            headers = [f"Authorization: Bearer {issue(place.directory)}"]
        else:
            headers = [f"Authorization: Bearer {_key(place, consumers)}"] if consumers else []
        return Started(command, headers, _environment(place))

    return start


def more_routes(path: Path, count: int) -> None:
    """Routes that are never called, beside the one that is."""
    line = "  other-{0}: {{service: items, match: {{path: /other/{0}}}, identity: none, owner: bench}}\n"
    path.write_text(path.read_text() + "".join(line.format(number) for number in range(count)))


def _house(
    name: str,
    config: str,
    works: tuple[str, ...],
    *,
    consumers: int = 1,
    routes: int = 1,
    claims: frozenset[str] = frozenset(),
    missing: Callable[[], str] = serves,
    tool: str = "echo",
) -> Subject:
    start = _serve(config, consumers, routes)
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
        _house("rest_bare", "rest_bare.yaml", REST, consumers=0),
        _house("rest_policed", "rest_policed.yaml", REST, claims=ALL),
        _house("rest_keyed", "rest_keyed.yaml", REST, claims=ALL),
        _house("rest_billed", "rest_billed.yaml", REST, claims=ALL),
        _house("routes_1", "rest_bare.yaml", ("rest",), consumers=0),
        _house("routes_10000", "rest_bare.yaml", ("rest",), consumers=0, routes=10_000),
        _house("consumers_1", "limits_local.yaml", ("rest",), claims=keyed),
        _house("consumers_100000", "limits_local.yaml", ("rest",), claims=keyed, consumers=100_000),
        _house("local_limits", "limits_local.yaml", ("rest",), claims=keyed),
        _house("redis_limits", "limits_redis.yaml", ("rest",), claims=keyed, missing=_needs_redis),
        _house("chat_bare", "chat_bare.yaml", LLM, consumers=0),
        _house("chat_policed", "chat_policed.yaml", LLM, claims=ALL),
        _house("mcp_policed", "mcp_policed.yaml", MCP, claims=ALL, tool="mock__echo"),
    ]
