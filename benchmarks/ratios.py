"""The ratios by name: throughput of the first over the second, and the inverse of their CPU a call."""

from statistics import median
from typing import NamedTuple


class Side(NamedTuple):
    """One side of a ratio."""

    subject: str
    work: str


class Ratio(NamedTuple):
    """Two sides and the figure that is compared."""

    first: Side
    second: Side
    figure: str = "rps"


def _ratio(first: str, second: str, work: str, figure: str = "rps") -> Ratio:
    return Ratio(Side(first, work), Side(second, work), figure)


RATIOS: dict[str, Ratio] = {
    "raw/granian_hello": _ratio("raw", "granian_hello", "rest"),
    "rest_bare/raw": _ratio("rest_bare", "raw", "rest"),
    "rest_policed/rest_bare": _ratio("rest_policed", "rest_bare", "rest"),
    "rest_policed/envoy": _ratio("rest_policed", "envoy_jwt", "rest"),
    "rest_keyed/rest_bare": _ratio("rest_keyed", "rest_bare", "rest"),
    "rest_keyed/envoy": _ratio("rest_keyed", "envoy", "rest"),
    "rest_billed/rest_bare": _ratio("rest_billed", "rest_bare", "rest"),
    "rest_policed/haproxy": _ratio("rest_policed", "haproxy", "rest"),
    "rest_policed/nginx": _ratio("rest_policed", "nginx", "rest"),
    "rest_policed/litellm": _ratio("rest_policed", "litellm", "rest"),
    "cache_hit/rest_policed": _ratio("cache_hit", "rest_policed", "rest"),
    "routes_10000/routes_1": _ratio("routes_10000", "routes_1", "rest"),
    "consumers_100000/consumers_1": _ratio("consumers_100000", "consumers_1", "rest"),
    "redis_limits/local_limits": _ratio("redis_limits", "local_limits", "rest"),
    "chat_policed/chat_bare": _ratio("chat_policed", "chat_bare", "chat"),
    "chat/litellm": _ratio("chat_policed", "litellm", "chat"),
    "chat/portkey": _ratio("chat_policed", "portkey", "chat"),
    "chat/smg": _ratio("chat_policed", "smg", "chat"),
    "stream/litellm": _ratio("chat_policed", "litellm", "stream", "tokens_s"),
    "stream/portkey": _ratio("chat_policed", "portkey", "stream", "tokens_s"),
    "stream/smg": _ratio("chat_policed", "smg", "stream", "tokens_s"),
    "mcp/fastmcp": _ratio("mcp_policed", "fastmcp", "mcp"),
    "mcp/fastmcp_shared": _ratio("mcp_policed", "fastmcp_shared", "mcp"),
    "mcp/litellm": _ratio("mcp_policed", "litellm", "mcp"),
    "mcp/contextforge": _ratio("mcp_policed", "contextforge", "mcp"),
}

Run = dict[str, object]


def good_runs(runs: list[Run], side: Side) -> list[Run]:
    """Runs of one subject and work that no error voided."""
    return [run for run in runs if run["subject"] == side.subject and run["work"] == side.work and not run.get("void")]


def middle(runs: list[Run], figure: str) -> float | None:
    """Median of a figure over runs that have it."""
    values = [float(run[figure]) for run in runs if isinstance(run.get(figure), int | float)]  # type: ignore[arg-type]
    return median(values) if values else None


def compute(runs: list[Run]) -> dict[str, dict[str, object]]:
    """`ratios`, their `ranges` over rounds, `cpu_ratios`; what cannot be measured is left out, never guessed."""
    ratios: dict[str, object] = {}
    ranges: dict[str, object] = {}
    cpu: dict[str, object] = {}
    for name, ratio in RATIOS.items():
        first, second = good_runs(runs, ratio.first), good_runs(runs, ratio.second)
        over, under = middle(first, ratio.figure), middle(second, ratio.figure)
        if not over or not under:
            continue
        ratios[name] = round(over / under, 3)
        each = _by_round(first, second, ratio.figure)
        if each:
            ranges[name] = [round(min(each), 3), round(max(each), 3)]
        spent = "cpu_us_token" if ratio.figure == "tokens_s" else "cpu_us"
        ours, theirs = middle(first, spent), middle(second, spent)
        if ours and theirs:
            cpu[name] = round(theirs / ours, 3)
    return {"ratios": ratios, "ranges": ranges, "cpu_ratios": cpu}


def _by_round(first: list[Run], second: list[Run], figure: str) -> list[float]:
    found = []
    for run in first:
        for other in second:
            over, under = run.get(figure), other.get(figure)
            known = isinstance(over, int | float) and isinstance(under, int | float)
            if run["round"] == other["round"] and known and under:
                found.append(over / under)
    return found
