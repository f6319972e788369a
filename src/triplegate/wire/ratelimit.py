"""How buckets stand, told to clients: RateLimit fields (draft-11), Retry-After and the vendors' own headers."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from triplegate.core.admission import Dimension, Limit, Standing
from triplegate.core.calendar import Rolling
from triplegate.core.http import Headers
from triplegate.wire.structured_fields import item, printable

_UNITS: dict[Dimension, str | None] = {
    "requests": None,
    "bytes": "content-bytes",
    "input": "input-tokens",
    "output": "output-tokens",
    "total": "tokens",
    "tools": "tool-calls",
}
"""Quota units by dimension; requests is the draft's default. Budgets are not told: they are the payer's business."""


class Plan(NamedTuple):
    """How standings of some limits are told, as far as the limits say; their numbers are all that is left to write."""

    standings: int
    """How many they are."""
    places: tuple[int, ...]
    """Of those that the RateLimit fields tell."""
    left: bytes
    """RateLimit, with places for `r` and `t` of each."""
    policy: tuple[bytes, bytes]
    """RateLimit-Policy."""
    openai: tuple[tuple[int, tuple[bytes, bytes], bytes, bytes], ...] | None
    """OpenAI's fields: place, the line of the limit, names of the other two; None: numbers say which limit is told."""


@lru_cache(maxsize=4096)
def _plan(limits: tuple[Limit | None, ...]) -> Plan | None:
    """Of standings by their limits, None for those that are only observed; None where numbers say which are told."""
    shown = [(place, limit) for place, limit in enumerate(limits) if limit is not None and _is_told(limit)]
    if len({limit.name for _, limit in shown}) < len(shown):
        return None
    left, policy = _texts(tuple([limit for _, limit in shown])) if shown else (b"", b"")
    places = tuple([place for place, _ in shown])
    return Plan(len(limits), places, left, (b"ratelimit-policy", policy), _openai_plan(shown))


def _openai_plan(shown: list[tuple[int, Limit]]) -> tuple[tuple[int, tuple[bytes, bytes], bytes, bytes], ...] | None:
    rates = [(place, limit) for place, limit in shown if limit.family == "rate"]
    places = {limit.dimension: (place, limit) for place, limit in rates}
    tokens = [places[one] for one in _PARTS if one in places] if "total" not in places else [places["total"]]
    if len(places) < len(rates) or len(tokens) > 1:
        return None
    found = []
    for names, told_of in ((_REQUESTS, places.get("requests")), (_TOKENS, tokens[0] if tokens else None)):
        if told_of is not None:
            place, limit = told_of
            found.append((place, (names[0], b"%d" % limit.quota), names[1], names[2]))
    return tuple(found)


def plan_of(standings: Sequence[Standing]) -> Plan | None:
    """How these are told, as far as their limits say it; worth keeping where it is asked for twice."""
    return _plan(tuple([one.claim.limit if one.claim.mode == "enforce" else None for one in standings]))


def _is_told(limit: Limit) -> bool:
    """Budgets are the payer's business."""
    return limit.family != "budget" and limit.dimension != "money"


@lru_cache(maxsize=1024)
def _texts(limits: tuple[Limit, ...]) -> tuple[bytes, bytes]:
    """RateLimit, with places for `r` and `t` of each, and RateLimit-Policy."""
    policies, names = zip(*[_policy(limit) for limit in limits], strict=True)
    return b", ".join([name.replace(b"%", b"%%") + b";r=%d;t=%d" for name in names]), b", ".join(policies)


def _policy(limit: Limit) -> tuple[bytes, bytes]:
    """The item of RateLimit-Policy and the beginning of the item of RateLimit."""
    name = printable(limit.name)
    parameters: dict[str, int | str] = {"q": limit.quota}
    if limit.family == "concurrent":
        parameters["qu"] = "concurrent-requests"
    else:
        unit = _UNITS[limit.dimension]
        if unit is not None:
            parameters["qu"] = unit
    window = limit.window
    if isinstance(window, Rolling):
        window = window.length
    if isinstance(window, int | float) and window > 0:  # months differ in length: `t` says when they end
        parameters["w"] = max(1, ceil(window))
    return item(name, parameters).encode("ascii"), item(name).encode("ascii")


def fields(standings: Sequence[Standing], plan: Plan | None = None) -> Headers:
    """`RateLimit` and `RateLimit-Policy`, one item for each enforced limit (its tightest bucket), or nothing.

    `plan`: where it was found out already.
    """
    if plan is None or plan.standings != len(standings):
        plan = plan_of(standings)
    shown = told(standings) if plan is None else [standings[place] for place in plan.places]
    if not shown:
        return []
    if plan is None:
        left, policies = _texts(tuple([one.claim.limit for one in shown]))
        policy = (b"ratelimit-policy", policies)
    else:
        left, policy = plan.left, plan.policy
    numbers: list[int] = []
    for one in shown:
        numbers += (max(0, one.remaining), ceil(one.reset) if one.reset > 0 else 0)
    return [(b"ratelimit", left % (*numbers,)), policy]


def told(standings: Sequence[Standing]) -> list[Standing]:
    """The standings clients are told of: enforced, not money, one for each limit name (the tightest)."""
    seen: dict[str, Standing] = {}
    for standing in standings:
        if standing.claim.mode == "observe" or not _is_told(standing.claim.limit):
            continue
        name = standing.claim.limit.name
        other = seen.setdefault(name, standing)
        if other is not standing and _tightness(standing) < _tightness(other):
            seen[name] = standing
    return list(seen.values())


def _tightness(standing: Standing) -> tuple[bool, int, float]:
    """Sorts the tightest first."""
    return not standing.denied, standing.remaining, -standing.reset


def retry_after(seconds: float, standings: Iterable[Standing] = ()) -> bytes:
    """`Retry-After` in whole seconds, at least 1 and never less than a denied bucket's `t` (RL-2)."""
    return b"%d" % max(1, ceil(_longest(seconds, standings)))


def retry_after_ms(seconds: float, standings: Iterable[Standing] = ()) -> bytes:
    """The same wait in milliseconds, as OpenAI's clients read it."""
    return b"%d" % max(1, ceil(_longest(seconds, standings) * 1000))


def _longest(seconds: float, standings: Iterable[Standing]) -> float:
    denied = [standing.reset for standing in standings if standing.denied and standing.claim.mode == "enforce"]
    return max([seconds, *denied])


def _rates(standings: Sequence[Standing]) -> dict[Dimension, Standing]:
    """The tightest rate of each dimension that clients are told of."""
    found: dict[Dimension, Standing] = {}
    for standing in told(standings):
        limit = standing.claim.limit
        if limit.family == "rate":
            other = found.setdefault(limit.dimension, standing)
            if other is not standing and _tightness(standing) < _tightness(other):
                found[limit.dimension] = standing
    return found


def openai_fields(standings: Sequence[Standing], plan: Plan | None = None) -> Headers:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; reset as a Go-like duration (`6m0s`).

    `plan`: where it was found out already.
    """
    if not standings:
        return []
    headers: Headers = []
    if plan is None:
        plan = plan_of(standings)
    if plan is not None and plan.openai is not None:
        for place, limit, remaining, reset in plan.openai:
            standing = standings[place]
            left = standing.remaining
            headers += (limit, (remaining, b"%d" % left if left > 0 else b"0"), (reset, duration(standing.reset)))
        return headers
    rates = _rates(standings)
    tokens = rates.get("total")
    if tokens is None:
        tokens = min([rates[one] for one in _PARTS if one in rates], key=_tightness, default=None)
    for (limit_name, remaining, reset), one in ((_REQUESTS, rates.get("requests")), (_TOKENS, tokens)):
        if one is not None:
            headers.append((limit_name, b"%d" % one.claim.limit.quota))
            headers.append((remaining, b"%d" % max(0, one.remaining)))
            headers.append((reset, duration(one.reset)))
    return headers


_PARTS: tuple[Dimension, ...] = ("input", "output")
_REQUESTS = (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests")
_TOKENS = (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens")


def anthropic_fields(standings: Sequence[Standing], now: float) -> Headers:
    """`anthropic-ratelimit-{unit}-{limit,remaining,reset}`, reset as RFC 3339; `now` in epoch seconds."""
    headers: Headers = []
    rates = _rates(standings)
    for unit, dimension in _ANTHROPIC:
        standing = rates.get(dimension)
        if standing is not None:
            prefix = b"anthropic-ratelimit-" + unit
            headers.append((prefix + b"-limit", b"%d" % standing.claim.limit.quota))
            headers.append((prefix + b"-remaining", b"%d" % max(0, standing.remaining)))
            headers.append((prefix + b"-reset", _instant(now + standing.reset)))
    return headers


_ANTHROPIC: tuple[tuple[bytes, Dimension], ...] = (
    (b"requests", "requests"),
    (b"tokens", "total"),
    (b"input-tokens", "input"),
    (b"output-tokens", "output"),
)


def duration(seconds: float) -> bytes:
    """A duration as OpenAI writes it: `17ms`, `1s`, `6m0s`, `1h0m5s`; rounded up."""
    if seconds <= 0:
        return b"0s"
    if seconds < 1:
        return b"%dms" % ceil(seconds * 1000)
    whole = ceil(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return b"%dh%dm%ds" % (hours, minutes, rest)
    return b"%dm%ds" % (minutes, rest) if minutes else b"%ds" % rest


def _instant(epoch: float) -> bytes:
    return datetime.fromtimestamp(ceil(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode("ascii")
